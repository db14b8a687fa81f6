// What talks to the server, with trialsApi.ts. The routes are described in tb_lrfinder/http_api.md.
// URLs are relative to the frame's <base>, so they hold under a path prefix and behind proxies.

export type RunStatus = "running" | "finished" | "interrupted" | "failed";
export type Severity = "severe" | "mild";

/** Learning rates for other trainings than a short one at a constant learning rate. */
export interface Ranges {
  long_training: number;
  one_cycle_max: number;
  cyclical: [number, number];
}

export interface Suggestion {
  rule: string;
  learning_rate: number | null;
  reason: string | null;
  /** From the default rule only. */
  ranges?: Ranges | null;
}

export interface Run {
  run: string;
  id: string;
  kind: "sweep" | "trial";
  status: RunStatus;
  message: string | null;
  version: string;
  steps: number;
  planned_steps: number | null;
  /** That a trial started with; null for sweeps. */
  learning_rate: number | null;
  /** Seconds since the epoch. */
  start_time: number | null;
  optimizer: string | null;
  model: string | null;
  batch_size: number | null;
  stop_reason: string | null;
  suggestion: Suggestion | null;
  severity: Severity | null;
}

export interface RunsAnswer {
  runs: Run[];
  /** What is to be known of the list as a whole, in a sentence. */
  notice: string | null;
}

export interface Rule {
  name: string;
  label: string;
  description: string;
  formula: string;
  source: string;
}

export interface Rules {
  default: string;
  rules: Rule[];
}

export interface Finding {
  code: string;
  severity: Severity;
  message: string;
}

/** What the server is asked to compute with; null leaves a number as the sweep recorded it. */
export interface SweepSettings {
  smoothing: number | null;
  deltaWindow: number | null;
  skipStart: number;
  skipEnd: number;
}

/** Of equal length, in order of `step`. */
export interface Columns {
  /** Which rows these are; a long sweep comes thinned. */
  step: Float32Array;
  learning_rate: Float32Array;
  smoothed_loss: Float32Array;
  /** null as long as nobody needs it. */
  loss: Float32Array | null;
  loss_delta: Float32Array | null;
  slope: Float32Array | null;
}

export type ColumnName = keyof Columns;

/** What is asked of some sweeps. */
export interface SweepsRequest {
  settings: SweepSettings;
  columns: readonly ColumnName[];
  /** Pixels of width that a long sweep is thinned for; null for every row. */
  buckets: number | null;
}

export interface SweepPart {
  run: string;
  status: RunStatus;
  message: string | null;
  version: string;
  steps: number;
  stop_reason: string | null;
  config: Record<string, unknown>;
  settings: { smoothing: number; delta_window: number; skip_start: number; skip_end: number };
  /** Those that were asked for. */
  columns: Partial<Columns>;
  suggestion: Suggestion | null;
  suggestions: Record<string, Suggestion>;
  diagnosis: Finding[];
  minimum_learning_rate: number | null;
  divergence_learning_rate: number | null;
}

/** A sweep with everything that its curves are drawn from. */
export interface Sweep extends SweepPart {
  columns: Columns;
}

export interface SweepsAnswer {
  sweeps: SweepPart[];
  errors: { run: string; message: string }[];
}

/** A request that brought no answer: `status` is null where not even the server was reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly url: string,
    readonly status: number | null,
    readonly detail: string,
  ) {
    super(
      status === null
        ? `TensorBoard could not be reached for ${url}: ${detail}`
        : `TensorBoard answered ${status} for ${url}: ${detail}`,
    );
  }
}

export async function get(
  url: string,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(pathOf(url), null, error instanceof Error ? error.message : String(error));
  }
  if (!response.ok && response.status !== 304) {
    const text = (await response.text()).trim();
    // An HTML page (a proxy's, say) is no sentence for a person to read.
    const detail = text === "" || text.startsWith("<") ? response.statusText : text.slice(0, 300);
    throw new ApiError(pathOf(url), response.status, detail);
  }
  return response;
}

/** The address without its parameters, which may be thousands of characters long. */
function pathOf(url: string): string {
  return url.replace(/\?.*$/, "");
}

/** Answers `GET runs`, and the very same object again while the server says nothing has changed. */
export function createRunsClient(): (signal?: AbortSignal) => Promise<RunsAnswer> {
  let etag: string | null = null;
  let answer: RunsAnswer = { runs: [], notice: null };
  return async (signal) => {
    const response = await get("runs", signal, etag === null ? {} : { "If-None-Match": etag });
    if (response.status !== 304) {
      const body = (await response.json()) as { runs: RawRun[]; notice: string | null };
      answer = { runs: decodeRuns(body.runs), notice: body.notice };
      etag = response.headers.get("ETag");
    }
    return answer;
  };
}

export async function fetchRules(signal?: AbortSignal): Promise<Rules> {
  return (await (await get("rules", signal)).json()) as Rules;
}

/** Asks for many runs, in as few requests as keep each address short. */
export async function fetchSweeps(
  runs: readonly string[],
  request: SweepsRequest,
  signal?: AbortSignal,
): Promise<SweepsAnswer> {
  const answers = await Promise.all(
    sweepUrls(runs, request).map(async (url) => {
      const response = await get(url, signal);
      return (await response.json()) as RawAnswer;
    }),
  );
  return {
    sweeps: answers.flatMap((answer) => answer.sweeps.map(decodeSweep)),
    errors: answers.flatMap((answer) => answer.errors),
  };
}

/** A sweep with every row at full precision, as http_api.md has it. */
export interface SweepInFull {
  run: string;
  columns: Record<ColumnName, (number | string)[]>;
}

