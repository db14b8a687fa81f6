import type { RunsResponse } from "./http";
import type { Run } from "./runs";

/** What is known of some runs. */
export interface Loaded<Value> {
  byRun: ReadonlyMap<string, Value>;
  /** Why a run has no value, by run. */
  errors: ReadonlyMap<string, string>;
}

interface CacheEntry<Request, Value> {
  version: string;
  /** What was last requested of the run at this version. */
  request: Request;
  value: Value | null;
  error: string | null;
}

/** Where the values of a cache come from. */
export interface CacheSource<Request, Part extends { run: string }, Value> {
  fetch: (
    runs: readonly string[],
    request: Request,
    signal?: AbortSignal,
  ) => Promise<RunsResponse<Part>>;
  /** What to request for `request`, given a cached entry of the current version; null if nothing. */
  missing: (request: Request, cached: CacheEntry<Request, Value> | null) => Request | null;
  /** `part` merged into the cached value; null if the two do not match. */
  merge: (cached: Value | null, part: Part, request: Request) => Value | null;
}

/**
 * Caches a value per run, and requests only what has changed: runs with a new version, and the parts
 * that are missing.
 *
 * TanStack Query cannot do that: it caches a response, and here one response is about many runs, each
 * of which changes at its own time.
 */
export class RunCache<Request, Part extends { run: string }, Value> {
  readonly #source: CacheSource<Request, Part, Value>;
  readonly #entries = new Map<string, CacheEntry<Request, Value>>();

  constructor(source: CacheSource<Request, Part, Value>) {
    this.#source = source;
  }

  async load(runs: readonly Run[], request: Request, signal?: AbortSignal): Promise<Loaded<Value>> {
    const batches = new Map<string, { request: Request; runs: Run[] }>();
    for (const run of runs) {
      const missing = this.#source.missing(request, this.#current(run.run, run.version));
      if (missing === null) continue;
      const key = JSON.stringify(missing);
      const batch = batches.get(key) ?? { request: missing, runs: [] };
      batch.runs.push(run);
      batches.set(key, batch);
    }
    await Promise.all(
      [...batches.values()].map(async (batch) => {
        const names = batch.runs.map(({ run }) => run);
        const response = await this.#source.fetch(names, batch.request, signal);
        this.#store(batch.runs, batch.request, response);
      }),
    );
    return this.known(runs);
  }

  /** What is cached of these runs, even if it is outdated. */
  known(runs: readonly Run[]): Loaded<Value> {
    const byRun = new Map<string, Value>();
    const errors = new Map<string, string>();
    for (const { run } of runs) {
      const entry = this.#entries.get(run);
      if (entry?.value) byRun.set(run, entry.value);
      if (entry?.error) errors.set(run, entry.error);
    }
    return { byRun, errors };
  }

  #current(run: string, version: string): CacheEntry<Request, Value> | null {
    const entry = this.#entries.get(run);
    return entry?.version === version ? entry : null;
  }

  #store(runs: readonly Run[], request: Request, { items, errors }: RunsResponse<Part>): void {
    // Stored under the requested version: if the server already has a newer one, the next poll
    // requests it.
    const versions = new Map(runs.map(({ run, version }) => [run, version]));
    for (const part of items) {
      const version = versions.get(part.run) ?? "";
      const cached = this.#current(part.run, version)?.value ?? null;
      const value = this.#source.merge(cached, part, request);
      if (value !== null) this.#entries.set(part.run, { version, request, value, error: null });
    }
    for (const { run, message } of errors) {
      const version = versions.get(run) ?? "";
      this.#entries.set(run, { version, request, value: null, error: message });
    }
  }
}
