import { useMemo } from "react";
import type { Run } from "../api/runs";
import type { Legend } from "../chart/series";
import { answersOf } from "./answers";
import {
  type ColorScale,
  colorsByStart,
  MAX_OWN_COLORS,
  noColor,
  suggestionScale,
  valueColors,
} from "./colors";
import { configurationsOf } from "./configurations";
import { useRules, useRuns, useSweeps, useTrials } from "./data";
import { useDebounced } from "./debounced";
import { createEntries, type Entry } from "./entries";
import { type FieldValue, fieldOf, fieldValues, isField } from "./fields";
import { distinctNames } from "./names";
import { sweepSettings } from "./settings";
import { useDark } from "./theme";
import { drawableTrials } from "./trials";
import { useMatchingRuns } from "./useMatchingRuns";
import { isChecked, type View } from "./view";

const NO_RUNS: Run[] = [];

/** Everything that the page shows, from the responses of the server and the view. */
export function useDashboard(view: View) {
  const dark = useDark();
  const runsQuery = useRuns();
  const rules = useRules();
  const all = runsQuery.data?.runs ?? NO_RUNS;
  const { matching, error: filterError } = useMatchingRuns(all, view);
  const allListed = matching ?? NO_RUNS;
  // Trials have their own cards and colors.
  const runs = useMemo(() => all.filter(({ kind }) => kind === "sweep"), [all]);
  const listed = useMemo(() => allListed.filter(({ kind }) => kind === "sweep"), [allListed]);
  const shown = useMemo(
    () => listed.filter(({ id }) => isChecked(view.selection, id)),
    [listed, view.selection],
  );
  const names = useMemo(() => distinctNames(allListed.map(({ run }) => run)), [allListed]);
  const configurations = useMemo(() => configurationsOf(runs), [runs]);
  const trials = useTrialEntries(allListed, names, view.selection, dark);
  const settled = useDebounced(
    useMemo(() => sweepSettings(view.settings), [view.settings]),
    DEBOUNCE_MS,
  );
  const { rule, colorBy, groupBy, delta } = view.settings;
  const sweepsQuery = useSweeps(shown, settled, delta === "slope" ? "slope" : "loss_delta");
  const sweeps = shown.length > 0 ? sweepsQuery.loaded : undefined;
  const colored = useMemo(() => {
    const valueOf = fieldOf("configuration", configurations);
    const byRun =
      colorBy === "run" ||
      (colorBy === "automatic" && groupBy === "none" && shown.length <= MAX_OWN_COLORS);
    const colors = colorsByStart(runs, byRun ? ({ run }) => run : valueOf, dark);
    const entries = createEntries(listed, { names, colors, sweeps, rule });
    const shownNames = new Set(shown.map(({ run }) => run));
    const shownEntries = entries.filter((entry) => shownNames.has(entry.run.run));
    const field = isField(colorBy) ? colorBy : colorBy === "automatic" ? groupBy : null;
    if (field !== null && isField(field)) {
      return colorByField(entries, shownEntries, runs, fieldOf(field, configurations), dark);
    }
    const bySuggestion =
      colorBy === "suggestion" ||
      (colorBy === "automatic" &&
        new Set(shownEntries.map(({ run }) => valueOf(run))).size > MAX_OWN_COLORS);
    const scale = bySuggestion ? scaleOf(shownEntries, dark) : null;
    const legend = { scale, legend: NO_LEGEND };
    if (!scale) return { entries, shownEntries, ...legend };
    return { ...recolor(entries, shownNames, suggestionColor(scale, dark)), ...legend };
  }, [runs, listed, shown, names, configurations, sweeps, rule, colorBy, groupBy, dark]);
  const answers = useMemo(
    () => answersOf(colored.shownEntries, trials.drawable, configurations),
    [colored.shownEntries, trials.drawable, configurations],
  );

  const focused = colored.shownEntries.find(({ run }) => run.id === view.focus) ?? null;
  const only = colored.shownEntries.length === 1 ? (colored.shownEntries[0] ?? null) : null;
  const entries = useMemo(() => {
    const byRun = new Map(
      [...trials.entries, ...colored.entries].map((entry) => [entry.run.run, entry]),
    );
    return allListed.flatMap(({ run }) => byRun.get(run) ?? []);
  }, [allListed, trials.entries, colored.entries]);
  return {
    runsQuery,
    sweepsQuery,
    trialsQuery: trials.query,
    rules,
    /** Sweeps and trials, as the server lists them. */
    runs: all,
    filterError,
    /** Whether the filter of a link is still being applied. */
    isFiltering: matching === null,
    ...colored,
    /** The listed sweeps and trials. */
    entries,
    configurations,
    /** The learning rate for each configuration among the shown sweeps. */
    answers,
    shownTrials: trials.shown,
    trials: trials.drawable,
    trialScale: trials.scale,
    /** The sweep in focus, and the active one: the one in focus or the only one. */
    focused,
    active: focused ?? only,
  };
}

