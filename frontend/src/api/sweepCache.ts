import { type CacheSource, RunCache } from "./runCache";
import {
  type ColumnName,
  type Columns,
  fetchSweeps,
  type Sweep,
  type SweepPart,
  type SweepSettings,
  type SweepsRequest,
} from "./sweeps";

/** A sweep with what each of its columns was computed with. */
export interface CachedSweep extends Sweep {
  computedWith: Partial<Record<ColumnName, string>>;
}

export type SweepCache = RunCache<SweepsRequest, SweepPart, CachedSweep>;

type Fetch = CacheSource<SweepsRequest, SweepPart, CachedSweep>["fetch"];

/** A cache of sweeps that requests only the columns that are missing or that a setting changes. */
export function createSweepCache(fetch: Fetch = fetchSweeps): SweepCache {
  return new RunCache({ fetch, missing, merge });
}

/** Needed to draw anything. */
const REQUIRED: readonly ColumnName[] = ["step", "learning_rate", "smoothed_loss"];

const missing: CacheSource<SweepsRequest, SweepPart, CachedSweep>["missing"] = (
  request,
  cached,
) => {
  const all = { ...request, columns: [...new Set([...REQUIRED, ...request.columns])] };
  if (cached === null) return all;
  const sameSettings = JSON.stringify(cached.request.settings) === JSON.stringify(request.settings);
  const sweep = cached.value;
  if (sweep === null) return sameSettings ? null : all;
  const columns = all.columns.filter(
    (name) => sweep.computedWith[name] !== settingsOf(name, request.settings),
  );
  const downsampled = sweep.columns.step.length < sweep.steps;
  // Which rows a downsampled sweep keeps depends on all requested columns.
  if (downsampled && (columns.length > 0 || cached.request.buckets !== request.buckets)) return all;
  return columns.length === 0 && sameSettings ? null : { ...request, columns };
};

/** The settings that a column depends on. */
function settingsOf(name: ColumnName, { smoothing, deltaWindow }: SweepSettings): string {
  if (name === "smoothed_loss" || name === "slope") return String(smoothing);
  return name === "loss_delta" ? String(deltaWindow) : "";
}

/** `part` with the columns of `cached`; null if their rows differ. */
function merge(
  cached: CachedSweep | null,
  part: SweepPart,
  request: SweepsRequest,
): CachedSweep | null {
  const columns: Partial<Columns> = { ...cached?.columns, ...part.columns };
  const { step, learning_rate, smoothed_loss } = columns;
  if (!step || !learning_rate || !smoothed_loss) return null;
  const { loss = null, loss_delta = null, slope = null } = columns;
  const lengths = [learning_rate, smoothed_loss, loss, loss_delta, slope].map(
    (column) => column?.length ?? step.length,
  );
  // The sweep has grown between two requests.
  if (lengths.some((length) => length !== step.length)) return null;
  const computedWith = { ...cached?.computedWith };
  for (const name of request.columns) computedWith[name] = settingsOf(name, request.settings);
  return {
    ...part,
    columns: { step, learning_rate, smoothed_loss, loss, loss_delta, slope },
    computedWith,
  };
}
