import { useMemo } from "react";
import type { Run } from "../api";
import {
  type ColorScale,
  noSuggestionColor,
  runColors,
  suggestionScale,
  valueColors,
} from "./colors";
import { useRules, useRuns, useSweeps, useTrials } from "./data";
import { createEntries, type Entry } from "./entries";
import { compileFilter } from "./filter";
import { type Field, FIELDS, fieldValues, isField } from "./groups";
import { useSettled } from "./settled";
import { sweepSettings } from "./settings";
import { useDark } from "./theme";
import { drawableTrials } from "./trials";
import { isChecked, type View } from "./view";

/** More curves than this cannot be told apart by seven colours. */
const RUN_COLORS_UP_TO = 24;

const NO_RUNS: Run[] = [];

/** Everything that the page shows, from the server's answers and the view. */
export function useDashboard(view: View) {
  const dark = useDark();
  const runsQuery = useRuns();
  const rules = useRules();
  const all = runsQuery.data?.runs ?? NO_RUNS;
  const filter = useMemo(() => compileFilter(view.filter), [view.filter]);
  const allListed = useMemo(
    () =>
      all.filter(
        ({ run, id }) => (filter.pattern?.test(run) ?? true) || view.linkedMatches?.has(id),
      ),
    [all, filter, view.linkedMatches],
  );
  // Trials are trainings at one learning rate: they have cards, colours and numbers of their own.
  const runs = useMemo(() => all.filter(({ kind }) => kind === "sweep"), [all]);
  const listed = useMemo(() => allListed.filter(({ kind }) => kind === "sweep"), [allListed]);
  const shown = useMemo(
    () => listed.filter(({ id }) => isChecked(view.selection, id)),
    [listed, view.selection],
  );
  const ofTrials = useTrialEntries(allListed, view.selection, dark);
  const wanted = useSettled(
    useMemo(() => sweepSettings(view.settings), [view.settings]),
    SETTLE_MS,
  );
  const { rule, colorBy, groupBy, delta } = view.settings;
  const sweepsQuery = useSweeps(shown, wanted, delta === "slope" ? "slope" : "loss_delta");
  const sweeps = shown.length > 0 ? sweepsQuery.sweeps : undefined;
  const colored = useMemo(() => {
    const plain = runColors(runs, dark);
    const entries = createEntries(listed, sweeps, rule, plain);
    const shownIds = new Set(shown.map(({ run }) => run));
    const shownEntries = entries.filter((entry) => shownIds.has(entry.run.run));
    const field = isField(colorBy) ? colorBy : colorBy === "automatic" ? groupBy : null;
    if (field !== null) return colorByField(entries, shownEntries, runs, field, dark);
    const bySuggestion =
      colorBy === "suggestion" ||
      (colorBy === "automatic" && shownEntries.length > RUN_COLORS_UP_TO);
    const scale = bySuggestion ? scaleOf(shownEntries, dark) : null;
    const colors = { scale, legend: NO_LEGEND };
    if (!scale) return { entries, shownEntries, ...colors };
    return { ...recolor(entries, shownIds, suggestionColor(scale, dark)), ...colors };
  }, [runs, listed, shown, sweeps, rule, colorBy, groupBy, dark]);

  const focused = colored.shownEntries.find(({ run }) => run.id === view.focus) ?? null;
  const only = colored.shownEntries.length === 1 ? (colored.shownEntries[0] ?? null) : null;
  const entries = useMemo(() => {
    const trials = new Map(ofTrials.entries.map((entry) => [entry.run.run, entry]));
    const sweeps = new Map(colored.entries.map((entry) => [entry.run.run, entry]));
    return allListed.flatMap(({ run }) => trials.get(run) ?? sweeps.get(run) ?? []);
  }, [allListed, ofTrials.entries, colored.entries]);
  return {
    runsQuery,
    sweepsQuery,
    trialsQuery: ofTrials.query,
    rules,
    /** Sweeps and trials, as the server lists them. */
    runs: all,
    filterError: filter.error,
    ...colored,
    /** Of the run list: sweeps and trials. */
    entries,
    shownTrials: ofTrials.shown,
    trials: ofTrials.drawable,
    trialScale: ofTrials.scale,
    /** The run that was picked, and the one that the page is about: that one, or the only one. */
    focused,
    active: focused ?? only,
  };
}

/** The trials among the listed runs, coloured by learning rate. */
function useTrialEntries(listed: readonly Run[], selection: View["selection"], dark: boolean) {
  const runs = useMemo(() => listed.filter(({ kind }) => kind === "trial"), [listed]);
  const shownRuns = useMemo(
    () => runs.filter(({ id }) => isChecked(selection, id)),
    [runs, selection],
  );
  const query = useTrials(shownRuns);
  const trials = shownRuns.length > 0 ? query.trials : undefined;
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
    return { entries, shown, drawable: drawableTrials(shown, trials?.byRun), scale, query };
  }, [runs, shownRuns, trials, dark, query]);
}

/** A slider in motion asks the server when it rests, not at every pixel. */
const SETTLE_MS = 120;

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

/** What a colour stands for. */
export type Legend = readonly { label: string; color: string }[];

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
  const shownIds = new Set(shown.map(({ run }) => run));
  const recolored = recolor(entries, shownIds, ({ run }) => colorOf(FIELDS[field].of(run)));
  return { ...recolored, scale: null, legend };
}

function recolor(entries: Entry[], shownIds: Set<string>, colorOf: (entry: Entry) => string) {
  const recolored = entries.map((entry) => ({ ...entry, color: colorOf(entry) }));
  return {
    entries: recolored,
    shownEntries: recolored.filter(({ run }) => shownIds.has(run.run)),
  };
}
