import { least, median } from "d3-array";
import type { Run } from "../api";
import { bandOf } from "../chart/band";
import type { Marks, Series } from "../chart/series";
import { plural } from "../format";
import type { DrawnEntry } from "./curves";
import { type Entry, splitName } from "./entries";

/** What runs can be told apart by. */
export const FIELDS = {
  optimizer: { name: "Optimizer", of: (run: Run) => run.optimizer ?? "unknown optimizer" },
  model: { name: "Model", of: (run: Run) => run.model ?? "unknown model" },
  batch_size: {
    name: "Batch size",
    of: (run: Run) => (run.batch_size === null ? "unknown batch size" : `batch ${run.batch_size}`),
  },
  folder: { name: "Folder", of: (run: Run) => splitName(run.run).folder || "no folder" },
  configuration: {
    name: "Configuration",
    of: (run: Run): string =>
      [FIELDS.optimizer, FIELDS.model, FIELDS.batch_size].map((field) => field.of(run)).join(" · "),
  },
} as const;

export type Field = keyof typeof FIELDS;

export function isField(text: string): text is Field {
  return Object.hasOwn(FIELDS, text);
}

/** The values of a field among the runs, in natural order. */
export function fieldValues(runs: readonly Run[], field: Field): string[] {
  const values = new Set(runs.map((run) => FIELDS[field].of(run)));
  return [...values].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}

/** Several sweeps that are drawn as one curve with a band. */
export interface Group {
  id: string;
  /** What its sweeps have in common. */
  value: string;
  label: string;
  color: string;
  entries: readonly DrawnEntry[];
}

/**
 * The entries by a field; those that are alone, and the one that the page is about, stay as they
 * are.
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
    // No run has such a name: a path has no empty part at its start.
    const id = `//${value}`;
    const label = `${value}, ${plural(members.length, "sweep")}`;
    groups.push({ id, value, label, color: first.color, entries: members });
  }
  const grouped = new Set(groups.flatMap((group) => group.entries));
  const singles = entries.filter((one) => !grouped.has(one) || one.run.run === activeRun);
  return { groups, singles };
}

/** The curves of the groups: each the median and band of its sweeps' own. */
export function groupSeries(
  groups: readonly Group[],
  series: (entries: readonly DrawnEntry[]) => Series[],
): Series[] {
  return groups.map((group) => bandOf(group, series(group.entries)));
}

/** A mark at the median of each group's reliable suggestions. */
export function groupPoints(groups: readonly Group[]): Marks["points"] {
  return groups.flatMap(({ id, entries }) => {
    const x = medianSuggestion(entries);
    return x === null ? [] : [{ seriesId: id, x, hollow: false }];
  });
}

/** The sweep of a group whose suggestion is nearest to the middle one. */
export function typicalOf({ entries }: Group): DrawnEntry | null {
  const middle = medianSuggestion(entries);
  if (middle === null) return entries[0] ?? null;
  const reliable = entries.filter((entry) => entry.reliable && entry.suggested !== null);
  return (
    least(reliable, ({ suggested }) => Math.abs(Math.log((suggested ?? NaN) / middle))) ?? null
  );
}

/** Half way between learning rates is their geometric mean, so it is taken of their logarithms. */
export function medianSuggestion(entries: readonly Entry[]): number | null {
  const logs = entries.flatMap(({ suggested, reliable }) =>
    suggested === null || !reliable ? [] : Math.log10(suggested),
  );
  const middle = median(logs);
  return middle === undefined ? null : 10 ** middle;
}