export type Dashboard = ReturnType<typeof useDashboard>;

/** The trials among the listed runs, colored by learning rate. */
function useTrialEntries(
  listed: readonly Run[],
  names: ReadonlyMap<string, string>,
  selection: View["selection"],
  dark: boolean,
) {
  const runs = useMemo(() => listed.filter(({ kind }) => kind === "trial"), [listed]);
  const shownRuns = useMemo(
    () => runs.filter(({ id }) => isChecked(selection, id)),
    [runs, selection],
  );
  const query = useTrials(shownRuns);
  const loaded = shownRuns.length > 0 ? query.loaded : undefined;
  return useMemo(() => {
    const rates = shownRuns.flatMap(({ learning_rate }) => learning_rate ?? []);
    const scale = suggestionScale(
      rates.filter((rate) => rate > 0),
      dark,
    );
    const colors = new Map(
      runs.map(({ run, learning_rate: rate }) => [
        run,
        scale && rate !== null && rate > 0 ? scale.color(rate) : noColor(dark),
      ]),
    );
    const entries = createEntries(runs, { names, colors });
    const shownNames = new Set(shownRuns.map(({ run }) => run));
    const shown = entries.filter(({ run }) => shownNames.has(run.run));
    return { entries, shown, drawable: drawableTrials(shown, loaded?.byRun), scale, query };
  }, [runs, names, shownRuns, loaded, dark, query]);
}

/** A moving slider causes no request until it rests. */
const DEBOUNCE_MS = 120;

function scaleOf(entries: readonly Entry[], dark: boolean): ColorScale | null {
  const reliable = entries.filter(({ reliable }) => reliable);
  return suggestionScale(
    reliable.flatMap(({ suggested }) => suggested ?? []),
    dark,
  );
}

function suggestionColor(scale: ColorScale, dark: boolean) {
  return ({ suggested, reliable }: Entry) =>
    suggested !== null && reliable ? scale.color(suggested) : noColor(dark);
}

const NO_LEGEND: Legend = [];

function colorByField(
  entries: Entry[],
  shownEntries: readonly Entry[],
  runs: readonly Run[],
  valueOf: FieldValue,
  dark: boolean,
) {
  const colors = valueColors(fieldValues(runs, valueOf), dark);
  const colorOf = (value: string) => colors.get(value) ?? noColor(dark);
  const shown = shownEntries.map(({ run }) => run);
  const legend = fieldValues(shown, valueOf).map((label) => ({ label, color: colorOf(label) }));
  const shownNames = new Set(shown.map(({ run }) => run));
  const recolored = recolor(entries, shownNames, ({ run }) => colorOf(valueOf(run)));
  return { ...recolored, scale: null, legend };
}

function recolor(entries: Entry[], shownNames: Set<string>, colorOf: (entry: Entry) => string) {
  const recolored = entries.map((entry) => ({ ...entry, color: colorOf(entry) }));
  return {
    entries: recolored,
    shownEntries: recolored.filter(({ run }) => shownNames.has(run.run)),
  };
}
