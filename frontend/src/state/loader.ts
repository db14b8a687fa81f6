import {
  type ColumnName,
  type Columns,
  fetchSweeps,
  type Run,
  type Sweep,
  type SweepPart,
  type SweepsAnswer,
  type SweepSettings,
  type SweepsRequest,
} from "../api";

export interface Sweeps {
  byRun: ReadonlyMap<string, Sweep>;
  /** Why a run has no sweep, by run. */
  errors: ReadonlyMap<string, string>;
}

type Fetch = (
  runs: readonly string[],
  request: SweepsRequest,
  signal?: AbortSignal,
) => Promise<SweepsAnswer>;

interface Known {
  version: string;
  /** Of everything but the columns. */
  settings: string;
  buckets: number | null;
  sweep: Sweep | null;
  error: string | null;
  /** What each column was computed with. */
  stamps: Partial<Record<ColumnName, string>>;
}

/** Without these nothing can be drawn. */
const ALWAYS: readonly ColumnName[] = ["step", "learning_rate", "smoothed_loss"];

/**
 * Remembers sweeps, and asks again only for those whose version has changed, and only for the
 * columns that are missing or would come out differently.
 */
export class SweepLoader {
  readonly #fetch: Fetch;
  readonly #known = new Map<string, Known>();

  constructor(fetch: Fetch = fetchSweeps) {
    this.#fetch = fetch;
  }

  async load(runs: readonly Run[], request: SweepsRequest, signal?: AbortSignal): Promise<Sweeps> {
    const wanted = [...new Set([...ALWAYS, ...request.columns])];
    const groups = new Map<string, { columns: ColumnName[]; runs: Run[] }>();
    for (const run of runs) {
      const columns = this.#missing(run, wanted, request);
      if (columns === null) continue;
      const group = groups.get(columns.join()) ?? { columns, runs: [] };
      group.runs.push(run);
      groups.set(columns.join(), group);
    }
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const part = { ...request, columns: group.columns };
        const answer = await this.#fetch(
          group.runs.map(({ run }) => run),
          part,
          signal,
        );
        this.#remember(group.runs, part, answer);
      }),
    );
    return this.known(runs);
  }

  /** The columns to ask for; null when there is nothing to ask. */
  #missing(run: Run, wanted: ColumnName[], request: SweepsRequest): ColumnName[] | null {
    const known = this.#known.get(run.run);
    if (known?.version !== run.version) return wanted;
    const sameSettings = known.settings === JSON.stringify(request.settings);
    if (!known.sweep) return sameSettings ? null : wanted;
    const { stamps, sweep } = known;
    const thinned = sweep.columns.step.length < sweep.steps;
    const missing = wanted.filter((name) => stamps[name] !== stampOf(name, request.settings));
    // Which rows a thinned sweep keeps depends on all of its columns.
    if (thinned && (missing.length > 0 || known.buckets !== request.buckets)) return wanted;
    return missing.length === 0 && sameSettings ? null : missing;
  }

  #remember(asked: readonly Run[], request: SweepsRequest, answer: SweepsAnswer): void {
    const settings = JSON.stringify(request.settings);
    // Filed under the version that was asked for: if a newer one came, the next poll asks again.
    const versions = new Map(asked.map(({ run, version }) => [run, version]));
    for (const part of answer.sweeps) {
      const version = versions.get(part.run) ?? part.version;
      const before = this.#known.get(part.run);
      const sweep = merge(before?.version === version ? before.sweep : null, part);
      if (!sweep) continue;
      const stamps = { ...(before?.version === version && before.stamps) };
      for (const name of request.columns) stamps[name] = stampOf(name, request.settings);
      const { buckets } = request;
      this.#known.set(part.run, { version, settings, buckets, sweep, error: null, stamps });
    }
    for (const { run, message } of answer.errors) {
      const version = versions.get(run) ?? "";
      const nothing = { sweep: null, stamps: {}, buckets: request.buckets };
      this.#known.set(run, { version, settings, error: message, ...nothing });
    }
  }

  /** What is here of these runs, however old. */
  known(runs: readonly Run[]): Sweeps {
    const byRun = new Map<string, Sweep>();
    const errors = new Map<string, string>();
    for (const { run } of runs) {
      const known = this.#known.get(run);
      if (known?.sweep) byRun.set(run, known.sweep);
      if (known?.error) errors.set(run, known.error);
    }
    return { byRun, errors };
  }
}

/** The settings that a column depends on. */
function stampOf(name: ColumnName, { smoothing, deltaWindow }: SweepSettings): string {
  if (name === "smoothed_loss" || name === "slope") return String(smoothing);
  return name === "loss_delta" ? String(deltaWindow) : "";
}

/** `part` with the columns of `before`; null where the rows of the two are not the same. */
function merge(before: Sweep | null, part: SweepPart): Sweep | null {
  const columns: Partial<Columns> = { ...before?.columns, ...part.columns };
  const { step, learning_rate, smoothed_loss } = columns;
  if (!step || !learning_rate || !smoothed_loss) return null;
  const { loss = null, loss_delta = null, slope = null } = columns;
  const lengths = [learning_rate, smoothed_loss, loss, loss_delta, slope].map(
    (column) => column?.length ?? step.length,
  );
  // A sweep that has grown between two requests.
  if (lengths.some((length) => length !== step.length)) return null;
  return { ...part, columns: { step, learning_rate, smoothed_loss, loss, loss_delta, slope } };
}
