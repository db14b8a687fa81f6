import { useMemo } from "react";
import { fitY } from "../chart/domain";
import type { Domain, Marks, Series } from "../chart/series";
import type { Answer } from "./answers";
import type { Configuration } from "./configurations";
import { useView } from "./context";
import { answerGuides, deltaSeries, faintRuns, groupGuides, lossSeries, marksOf } from "./curves";
import type { DrawnEntry } from "./entries";
import { type FieldValue, fieldOf } from "./fields";
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
  faint: ReadonlyMap<string, "unclear" | "large">;
}

interface CurvesOptions {
  active: DrawnEntry | null;
  answers: readonly Answer[];
  configurations: ReadonlyMap<string, Configuration>;
  ruleLabel: string;
  xDomain: Domain;
}

/** With more sweeps than this, a band shows them better than their lines. */
const MAX_MEMBERS = 400;

/** The curves and marks of the shown sweeps, with the settings of the view. */
export function useCurves(entries: readonly DrawnEntry[], options: CurvesOptions): SweepCurves {
  const { active, answers, configurations, ruleLabel, xDomain } = options;
  const { showRaw, relativeLoss, delta, groupBy, fitDescent, logLoss, ...rest } =
    useView().settings;
  const activeRun = active?.run.run ?? null;
  const groupValue = useMemo<FieldValue | null>(
    () =>
      groupBy === "none"
        ? null
        : fieldOf(groupBy === "automatic" ? "configuration" : groupBy, configurations),
    [groupBy, configurations],
  );
  const { groups, singles } = useMemo(
    () => groupEntries(entries, groupValue, activeRun),
    [entries, groupValue, activeRun],
  );
  const faint = useMemo(
    () => faintRuns(entries, { relativeLoss, logLoss }),
    [entries, relativeLoss, logLoss],
  );
  const showMembers =
    rest.showMembers ?? (groupBy === "automatic" && entries.length <= MAX_MEMBERS);
  // Hundreds of curves are drawn again only if one of them has changed.
  const losses = useStable(
    useMemo(() => {
      const seriesOf = (some: readonly DrawnEntry[]) =>
        lossSeries(some, activeRun, { showRaw, relativeLoss }, faint);
      return [
        ...groupSeries(groups, seriesOf, showMembers ? "members" : "band"),
        ...seriesOf(singles),
      ];
    }, [groups, singles, activeRun, showRaw, relativeLoss, faint, showMembers]),
    sameItems,
  );
  const deltas = useStable(
    useMemo(() => {
      const seriesOf = (some: readonly DrawnEntry[]) =>
        deltaSeries(some, { delta, relativeLoss }, faint);
      return [
        ...groupSeries(groups, seriesOf, showMembers ? "nothing" : "band"),
        ...seriesOf(singles),
      ];
    }, [groups, singles, delta, relativeLoss, faint, showMembers]),
    sameItems,
  );
  const marks = useMemo(() => {
    const ofSingles = marksOf(singles, active, ruleLabel);
    // Other groups than configurations have no answer of their own.
    const ofAll =
      groupBy === "automatic" || groupBy === "none" || groupBy === "configuration"
        ? answerGuides(answers, groups, singles)
        : groupGuides(groups, singles);
    const guides = active ? ofSingles.guides : ofAll;
    return { ...ofSingles, guides, points: [...groupPoints(groups), ...ofSingles.points] };
  }, [groups, singles, active, answers, groupBy, ruleLabel]);
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
    faint,
  };
}

/** The y axes fit the active sweep, or all of them. */
function activeOrAll(series: readonly Series[], activeRun: string | null): readonly Series[] {
  const active = series.filter(({ id }) => id === activeRun);
  return active.length > 0 ? active : series;
}
