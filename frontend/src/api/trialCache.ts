import { type CacheSource, RunCache } from "./runCache";
import { fetchTrials, type Trial } from "./trials";

/** Trials have no request parameters but the run. */
export type TrialsRequest = Record<string, never>;

export type TrialCache = RunCache<TrialsRequest, Trial, Trial>;

type Fetch = CacheSource<TrialsRequest, Trial, Trial>["fetch"];

export function createTrialCache(
  fetch: Fetch = (runs, _, signal) => fetchTrials(runs, signal),
): TrialCache {
  return new RunCache({
    fetch,
    missing: (request, cached) => (cached === null ? request : null),
    merge: (_, trial) => trial,
  });
}
