import { scaleSequentialLog } from "d3-scale";
import { interpolateViridis } from "d3-scale-chromatic";
import type { Run } from "../api/runs";

/**
 * Each color can be told from its card and, by people with any color vision, from the others: the first
 * ones best, since few runs are more common than many. tests/palette.test.ts measures both.
 */
const LIGHT = [
  "#0077bb",
  "#d9621a",
  "#005a3c",
  "#67168b",
  "#2291f8",
  "#aa4a80",
  "#c1758d",
  "#a2041c",
  "#8c85c9",
  "#822f72",
  "#5639b1",
  "#057558",
];
const DARK = [
  "#4fa8e8",
  "#f59048",
  "#8ee6c8",
  "#eae637",
  "#d74748",
  "#6670e9",
  "#a66897",
  "#c686b6",
  "#ffbe8a",
  "#9dbdff",
  "#f86680",
  "#47a383",
];

/** With more values than this, colors no longer tell them apart. */
export const MAX_OWN_COLORS = LIGHT.length;

/** A color for each value, independent of which runs are shown. */
export function valueColors(values: readonly string[], dark: boolean): Map<string, string> {
  return new Map(values.map((value, i) => [value, paletteColor(i, dark)]));
}

/**
 * The color of each value of the runs, in the order of their start times, so that a run that is added
 * while the page is open changes no other color.
 */
export function colorsByStart(
  runs: readonly Run[],
  valueOf: (run: Run) => string,
  dark: boolean,
): Map<string, string> {
  const started = ({ start_time }: Run) => start_time ?? Infinity;
  // Sorting is stable: runs without a start time stay in the order of the list.
  const ordered = [...runs].sort((a, b) =>
    started(a) === started(b) ? 0 : started(a) - started(b),
  );
  const colors = valueColors([...new Set(ordered.map(valueOf))], dark);
  return new Map(runs.map((run) => [run.run, colors.get(valueOf(run)) ?? noColor(dark)]));
}

/** The color of the i-th value; with more than twelve, colors repeat. */
export function paletteColor(i: number, dark: boolean): string {
  const palette = dark ? DARK : LIGHT;
  return palette[i % palette.length] ?? noColor(dark);
}

export interface ColorScale {
  low: number;
  high: number;
  color: (learningRate: number) => string;
}

/** Colors by learning rate; null if there are no two different ones. */
export function suggestionScale(
  learningRates: readonly number[],
  dark: boolean,
): ColorScale | null {
  if (learningRates.length === 0) return null;
  let low = Infinity;
  let high = -Infinity;
  for (const lr of learningRates) {
    low = Math.min(low, lr);
    high = Math.max(high, lr);
  }
  if (low === high) return null;
  // Without the end of the color ramp that is close to the background.
  const [from, to] = dark ? [0.25, 1] : [0, 0.82];
  const scale = scaleSequentialLog((t: number) => interpolateViridis(from + t * (to - from)));
  return { low, high, color: scale.domain([low, high]) };
}

/** For a run without a suggestion, when runs are colored by suggestion. */
export function noColor(dark: boolean): string {
  return dark ? "#9e9e9e" : "#757575";
}
