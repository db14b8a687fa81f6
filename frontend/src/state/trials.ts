import { extent } from "d3-array";
import type { Run } from "../api/runs";
import type { Trial } from "../api/trials";
import type { Pair } from "../chart/pair";
import type { Series } from "../chart/series";
import type { Entry } from "./entries";

/** A trial whose epochs are loaded. */
export interface TrialEntry {
  run: Run;
  /** The name of the run without what it has in common with all others. */
  name: string;
  trial: Trial;
  learningRate: number;
  color: string;
}

const VALIDATION = "validation_";

/** The trials that can be drawn, by learning rate. */
export function drawableTrials(
  entries: readonly Entry[],
  trials: ReadonlyMap<string, Trial> | undefined,
): TrialEntry[] {
  return entries
    .flatMap(({ run, name, color }) => {
      const trial = trials?.get(run.run);
      const learningRate = run.learning_rate ?? NaN;
      if (!trial || !(learningRate > 0)) return [];
      return [{ run, name, trial, learningRate, color }];
    })
    .sort((a, b) => a.learningRate - b.learningRate);
}

/** What the trials can be compared by: the loss, and every metric of any trial. */
export function quantities(entries: readonly TrialEntry[]): string[] {
  const names = new Set(["loss"]);
  for (const { trial } of entries) {
    for (const name of Object.keys(trial.columns)) {
      if (name !== "epoch" && name !== "learning_rate" && !name.startsWith(VALIDATION))
        names.add(name);
    }
  }
  return [...names];
}

/** The final value on the validation data, or on the training data if there is no validation data. */
export function finalOf({ trial }: TrialEntry, quantity: string): number {
  const validation = trial.final[VALIDATION + quantity];
  return validation ?? trial.final[quantity] ?? NaN;
}

/** Whether any trial has validation data. */
export function anyValidated(entries: readonly TrialEntry[], quantity: string): boolean {
  return entries.some(({ trial }) => trial.columns[VALIDATION + quantity] !== undefined);
}

/**
 * The trial with the lowest final loss, on validation data if there is any. The same one as
 * `TrialResults.best` in Python: both are tested on the cases of tests/fixtures/best_trial.json.
 */
export function bestTrial(entries: readonly TrialEntry[]): TrialEntry | null {
  let best: TrialEntry | null = null;
  for (const entry of entries) {
    const value = finalOf(entry, "loss");
    if (entry.run.status !== "finished" || entry.trial.diverged || !Number.isFinite(value))
      continue;
    if (best === null || value < finalOf(best, "loss")) best = entry;
  }
  return best;
}

/** Final validation and training values against learning rate, as curves that connect the trials. */
export function finalSeries(entries: readonly TrialEntry[], quantity: string): Series[] {
  // A trial with a schedule has no single learning rate: it is a dot beside the curve.
  const fixed = entries.filter(({ trial }) => trial.schedule === null);
  const curve = (id: string, label: string, name: string, color: string): Series => ({
    ...PLAIN,
    id,
    label,
    color,
    x: Float32Array.from(fixed, ({ learningRate }) => learningRate),
    y: Float32Array.from(fixed, ({ trial }) => trial.final[name] ?? NaN),
    solidTo: fixed.length,
    fitTo: fixed.length,
  });
  const series = [curve("training", "Training", quantity, "#9aa0a6")];
  if (anyValidated(fixed, quantity))
    series.unshift(curve("validation", "Validation", VALIDATION + quantity, "#e8710a"));
  return series;
}

const PLAIN = {
  raw: null,
  members: [],
  faint: false,
  band: null,
  solidFrom: 0,
  fitFrom: 0,
  live: false,
  diverges: false,
} as const;

/** The final validation and training value of each trial. */
export function finalPairs(
  entries: readonly TrialEntry[],
  quantity: string,
  best: TrialEntry | null,
  focus: string | null,
): Pair[] {
  return entries.map((entry) => {
    const { run, trial, learningRate, color } = entry;
    const value = finalOf(entry, quantity);
    return {
      id: run.run,
      x: learningRate,
      y: value,
      other: trial.final[quantity] ?? NaN,
      color,
      diverged: trial.diverged || !Number.isFinite(value),
      hollow: trial.schedule !== null,
      emphasized: run.id === focus,
      label: entry === best ? "best" : (trial.schedule ?? ""),
    };
  });
}

/** The curve of each trial over its epochs, counted from one. */
export function epochSeries(entries: readonly TrialEntry[], quantity: string): Series[] {
  return entries.flatMap(({ run, name, trial, color }) => {
    const values = trial.columns[VALIDATION + quantity] ?? trial.columns[quantity];
    const epochs = trial.columns["epoch"];
    if (!values || !epochs || epochs.length === 0) return [];
    return [
      {
        ...PLAIN,
        id: run.run,
        label: name,
        color,
        x: Float32Array.from(epochs, (epoch) => epoch + 1),
        y: Float32Array.from(values),
        solidTo: epochs.length,
        fitTo: epochs.length,
        live: run.status === "running",
      },
    ];
  });
}

/** `validation_accuracy` as "Validation accuracy". */
export function quantityTitle(quantity: string, validated: boolean): string {
  const words = `${validated ? VALIDATION : ""}${quantity}`.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whether a linear axis would show the smaller values as zero. */
export function hasWideRange(series: readonly Series[]): boolean {
  const [low = 1, high = 1] = extent(
    series.flatMap(({ y }) => [...y].filter((value) => Number.isFinite(value))),
  );
  return low > 0 && high / low > 20;
}
