import { useMemo } from "react";
import { fitY } from "../chart/domain";
import type { Domain, Marks, Series } from "../chart/series";
import { useView } from "./context";
import { deltaSeries, lossSeries, marksOf } from "./curves";
import type { DrawnEntry } from "./entries";
import { type Group, groupEntries, groupPoints, groupSeries } from "./groups";
import { sameItems, useStable } from "./stable";

/** Curves with the y axis that they are drawn on. */
export interface Curves {
  series: readonly Series[];
  y: { domain: Domain; log: boolean };
}

export interface SweepCurves {
  losses: Curves;
  deltas: Curves;
  marks: Marks;
  groups: readonly Group[];
}

/** The curves and marks of the shown sweeps, with the settings of the view. */
export function useCurves(
  entries: readonly DrawnEntry[],
  active: DrawnEntry | null,
  ruleLabel: string,
  xDomain: Domain,
): SweepCurves {
  const { showRaw, relativeLoss, delta, groupBy, fitDescent, logLoss } = useView().settings;
  const activeRun = active?.run.run ?? null;
  const { groups, singles } = useMemo(
    () => groupEntries(entries, groupBy, activeRun),
    [entries, groupBy, activeRun],
  );
  // Hundreds of curves are drawn again only if one of them has changed.
  const losses = useStable(
    useMemo(() => {
      const seriesOf = (some: readonly DrawnEntry[]) =>
        lossSeries(some, activeRun, { showRaw, relativeLoss });
      return [...groupSeries(groups, seriesOf), ...seriesOf(singles)];
    }, [groups, singles, activeRun, showRaw, relativeLoss]),
    sameItems,
  );
  const deltas = useStable(
    useMemo(() => {
      const seriesOf = (some: readonly DrawnEntry[]) => deltaSeries(some, { delta, relativeLoss });
      return [...groupSeries(groups, seriesOf), ...seriesOf(singles)];
    }, [groups, singles, delta, relativeLoss]),
    sameItems,
  );
  const marks = useMemo(() => {
    const ofSingles = marksOf(singles, active, ruleLabel);
    return { ...ofSingles, points: [...groupPoints(groups), ...ofSingles.points] };
  }, [groups, singles, active, ruleLabel]);
  // A log axis needs a positive value.
  const log = logLoss && losses.some(({ y }) => y.some((value) => value > 0));
  const lossDomain = useMemo(
    () => fitY(activeOrAll(losses, activeRun), { xDomain, toDescent: fitDescent, rise: 0.25, log }),
    [losses, activeRun, xDomain, fitDescent, log],
  );
  const deltaDomain = useMemo(
    () =>
      fitY(activeOrAll(deltas, activeRun), {
        xDomain,
        toDescent: fitDescent,
        rise: 0.6,
        log: false,
      }),
    [deltas, activeRun, xDomain, fitDescent],
  );
  return {
    losses: { series: losses, y: { domain: lossDomain, log } },
    deltas: { series: deltas, y: { domain: deltaDomain, log: false } },
    marks,
    groups,
  };
}

/** The y axes fit the active sweep, or all of them. */
function activeOrAll(series: readonly Series[], activeRun: string | null): readonly Series[] {
  const active = series.filter(({ id }) => id === activeRun);
  return active.length > 0 ? active : series;
}
