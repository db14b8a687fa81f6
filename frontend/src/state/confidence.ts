import type { Entry } from "./entries";

export type Confidence = "high" | "medium" | "low";

/** How far suggestions of the same configuration may be apart, as a ratio. */
const MAX_SPREAD = { high: 3, medium: 10 };

/**
 * How far a suggestion can be trusted: from the diagnosis of its sweeps, and how far their suggestions
 * are apart.
 */
export function confidenceOf(
  entries: readonly (Pick<Entry, "reliable" | "severity"> & Partial<Pick<Entry, "isGuess">>)[],
  spread: number | null,
): Confidence {
  const reliable = entries.filter((entry) => entry.reliable);
  if (2 * reliable.length <= entries.length && reliable.length < entries.length) return "low";
  if (2 * reliable.filter(({ isGuess }) => isGuess).length > reliable.length) return "low";
  if (reliable.length === 0 || (spread ?? 1) > MAX_SPREAD.medium) return "low";
  const mild = reliable.filter(({ severity }) => severity === "mild").length;
  return 2 * mild >= reliable.length || (spread ?? 1) > MAX_SPREAD.high ? "medium" : "high";
}

export const CONFIDENCE_WORDS: Record<Confidence, string> = {
  high: "High",
  medium: "Medium",
  low: "Low",
};
