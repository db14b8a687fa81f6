import { get } from "./http";

export type RunStatus = "running" | "finished" | "interrupted" | "failed";
export type Severity = "severe" | "mild";

/** Learning rates for other uses than a short training at a constant learning rate. */
export interface Ranges {
  long_training: number;
  one_cycle_max: number;
  cyclical: [number, number];
}

export interface Suggestion {
  rule: string;
  learning_rate: number | null;
  reason: string | null;
  /** Given by the default rule only. */
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
  /** The initial learning rate of a trial; null for sweeps. */
  learning_rate: number | null;
  /** Seconds since the epoch. */
  start_time: number | null;
  optimizer: string | null;
  /** Recorded as it is in the optimizer's configuration, e.g. `{"momentum": 0.9}`. */
  optimizer_settings: unknown;
  model: string | null;
  /** The number of weights of the model. */
  parameters: number | null;
  batch_size: number | null;
  stop_reason: string | null;
  suggestion: Suggestion | null;
  severity: Severity | null;
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

export interface RunsResponse {
  runs: Run[];
  /** What concerns the list as a whole, in a sentence. */
  notice: string | null;
}

/** A client of `GET runs` that returns the same object while the server reports no change. */
export function createRunsClient(): (signal?: AbortSignal) => Promise<RunsResponse> {
  let etag: string | null = null;
  let decoded: RunsResponse = { runs: [], notice: null };
  return async (signal) => {
    const response = await get("runs", signal, etag === null ? {} : { "If-None-Match": etag });
    if (response.status !== 304) {
      const body = (await response.json()) as { runs: RawRun[]; notice: string | null };
      decoded = { runs: decodeRuns(body.runs), notice: body.notice };
      etag = response.headers.get("ETag");
    }
    return decoded;
  };
}

export async function fetchRules(signal?: AbortSignal): Promise<Rules> {
  return (await (await get("rules", signal)).json()) as Rules;
}

/** A run without an id is identified by its name. */
type RawRun = Omit<Run, "id" | "suggestion"> & {
  id: string | null;
  suggestion: RawSuggestion | null;
};

/** A copied log directory repeats ids. The first run keeps its id, so links still find it. */
function decodeRuns(raw: readonly RawRun[]): Run[] {
  const taken = new Set<string>();
  return raw.map((run) => {
    const recorded = run.id ?? run.run;
    const id = taken.has(recorded) ? `${recorded}@${run.run}` : recorded;
    taken.add(id);
    return { ...run, id, suggestion: run.suggestion && decodeSuggestion(run.suggestion) };
  });
}

export type RawSuggestion = Omit<Suggestion, "learning_rate"> & { learning_rate: unknown };

export function decodeSuggestion(raw: RawSuggestion): Suggestion {
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

/** A learning rate, or null. The server encodes non-finite numbers as "NaN" and "Infinity". */
export function positiveOrNull(value: unknown): number | null {
  return typeof value === "number" && value > 0 ? value : null;
}
