import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import {
  createRunsClient,
  fetchRules,
  fetchSweeps,
  type Rules,
  type Run,
  type Sweep,
  type SweepSettings,
  type SweepsAnswer,
} from "../api";
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

export interface Sweeps {
  byRun: ReadonlyMap<string, Sweep>;
  /** Why a run has no sweep, by run. */
  errors: ReadonlyMap<string, string>;
}

type Fetch = (
  runs: readonly string[],
  settings: SweepSettings,
  signal?: AbortSignal,
) => Promise<SweepsAnswer>;

/** Remembers sweeps, and asks again only for those whose version has changed. */
export class SweepLoader {
  readonly #fetch: Fetch;
  readonly #known = new Map<
    string,
    { version: string; sweep: Sweep | null; error: string | null }
  >();
  #settings = "";

  constructor(fetch: Fetch = fetchSweeps) {
    this.#fetch = fetch;
  }

  async load(runs: readonly Run[], settings: SweepSettings, signal?: AbortSignal): Promise<Sweeps> {
    const key = JSON.stringify(settings);
    const stale = runs.filter(
      ({ run, version }) => key !== this.#settings || this.#known.get(run)?.version !== version,
    );
    if (stale.length > 0) {
      const answer = await this.#fetch(
        stale.map(({ run }) => run),
        settings,
        signal,
      );
      if (key !== this.#settings) this.#known.clear();
      this.#settings = key;
      this.#remember(stale, answer);
    }
    return this.known(runs);
  }

  #remember(asked: readonly Run[], answer: SweepsAnswer): void {
    // Filed under the version that was asked for: if a newer one came, the next poll asks again.
    const versions = new Map(asked.map(({ run, version }) => [run, version]));
    for (const sweep of answer.sweeps) {
      const version = versions.get(sweep.run) ?? sweep.version;
      this.#known.set(sweep.run, { version, sweep, error: null });
    }
    for (const { run, message } of answer.errors) {
      this.#known.set(run, { version: versions.get(run) ?? "", sweep: null, error: message });
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

/** The sweeps of `runs`; what was there before stays until the new answer has come. */
export function useSweeps(runs: readonly Run[], settings: SweepSettings) {
  const visible = useVisible();
  const [loader] = useState(() => new SweepLoader());
  const fingerprint = useMemo(
    () => runs.map(({ run, version }) => `${run}\n${version}`).join("\n"),
    [runs],
  );
  const query = useQuery({
    queryKey: ["sweeps", settings, fingerprint],
    queryFn: ({ signal }) => loader.load(runs, settings, signal),
    enabled: runs.length > 0,
    placeholderData: keepPreviousData,
    structuralSharing: false,
    gcTime: 0,
    retry: 1,
    refetchInterval: ({ state }) => (visible && state.error ? 1_000 * RETRY_SECONDS : false),
  });
  const { data, error } = query;
  const sweeps = useMemo(
    () => data ?? (error ? loader.known(runs) : undefined),
    [data, error, loader, runs],
  );
  return { sweeps, error, isPending: query.isPending, refetch: query.refetch };
}
