import { useMemo } from "react";
import type { Run } from "../api/runs";
import type { Legend } from "../chart/series";
import {
  type ColorScale,
  noSuggestionColor,
  runColors,
  suggestionScale,
  valueColors,
} from "./colors";
import { useRules, useRuns, useSweeps, useTrials } from "./data";
import { useDebounced } from "./debounced";
import { createEntries, type Entry } from "./entries";
import { type Field, FIELDS, fieldValues, isField } from "./fields";
import { sweepSettings } from "./settings";
import { useDark } from "./theme";
import { drawableTrials } from "./trials";
import { useMatchingRuns } from "./useMatchingRuns";
import { isChecked, type View } from "./view";

/** With more runs than this, the seven colors of the palette no longer tell them apart. */
const MAX_RUNS_WITH_OWN_COLOR = 24;

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
  const trials = useTrialEntries(allListed, view.selection, dark);
  const settled = useDebounced(
    useMemo(() => sweepSettings(view.settings), [view.settings]),
    DEBOUNCE_MS,
  );
  const { rule, colorBy, groupBy, delta } = view.settings;
  const sweepsQuery = useSweeps(shown, settled, delta === "slope" ? "slope" : "loss_delta");
  const sweeps = shown.length > 0 ? sweepsQuery.loaded : undefined;
  const colored = useMemo(() => {
    const plain = runColors(runs, dark);
    const entries = createEntries(listed, sweeps, rule, plain);
    const shownNames = new Set(shown.map(({ run }) => run));
    const shownEntries = entries.filter((entry) => shownNames.has(entry.run.run));
    const field = isField(colorBy) ? colorBy : colorBy === "automatic" ? groupBy : null;
    if (field !== null) return colorByField(entries, shownEntries, runs, field, dark);
    const bySuggestion =
      colorBy === "suggestion" ||
      (colorBy === "automatic" && shownEntries.length > MAX_RUNS_WITH_OWN_COLOR);
    const scale = bySuggestion ? scaleOf(shownEntries, dark) : null;
    const colors = { scale, legend: NO_LEGEND };
    if (!scale) return { entries, shownEntries, ...colors };
    return { ...recolor(entries, shownNames, suggestionColor(scale, dark)), ...colors };
  }, [runs, listed, shown, sweeps, rule, colorBy, groupBy, dark]);

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
function useTrialEntries(listed: readonly Run[], selection: View["selection"], dark: boolean) {
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
        scale && rate !== null && rate > 0 ? scale.color(rate) : noSuggestionColor(dark),
      ]),
    );
    const entries = createEntries(runs, undefined, null, colors);
    const shownNames = new Set(shownRuns.map(({ run }) => run));
    const shown = entries.filter(({ run }) => shownNames.has(run.run));
    return { entries, shown, drawable: drawableTrials(shown, loaded?.byRun), scale, query };
  }, [runs, shownRuns, loaded, dark, query]);
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
    suggested !== null && reliable ? scale.color(suggested) : noSuggestionColor(dark);
}

const NO_LEGEND: Legend = [];

function colorByField(
  entries: Entry[],
  shownEntries: readonly Entry[],
  runs: readonly Run[],
  field: Field,
  dark: boolean,
) {
  const colors = valueColors(fieldValues(runs, field), dark);
  const colorOf = (value: string) => colors.get(value) ?? noSuggestionColor(dark);
  const shown = shownEntries.map(({ run }) => run);
  const legend = fieldValues(shown, field).map((label) => ({ label, color: colorOf(label) }));
  const shownNames = new Set(shown.map(({ run }) => run));
  const recolored = recolor(entries, shownNames, ({ run }) => colorOf(FIELDS[field].of(run)));
  return { ...recolored, scale: null, legend };
}

function recolor(entries: Entry[], shownNames: Set<string>, colorOf: (entry: Entry) => string) {
  const recolored = entries.map((entry) => ({ ...entry, color: colorOf(entry) }));
  return {
    entries: recolored,
    shownEntries: recolored.filter(({ run }) => shownNames.has(run.run)),
  };
}
