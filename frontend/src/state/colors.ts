import { scaleSequentialLog } from "d3-scale";
import { interpolateViridis } from "d3-scale-chromatic";
import type { Run } from "../api/runs";

/** TensorBoard's palette. */
const LIGHT = ["#425066", "#12b5cb", "#e52592", "#f9ab00", "#9334e6", "#7cb342", "#e8710a"];
const DARK = ["#8e98a3", ...LIGHT.slice(1)];

/**
 * The color of each run, in the order of their start times, so that a run that is added while the page
 * is open changes no other color. When the palette repeats, its tones differ.
 */
export function runColors(runs: readonly Run[], dark: boolean): Map<string, string> {
  const started = ({ start_time }: Run) => start_time ?? Infinity;
  // Sorting is stable: runs without a start time stay in the order of the list.
  const ordered = [...runs].sort((a, b) =>
    started(a) === started(b) ? 0 : started(a) - started(b),
  );
  return new Map(ordered.map(({ run }, i) => [run, paletteColor(i, dark)]));
}

function blend(color: string, towards: number, share: number): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const mixed = channels.map((c) => Math.round(c + share * (towards - c)));
  return `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

/** A color for each value of a field, independent of which runs are shown. */
export function valueColors(values: readonly string[], dark: boolean): Map<string, string> {
  return new Map(values.map((value, i) => [value, paletteColor(i, dark)]));
}

function paletteColor(i: number, dark: boolean): string {
  const palette = dark ? DARK : LIGHT;
  const color = palette[i % palette.length] ?? "#888888";
  const round = Math.floor(i / palette.length) % 3;
  if (round === 0) return color;
  return blend(color, (round === 1) === dark ? 255 : 0, 0.38);
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
export function noSuggestionColor(dark: boolean): string {
  return dark ? "#9e9e9e" : "#757575";
}
