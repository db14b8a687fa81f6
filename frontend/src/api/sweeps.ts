import { getAll, type RunsResponse, urlsFor } from "./http";
import {
  decodeSuggestion,
  type Finding,
  positiveOrNull,
  type RawSuggestion,
  type RunStatus,
  type Suggestion,
} from "./runs";

/** Parameters of the analysis; null means as recorded by the sweep. */
export interface SweepSettings {
  smoothing: number | null;
  deltaWindow: number | null;
  skipStart: number;
  skipEnd: number;
}

/** Of equal length, in order of `step`. */
export interface Columns {
  /** The indices of these rows; a long sweep is downsampled. */
  step: Float32Array;
  learning_rate: Float32Array;
  smoothed_loss: Float32Array;
  /** null until it is needed. */
  loss: Float32Array | null;
  loss_delta: Float32Array | null;
  slope: Float32Array | null;
}

export type ColumnName = keyof Columns;

/** What to request of some sweeps. */
export interface SweepsRequest {
  settings: SweepSettings;
  columns: readonly ColumnName[];
  /** The width in pixels to downsample a long sweep for; null for every row. */
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
  /** The requested ones. */
  columns: Partial<Columns>;
  suggestion: Suggestion | null;
  suggestions: Record<string, Suggestion>;
  diagnosis: Finding[];
  minimum_learning_rate: number | null;
  divergence_learning_rate: number | null;
}

/** A sweep with all columns that its curves are drawn from. */
export interface Sweep extends SweepPart {
  columns: Columns;
}

/** Fetches many runs, in as few requests as keep each URL short. */
export function fetchSweeps(
  runs: readonly string[],
  request: SweepsRequest,
  signal?: AbortSignal,
): Promise<RunsResponse<SweepPart>> {
  const itemsOf = (body: unknown) => (body as { sweeps: RawSweep[] }).sweeps.map(decodeSweep);
  return getAll(sweepUrls(runs, request), itemsOf, signal);
}

/** A sweep with every row at full precision, as in http_api.md. */
export interface FullSweep {
  run: string;
  columns: Record<ColumnName, (number | string)[]>;
}

/** Fetches every row of many runs, for exports. */
export async function fetchFullSweeps(
  runs: readonly string[],
  settings: SweepSettings,
  columns: readonly ColumnName[],
): Promise<FullSweep[]> {
  const urls = sweepUrls(runs, { settings, columns, buckets: null }, "json");
  const itemsOf = (body: unknown) => (body as { sweeps: FullSweep[] }).sweeps;
  return (await getAll(urls, itemsOf)).items;
}

export function sweepUrls(
  runs: readonly string[],
  request: SweepsRequest,
  encoding: "base64" | "json" = "base64",
): string[] {
  const { settings, columns, buckets } = request;
  let query = `encoding=${encoding}&columns=${columns.join(",")}`;
  if (buckets !== null) query += `&buckets=${buckets}`;
  if (settings.smoothing !== null) query += `&smoothing=${settings.smoothing}`;
  if (settings.deltaWindow !== null) query += `&delta_window=${settings.deltaWindow}`;
  if (settings.skipStart > 0) query += `&skip_start=${settings.skipStart}`;
  if (settings.skipEnd > 0) query += `&skip_end=${settings.skipEnd}`;
  return urlsFor(`sweeps?${query}&`, runs);
}

export function downloadUrl(run: string, format: "csv" | "json"): string {
  return `download?run=${encodeURIComponent(run)}&format=${format}`;
}

type RawColumns = Partial<Record<ColumnName, string | null>>;

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

function decodeSweep(raw: RawSweep): SweepPart {
  const columns: Partial<Columns> = {};
  for (const [name, packed] of Object.entries(raw.columns) as [ColumnName, string | null][]) {
    // Steps without a gap are omitted.
    columns[name] = packed === null ? range(raw.steps) : decodeFloats(packed);
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

function range(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i);
}

/** Decodes base64 of little-endian float32. */
export function decodeFloats(base64: string): Float32Array {
  const bytes = decodeBytes(base64);
  if (LITTLE_ENDIAN) return new Float32Array(bytes.buffer);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function decodeBytes(base64: string): Uint8Array<ArrayBuffer> {
  // Several times faster, in newer browsers.
  if (NATIVE.fromBase64) return NATIVE.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const NATIVE = Uint8Array as { fromBase64?: (base64: string) => Uint8Array<ArrayBuffer> };

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
