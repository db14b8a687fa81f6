import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import {
  type ColumnName,
  createRunsClient,
  fetchRules,
  type Rules,
  type Run,
  type SweepSettings,
} from "../api";
import { RAW_UP_TO } from "../chart/Curves";
import { SweepLoader } from "./loader";
import { TrialLoader } from "./trialLoader";
import { useVisible } from "./visibility";

export const POLL_SECONDS = 2.5;
/** A server that does not answer is asked less often. */
export const RETRY_SECONDS = 5;

/** The list of runs, kept up to date while anybody looks. */
export function useRuns() {
  const visible = useVisible();
  const queries = useQueryClient();
  const [client] = useState(createRunsClient);
  useEffect(() => {
    // Who comes back to the tab wants to see at once what has happened meanwhile.
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

/** Long sweeps are thinned to the width of a large screen; where there are many, to that of a card. */
const BUCKETS = { few: 2_000, many: 500, manyFrom: 25 };

/** The sweeps of `runs`; what was there before stays until the new answer has come. */
export function useSweeps(runs: readonly Run[], settings: SweepSettings, delta: ColumnName) {
  const visible = useVisible();
  const [loader] = useState(() => new SweepLoader());
  const fingerprint = useMemo(
    () => runs.map(({ run, version }) => `${run}\n${version}`).join("\n"),
    [runs],
  );
  const buckets = runs.length < BUCKETS.manyFrom ? BUCKETS.few : BUCKETS.many;
  const options = (columns: ColumnName[]) => ({
    queryKey: ["sweeps", settings, columns, fingerprint],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      loader.load(runs, { settings, columns, buckets }, signal),
    structuralSharing: false,
    gcTime: 0,
    retry: 1,
  });
  const rawAtOnce = runs.length <= RAW_UP_TO;
  const query = useQuery({
    ...options(rawAtOnce ? [delta, "loss"] : [delta]),
    enabled: runs.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (visible && state.error ? 1_000 * RETRY_SECONDS : false),
  });
  // What only the tooltip and a run in focus show comes after everything else is drawn.
  const { data: withRaw } = useQuery({
    ...options([delta, "loss"]),
    enabled: !rawAtOnce && query.isSuccess && !query.isPlaceholderData,
  });
  const { data: drawn, error } = query;
  const sweeps = useMemo(
    () => withRaw ?? drawn ?? (error ? loader.known(runs) : undefined),
    [withRaw, drawn, error, loader, runs],
  );
  return { sweeps, error, isPending: query.isPending, refetch: query.refetch };
}

/** The epochs of `runs`; what was there before stays until the new answer has come. */
export function useTrials(runs: readonly Run[]) {
  const visible = useVisible();
  const [loader] = useState(() => new TrialLoader());
  const fingerprint = useMemo(
    () => runs.map(({ run, version }) => `${run}\n${version}`).join("\n"),
    [runs],
  );
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["trials", fingerprint],
    queryFn: ({ signal }) => loader.load(runs, signal),
    structuralSharing: false,
    gcTime: 0,
    retry: 1,
    enabled: runs.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (visible && state.error ? 1_000 * RETRY_SECONDS : false),
  });
  const trials = useMemo(
    () => data ?? (error ? loader.known(runs) : undefined),
    [data, error, loader, runs],
  );
  return useMemo(
    () => ({ trials, error, isPending, refetch }),
    [trials, error, isPending, refetch],
  );
}
