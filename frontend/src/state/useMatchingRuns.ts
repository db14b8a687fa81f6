import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Run } from "../api/runs";
import { compileFilter } from "./filter";
import { matchNames } from "./matching";
import { useStable } from "./stable";
import type { View } from "./view";

/**
 * The runs that match the filter of the view, and those that its link lists. The previous ones stay
 * while a new filter is applied; null until the first one is.
 */
export function useMatchingRuns(
  runs: readonly Run[],
  { filter, linkedMatches }: Pick<View, "filter" | "linkedMatches">,
): { matching: readonly Run[] | null; error: string | null } {
  const { pattern, conditions, error: invalid } = useMemo(() => compileFilter(filter), [filter]);
  const names = useMemo(() => runs.map(({ run }) => run), [runs]);
  const namesKey = useMemo(() => names.join("\n"), [names]);
  const { data, error, isPending } = useQuery({
    queryKey: ["matching", filter, namesKey],
    queryFn: ({ signal }) => (pattern === null ? null : matchNames({ pattern, names }, signal)),
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    enabled: pattern !== null,
  });
  const matching = useMemo(() => {
    if (error) return runs;
    if (pattern !== null && isPending) return null;
    const matches = (run: Run) =>
      (pattern === null || (data?.has(run.run) ?? true)) &&
      conditions.every((condition) => condition(run));
    if (pattern === null && conditions.length === 0) return runs;
    return runs.filter((run) => matches(run) || linkedMatches?.has(run.id));
  }, [pattern, conditions, error, isPending, runs, data, linkedMatches]);
  return {
    matching: useStable(matching, (_, next) => next === null),
    error: invalid ?? (pattern === null ? null : (error?.message ?? null)),
  };
}
