import { group } from "d3-array";
import type { Loaded } from "../api/runCache";
import type { Rules, Run, Severity } from "../api/runs";
import type { Sweep } from "../api/sweeps";
import { geometricMedian } from "./geometricMedian";

/** A run as the page shows it: its row of the list, and its sweep once it is loaded. */
export interface Entry {
  run: Run;
  sweep: Sweep | null;
  color: string;
  /** The suggestion of the chosen rule; null if there is none. */
  suggested: number | null;
  severity: Severity | null;
  /** Whether there is a suggestion that can be acted on. */
  reliable: boolean;
  /** Why there is no data. */
  error: string | null;
}

/** An entry whose sweep is loaded and has at least one row. */
export type DrawnEntry = Entry & { sweep: Sweep };

export function drawable(entries: readonly Entry[]): DrawnEntry[] {
  return entries.filter(
    (entry): entry is DrawnEntry =>
      entry.sweep !== null && entry.sweep.columns.learning_rate.length > 0,
  );
}

export function createEntries(
  runs: readonly Run[],
  sweeps: Loaded<Sweep> | undefined,
  rule: string | null,
  colors: ReadonlyMap<string, string>,
): Entry[] {
  return runs.map((run) => {
    const sweep = sweeps?.byRun.get(run.run) ?? null;
    // The lowest loss of an unfinished ramp is wherever the ramp happens to be.
    const ended = run.status !== "running";
    const suggested = ended ? suggestedBy(run, sweep, rule) : null;
    const severity = !ended ? null : sweep ? worst(sweep) : run.severity;
    return {
      run,
      sweep,
      color: colors.get(run.run) ?? "#888888",
      suggested,
      severity,
      reliable: suggested !== null && severity !== "severe",
      error: sweeps?.errors.get(run.run) ?? sweep?.message ?? run.message,
    };
  });
}

function suggestedBy(run: Run, sweep: Sweep | null, rule: string | null): number | null {
  const byDefault = sweep ? sweep.suggestion : run.suggestion;
  if (rule === null || byDefault?.rule === rule) return byDefault?.learning_rate ?? null;
  return sweep?.suggestions[rule]?.learning_rate ?? null;
}

function worst(sweep: Sweep): Severity | null {
  const severities = sweep.diagnosis.map(({ severity }) => severity);
  return severities.includes("severe") ? "severe" : severities.includes("mild") ? "mild" : null;
}

/** A summary of several runs. */
export interface Summary {
  /** The smallest and the largest reliable suggestion. */
  range: readonly [number, number] | null;
  /** The ratio of the largest to the smallest. */
  spread: number | null;
  reliable: number;
  /** Sweeps that have ended, i.e. that could have a suggestion. */
  ended: number;
  /** The median of the reliable suggestions of each rule. */
  medians: ReadonlyMap<string, number>;
}

export function summarize(entries: readonly Entry[], rules: Rules | undefined): Summary {
  const reliable = entries.filter((entry) => entry.reliable);
  let low = Infinity;
  let high = -Infinity;
  for (const { suggested } of reliable) {
    low = Math.min(low, suggested ?? low);
    high = Math.max(high, suggested ?? high);
  }
  const medians = new Map<string, number>();
  for (const { name } of rules?.rules ?? []) {
    const median = geometricMedian(
      reliable.map(({ sweep }) => sweep?.suggestions[name]?.learning_rate),
    );
    if (median !== null) medians.set(name, median);
  }
  return {
    range: low <= high ? [low, high] : null,
    spread: low <= high ? high / low : null,
    reliable: reliable.length,
    ended: entries.filter(({ run }) => run.status !== "running").length,
    medians,
  };
}

/** The suggestions of the sweeps with one optimizer. */
export interface OptimizerSummary {
  /** Null if the sweeps do not name it. */
  optimizer: string | null;
  runs: number;
  reliable: number;
  /** The reliable suggestion; the geometric median of several. */
  suggested: number | null;
  /** The smallest and the largest reliable suggestion, if there are several. */
  range: readonly [number, number] | null;
  /** Whether all of its sweeps are running. */
  running: boolean;
}

/** Summaries by optimizer, in the order of the entries. No number is taken across optimizers. */
export function summarizeOptimizers(entries: readonly Entry[]): OptimizerSummary[] {
  const groups = group(entries, ({ run }) => run.optimizer);
  return Array.from(groups, ([optimizer, members]) => {
    const { range, reliable } = summarize(members, undefined);
    const rates = members.flatMap((e) => (e.reliable && e.suggested !== null ? [e.suggested] : []));
    return {
      optimizer,
      runs: members.length,
      reliable,
      // Of one, the number itself: its logarithm and back would round it.
      suggested: reliable === 1 ? (rates[0] ?? null) : geometricMedian(rates),
      range: reliable > 1 ? range : null,
      running: members.every(({ run }) => run.status === "running"),
    };
  });
}
