import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import type { RunCache } from "../api/runCache";
import { createRunsClient, fetchRules, type Rules, type Run } from "../api/runs";
import { createSweepCache } from "../api/sweepCache";
import type { ColumnName, SweepSettings, SweepsRequest } from "../api/sweeps";
import { createTrialCache, type TrialsRequest } from "../api/trialCache";
import { MAX_CURVES_WITH_RAW } from "../chart/density";
import { useVisible } from "./visibility";

export const POLL_SECONDS = 2.5;
/** A server that does not respond is polled less often. */
export const RETRY_SECONDS = 5;

/** The list of runs, kept up to date while the page is visible. */
export function useRuns() {
  const visible = useVisible();
  const queries = useQueryClient();
  const [client] = useState(createRunsClient);
  useEffect(() => {
    // Update at once when the user returns to the tab.
    if (visible) void queries.invalidateQueries({ queryKey: ["runs"] }, { cancelRefetch: false });
  }, [visible, queries]);
  return useQuery({
    queryKey: ["runs"],
    queryFn: ({ signal }) => client(signal),
    refetchInterval: (query) =>
      visible ? 1_000 * (query.state.error ? RETRY_SECONDS : POLL_SECONDS) : false,
  });
}

export function useRules(): Rules | undefined {
  const { data } = useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => fetchRules(signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: true,
  });
  return data;
}

/** Long sweeps are downsampled to the width of a large screen or, if they are many, of a card. */
const BUCKETS = { few: 2_000, many: 500, manyFrom: 25 };

/** The sweeps of `runs`. The previous ones stay until the response has arrived. */
export function useSweeps(runs: readonly Run[], settings: SweepSettings, delta: ColumnName) {
  const [cache] = useState(() => createSweepCache());
  const buckets = runs.length < BUCKETS.manyFrom ? BUCKETS.few : BUCKETS.many;
  const request = (columns: ColumnName[]): SweepsRequest => ({ settings, columns, buckets });
  const rawAtOnce = runs.length <= MAX_CURVES_WITH_RAW;
  const query = useCached("sweeps", cache, runs, request(rawAtOnce ? [delta, "loss"] : [delta]));
  // What only the tooltip and a focused run need is loaded after everything else is drawn.
  const withRaw = useCached("sweeps", cache, runs, request([delta, "loss"]), {
    after: query.isComplete && !rawAtOnce,
    keepPrevious: false,
  });
  return { ...query, loaded: withRaw.isComplete ? withRaw.loaded : query.loaded };
}

/** Trials have no request parameters. */
const TRIALS: TrialsRequest = {};

/** The epochs of `runs`. The previous ones stay until the response has arrived. */
export function useTrials(runs: readonly Run[]) {
  const [cache] = useState(() => createTrialCache());
  return useCached("trials", cache, runs, TRIALS);
}

/** Loads `runs` through a cache: TanStack Query schedules, retries and aborts the requests. */
function useCached<Request, Part extends { run: string }, Value>(
  name: string,
  cache: RunCache<Request, Part, Value>,
  runs: readonly Run[],
  request: Request,
  { after = true, keepPrevious = true } = {},
) {
  const visible = useVisible();
  const versions = useMemo(
    () => runs.map(({ run, version }) => `${run}\n${version}`).join("\n"),
    [runs],
  );
  const { data, error, isPending, isSuccess, isPlaceholderData, refetch } = useQuery({
    queryKey: [name, request, versions],
    queryFn: ({ signal }) => cache.load(runs, request, signal),
    structuralSharing: false,
    // Values are kept in `cache`.
    gcTime: 0,
    retry: 1,
    enabled: after && runs.length > 0,
    ...(keepPrevious && { placeholderData: keepPreviousData }),
    refetchInterval: ({ state }) => (visible && state.error ? 1_000 * RETRY_SECONDS : false),
  });
  const loaded = useMemo(
    () => data ?? (error ? cache.known(runs) : undefined),
    [data, error, cache, runs],
  );
  const isComplete = isSuccess && !isPlaceholderData;
  return useMemo(
    () => ({ loaded, error, isPending, isComplete, refetch }),
    [loaded, error, isPending, isComplete, refetch],
  );
}