/** Every row of many runs, for files. */
export async function fetchInFull(
  runs: readonly string[],
  settings: SweepSettings,
  columns: readonly ColumnName[],
): Promise<SweepInFull[]> {
  const whole = { settings, columns, buckets: null };
  const answers = await Promise.all(
    sweepUrls(runs, whole, "json").map(
      async (url) => (await (await get(url)).json()) as { sweeps: SweepInFull[] },
    ),
  );
  return answers.flatMap(({ sweeps }) => sweeps);
}

/** Proxies cut addresses off above 8 KB. */
export const MAX_URL_LENGTH = 7_800;

export function sweepUrls(
  runs: readonly string[],
  request: SweepsRequest,
  encoding: "base64" | "json" = "base64",
): string[] {
  const { settings, columns, buckets } = request;
  let tail = `encoding=${encoding}&columns=${columns.join(",")}`;
  if (buckets !== null) tail += `&buckets=${buckets}`;
  if (settings.smoothing !== null) tail += `&smoothing=${settings.smoothing}`;
  if (settings.deltaWindow !== null) tail += `&delta_window=${settings.deltaWindow}`;
  if (settings.skipStart > 0) tail += `&skip_start=${settings.skipStart}`;
  if (settings.skipEnd > 0) tail += `&skip_end=${settings.skipEnd}`;
  return urlsFor(`sweeps?${tail}&`, runs);
}

/** As few addresses as hold all of `runs` after `head`, which ends where a parameter may begin. */
export function urlsFor(head: string, runs: readonly string[]): string[] {
  const urls: string[] = [];
  let url = head;
  for (const run of runs) {
    const part = `${url === head ? "" : "&"}run=${encodeURIComponent(run)}`;
    if (url !== head && url.length + part.length > MAX_URL_LENGTH) {
      urls.push(url);
      url = head + part.slice(1);
    } else url += part;
  }
  if (url !== head) urls.push(url);
  return urls;
}

export function downloadUrl(run: string, format: "csv" | "json"): string {
  return `download?run=${encodeURIComponent(run)}&format=${format}`;
}

/** A sweep may lack an id of its own; then its run's name is the next best. */
type RawRun = Omit<Run, "id" | "suggestion"> & {
  id: string | null;
  suggestion: RawSuggestion | null;
};
type RawColumns = Partial<Record<ColumnName, string | null>>;
type RawSuggestion = Omit<Suggestion, "learning_rate"> & { learning_rate: unknown };
type RawSweep = Omit<
  SweepPart,
  | "columns"
  | "suggestion"
  | "suggestions"
  | "minimum_learning_rate"
  | "divergence_learning_rate"
  | "diagnosis"
> & {
  columns: RawColumns;
  suggestion: RawSuggestion | null;
  suggestions: Record<string, RawSuggestion> | null;
  minimum_learning_rate: unknown;
  divergence_learning_rate: unknown;
  diagnosis: Finding[] | null;
};
interface RawAnswer {
  sweeps: RawSweep[];
  errors: { run: string; message: string }[];
}

/** A copied log directory repeats ids: the first run keeps its own, so that links still find it. */
function decodeRuns(raw: readonly RawRun[]): Run[] {
  const taken = new Set<string>();
  return raw.map((run) => {
    const own = run.id ?? run.run;
    const id = taken.has(own) ? `${own}@${run.run}` : own;
    taken.add(id);
    return { ...run, id, suggestion: run.suggestion && decodeSuggestion(run.suggestion) };
  });
}

function decodeSweep(raw: RawSweep): SweepPart {
  const columns: Partial<Columns> = {};
  for (const [name, packed] of Object.entries(raw.columns) as [ColumnName, string | null][]) {
    // The steps are left out where they just count.
    columns[name] = packed === null ? countTo(raw.steps) : decodeFloats(packed);
  }
  return {
    ...raw,
    columns,
    suggestion: raw.suggestion && decodeSuggestion(raw.suggestion),
    suggestions: Object.fromEntries(
      Object.entries(raw.suggestions ?? {}).map(([rule, s]) => [rule, decodeSuggestion(s)]),
    ),
    diagnosis: raw.diagnosis ?? [],
    minimum_learning_rate: positiveOrNull(raw.minimum_learning_rate),
    divergence_learning_rate: positiveOrNull(raw.divergence_learning_rate),
  };
}

function decodeSuggestion(raw: RawSuggestion): Suggestion {
  return {
    ...raw,
    learning_rate: positiveOrNull(raw.learning_rate),
    ranges: decodeRanges(raw.ranges ?? null),
  };
}

function decodeRanges(raw: Ranges | null): Ranges | null {
  const rates = raw ? [raw.long_training, raw.one_cycle_max, ...raw.cyclical] : [];
  return rates.every((rate) => positiveOrNull(rate) !== null) ? raw : null;
}

/** A learning rate, or null: the server writes what is not finite as "NaN" or "Infinity". */
function positiveOrNull(value: unknown): number | null {
  return typeof value === "number" && value > 0 ? value : null;
}

function countTo(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i);
}

/** Little-endian float32 in base64. */
export function decodeFloats(base64: string): Float32Array {
  const bytes = decodeBytes(base64);
  if (LITTLE_ENDIAN) return new Float32Array(bytes.buffer);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function decodeBytes(base64: string): Uint8Array<ArrayBuffer> {
  // Newer browsers do it several times faster.
  if (NATIVE.fromBase64) return NATIVE.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const NATIVE = Uint8Array as { fromBase64?: (base64: string) => Uint8Array<ArrayBuffer> };

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
