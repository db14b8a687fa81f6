import { formatLearningRate } from "../../format";
import type { Answer } from "../../state/answers";

/** What stands in the place of a learning rate that there is none of. */
export function noRate({ confidence, entries, typical }: Answer): string {
  if (confidence === null)
    return entries.length > 1 ? "The sweeps are running" : "The sweep is running";
  if (!typical.sweep && typical.error === null) return "Loading";
  return "No clear suggestion";
}

export function rangeText([low, high]: readonly [number, number]): string {
  const [from, to] = [formatLearningRate(low), formatLearningRate(high)];
  return from === to ? `all ${from}` : `${from} – ${to}`;
}
