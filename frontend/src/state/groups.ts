import { least } from "d3-array";
import { bandOf } from "../chart/band";
import type { Marks, Series } from "../chart/series";
import { plural } from "../format";
import type { DrawnEntry, Entry } from "./entries";
import { type Field, FIELDS } from "./fields";
import { geometricMedian } from "./geometricMedian";

/** Several sweeps drawn as one curve with a band. */
export interface Group {
  id: string;
  /** The value of the field that its sweeps share. */
  value: string;
  label: string;
  color: string;
  entries: readonly DrawnEntry[];
}

/**
 * The entries grouped by a field. An entry that is alone in its group stays single, and so does the
 * active one.
 */
export function groupEntries(
  entries: readonly DrawnEntry[],
  field: Field | null,
  activeRun: string | null,
): { groups: Group[]; singles: readonly DrawnEntry[] } {
  if (field === null) return { groups: [], singles: entries };
  const byValue = new Map<string, DrawnEntry[]>();
  for (const entry of entries) {
    const value = FIELDS[field].of(entry.run);
    byValue.set(value, [...(byValue.get(value) ?? []), entry]);
  }
  const groups: Group[] = [];
  for (const [value, members] of byValue) {
    const [first, second] = members;
    if (!first || !second) continue;
    // No run has such a name: a path never starts with an empty part.
    const id = `//${value}`;
    const label = `${value}, ${plural(members.length, "sweep")}`;
    groups.push({ id, value, label, color: first.color, entries: members });
  }
  const grouped = new Set(groups.flatMap((group) => group.entries));
  const singles = entries.filter((entry) => !grouped.has(entry) || entry.run.run === activeRun);
  return { groups, singles };
}

/** The curves of the groups: the median and the band of the curves of their sweeps. */
export function groupSeries(
  groups: readonly Group[],
  series: (entries: readonly DrawnEntry[]) => Series[],
): Series[] {
  return groups.map((group) => bandOf(group, series(group.entries)));
}

/** A mark at the median of the reliable suggestions of each group. */
export function groupPoints(groups: readonly Group[]): Marks["points"] {
  return groups.flatMap(({ id, entries }) => {
    const x = medianSuggestion(entries);
    return x === null ? [] : [{ seriesId: id, x, hollow: false }];
  });
}

/** The sweep of a group whose suggestion is nearest to the median. */
export function mostTypical({ entries }: Group): DrawnEntry | null {
  const median = medianSuggestion(entries);
  if (median === null) return entries[0] ?? null;
  const reliable = entries.filter((entry) => entry.reliable && entry.suggested !== null);
  return (
    least(reliable, ({ suggested }) => Math.abs(Math.log((suggested ?? NaN) / median))) ?? null
  );
}

function medianSuggestion(entries: readonly Entry[]): number | null {
  return geometricMedian(
    entries.filter(({ reliable }) => reliable).map(({ suggested }) => suggested),
  );
}
