import { max } from "d3-array";
import type { Run } from "../api/runs";
import type { Entry } from "./entries";
import { bestTrial, type TrialEntry } from "./trials";

/** What trials, i.e. training runs at a fixed learning rate, say about a suggestion. */
export type Proof =
  | { kind: "none" }
  /** The best of several trials is at the suggestion. */
  | { kind: "best"; trials: number; best: TrialEntry }
  /** There is a trial at the suggestion, and a better one elsewhere. */
  | { kind: "other"; trials: number; best: TrialEntry }
  /** No trial at the suggestion to compare with others, or no best one. */
  | { kind: "open"; trials: number; best: TrialEntry | null };

/** A trial within this ratio of the suggestion is at it: people round learning rates. */
const NEAR = 1.25;

/** The trials with the configuration of the sweeps, compared at equal numbers of epochs. */
export function proofOf(
  entries: readonly Entry[],
  trials: readonly TrialEntry[],
  suggested: number | null,
): Proof {
  const run = entries[0]?.run;
  const own = trials.filter((trial) => run && isComparable(run, trial.run));
  const epochs = max(own, (trial) => trial.run.steps) ?? 0;
  const compared = own.filter(
    ({ run: { steps }, trial }) => trial.schedule === null && (trial.diverged || steps === epochs),
  );
  if (compared.length === 0) return { kind: "none" };
  const best = bestTrial(compared);
  const near = (rate: number) =>
    suggested !== null && rate / suggested < NEAR && suggested / rate < NEAR;
  const count = compared.length;
  const tried = compared.some(({ learningRate }) => near(learningRate));
  if (best === null || !tried || count === 1) return { kind: "open", trials: count, best };
  return { kind: near(best.learningRate) ? "best" : "other", trials: count, best };
}

/** Whether a trial trains the same model with the same optimizer and batch size, as far as is known. */
function isComparable(sweep: Run, trial: Run): boolean {
  return (["optimizer", "model", "parameters", "batch_size"] as const).every(
    (field) => sweep[field] === null || trial[field] === null || sweep[field] === trial[field],
  );
}
