import { useMemo } from "react";
import type { Run } from "../api";
import {
  type ColorScale,
  noSuggestionColor,
  runColors,
  suggestionScale,
  valueColors,
} from "./colors";
import { useRules, useRuns, useSweeps } from "./data";
import { createEntries, type Entry } from "./entries";
import { type Field, FIELDS, fieldValues, isField } from "./groups";
import { useSettled } from "./settled";
import { sweepSettings } from "./settings";
import { useDark } from "./theme";
import { compileFilter, isChecked, type View } from "./view";

/** More curves than this cannot be told apart by seven colours. */
const RUN_COLORS_UP_TO = 24;

const NO_RUNS: Run[] = [];

/** Everything that the page shows, from the server's answers and the view. */
export function useDashboard(view: View) {
  const dark = useDark();
  const runsQuery = useRuns();
  const rules = useRules();
  // Trials are trainings at one learning rate: there is no curve over learning rates to draw.
  const runs = useMemo(
    () => runsQuery.data?.filter(({ kind }) => kind === "sweep") ?? NO_RUNS,
    [runsQuery.data],
  );
  const filter = useMemo(() => compileFilter(view.filter), [view.filter]);
  const listed = useMemo(
    () =>
      runs.filter(
        ({ run, id }) => (filter.pattern?.test(run) ?? true) || view.linkedMatches?.has(id),
      ),
    [runs, filter, view.linkedMatches],
  );
  const shown = useMemo(
    () => listed.filter(({ id }) => isChecked(view.selection, id)),
    [listed, view.selection],
  );
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
  return {
    runsQuery,
    sweepsQuery,
    rules,
    runs,
    filterError: filter.error,
    ...colored,
    /** The run that was picked, and the one that the page is about: that one, or the only one. */
    focused,
    active: focused ?? only,
  };
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
