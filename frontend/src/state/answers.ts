import { group, least } from "d3-array";
import type { Rule } from "../api/runs";
import { type Confidence, confidenceOf } from "./confidence";
import type { Configuration } from "./configurations";
import type { Entry } from "./entries";
import { geometricMedian } from "./geometricMedian";
import { type Proof, proofOf } from "./proof";
import type { TrialEntry } from "./trials";

/** The learning rate for one configuration, and what it is based on. */
export interface Answer extends Configuration {
  color: string;
  /** Its shown sweeps. */
  entries: readonly Entry[];
  /** Sweeps that have ended, i.e. that could have a suggestion, and those with a reliable one. */
  ended: number;
  reliable: number;
  /** The reliable suggestion; the geometric median of several; null if there is none. */
  suggested: number | null;
  /** The smallest and the largest reliable suggestion, if there are several. */
  range: readonly [number, number] | null;
  /** That of a running sweep, while all of its sweeps are running. */
  provisional: number | null;
  /** null while all of its sweeps are running. */
  confidence: Confidence | null;
  /** The sweep whose suggestion is nearest to `suggested`; if there is none, the first. */
  typical: Entry;
  proof: Proof;
}

/** The answer for each configuration, in the order of the entries. Nothing is averaged over several. */
export function answersOf(
  entries: readonly Entry[],
  trials: readonly TrialEntry[],
  configurations: ReadonlyMap<string, Configuration>,
): Answer[] {
  const groups = group(entries, ({ run }) => configurations.get(run.run)?.key ?? "");
  return [...groups.values()].flatMap((members) => {
    const configuration = members[0] && configurations.get(members[0].run.run);
    return configuration ? [answerOf(configuration, members, trials)] : [];
  });
}

function answerOf(
  configuration: Configuration,
  entries: readonly Entry[],
  trials: readonly TrialEntry[],
): Answer {
  const rates = entries.flatMap((one) => (one.reliable ? (one.suggested ?? []) : []));
  // Of one, the number itself: its logarithm and back would round it.
  const suggested = rates.length === 1 ? (rates[0] ?? null) : geometricMedian(rates);
  const ended = entries.filter(({ run }) => run.status !== "running");
  const range = rates.length > 1 ? ([Math.min(...rates), Math.max(...rates)] as const) : null;
  const confidence = ended.length === 0 ? null : confidenceOf(ended, range && range[1] / range[0]);
  const typical = typicalOf(entries, suggested) ?? entries[0];
  if (!typical) throw new Error("A configuration has at least one sweep");
  return {
    ...configuration,
    color: typical.color,
    entries,
    ended: ended.length,
    reliable: rates.length,
    suggested: confidence === "low" ? null : suggested,
    range,
    provisional:
      ended.length > 0 ? null : geometricMedian(entries.map(({ provisional }) => provisional)),
    confidence,
    typical,
    proof: proofOf(entries, trials, suggested),
  };
}

/** The sweep whose suggestion is nearest to a learning rate; null if none has one. */
export function typicalOf<E extends Entry>(
  entries: readonly E[],
  suggested: number | null,
): E | null {
  const reliable = entries.filter((entry) => entry.reliable && entry.suggested !== null);
  return (
    least(reliable, (one) => Math.abs(Math.log((one.suggested ?? NaN) / (suggested ?? 1)))) ?? null
  );
}

/** The median suggestion of each rule over the reliable sweeps of one configuration. */
export function suggestionsByRule(
  entries: readonly Entry[],
  rules: readonly Rule[],
): ReadonlyMap<string, number> {
  const reliable = entries.filter((entry) => entry.reliable);
  const medians = new Map<string, number>();
  for (const { name } of rules) {
    const rates = reliable.flatMap(({ sweep }) => sweep?.suggestions[name]?.learning_rate ?? []);
    const median = rates.length === 1 ? rates[0] : geometricMedian(rates);
    if (median !== null && median !== undefined) medians.set(name, median);
  }
  return medians;
}
