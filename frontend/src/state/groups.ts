import { bandOf } from "../chart/band";
import type { Marks, Series } from "../chart/series";
import { plural } from "../format";
import { typicalOf } from "./answers";
import type { DrawnEntry, Entry } from "./entries";
import type { FieldValue } from "./fields";
import { geometricMedian } from "./geometricMedian";

/** Several sweeps drawn as one curve. */
export interface Group {
  id: string;
  /** What its sweeps share. */
  value: string;
  label: string;
  color: string;
  entries: readonly DrawnEntry[];
}

/**
 * The entries grouped by a field, and by optimizer: nothing is averaged over optimizers. An entry that
 * is alone in its group stays single, and so does the active one.
 */
export function groupEntries(
  entries: readonly DrawnEntry[],
  valueOf: FieldValue | null,
  activeRun: string | null,
): { groups: Group[]; singles: readonly DrawnEntry[] } {
  if (valueOf === null) return { groups: [], singles: entries };
  const optimizers = new Map<string, Set<string | null>>();
  for (const { run } of entries) {
    const value = valueOf(run);
    optimizers.set(value, (optimizers.get(value) ?? new Set()).add(run.optimizer));
  }
  const byValue = new Map<string, DrawnEntry[]>();
  for (const entry of entries) {
    const value = valueOf(entry.run);
    const mixed = (optimizers.get(value)?.size ?? 0) > 1;
    const full = mixed ? `${value} · ${entry.run.optimizer ?? "unknown optimizer"}` : value;
    byValue.set(full, [...(byValue.get(full) ?? []), entry]);
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

/** The curves of the groups: the median of their sweeps, alone, with a band or with these as thin lines. */
export function groupSeries(
  groups: readonly Group[],
  series: (entries: readonly DrawnEntry[]) => Series[],
  around: "nothing" | "band" | "members",
): Series[] {
  return groups.map((group) => {
    const members = series(group.entries);
    const median = bandOf(group, members, around === "band");
    const faint = members.every((member) => member.faint);
    return { ...median, faint, members: around === "members" ? members : [] };
  });
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
  return typicalOf(entries, medianSuggestion(entries)) ?? entries[0] ?? null;
}

export function medianSuggestion(entries: readonly Entry[]): number | null {
  return geometricMedian(
    entries.filter(({ reliable }) => reliable).map(({ suggested }) => suggested),
  );
}
