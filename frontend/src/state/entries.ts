import { group, median } from "d3-array";
import type { Rules, Run, Severity, Sweep } from "../api";
import type { Sweeps } from "./loader";

/** A run as the page shows it: what the list says of it, and its sweep once that is here. */
export interface Entry {
  run: Run;
  sweep: Sweep | null;
  color: string;
  /** By the rule that is shown; null where there is none. */
  suggested: number | null;
  severity: Severity | null;
  /** A suggestion that can be acted on. */
  reliable: boolean;
  /** Why there are no numbers. */
  error: string | null;
}

export function createEntries(
  runs: readonly Run[],
  sweeps: Sweeps | undefined,
  rule: string | null,
  colors: ReadonlyMap<string, string>,
): Entry[] {
  return runs.map((run) => {
    const sweep = sweeps?.byRun.get(run.run) ?? null;
    // Half a ramp says nothing yet: its lowest loss is where it happens to be.
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
  const own = sweep ? sweep.suggestion : run.suggestion;
  if (rule === null || own?.rule === rule) return own?.learning_rate ?? null;
  return sweep?.suggestions[rule]?.learning_rate ?? null;
}

function worst(sweep: Sweep): Severity | null {
  const severities = sweep.diagnosis.map(({ severity }) => severity);
  return severities.includes("severe") ? "severe" : severities.includes("mild") ? "mild" : null;
}

/** What many runs say together. */
export interface Summary {
  /** Smallest and largest reliable suggestion. */
  range: readonly [number, number] | null;
  /** How many times the largest is the smallest. */
  spread: number | null;
  reliable: number;
  /** Sweeps that have ended: the ones that could have a suggestion. */
  ended: number;
  /** Median of each rule's reliable suggestions. */
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
    const values = reliable.map(({ sweep }) => sweep?.suggestions[name]?.learning_rate ?? NaN);
    // Of their logarithms: half way between two learning rates is their geometric mean.
    const middle = median(values, Math.log10);
    if (middle !== undefined) medians.set(name, 10 ** middle);
  }
  return {
    range: low <= high ? [low, high] : null,
    spread: low <= high ? high / low : null,
    reliable: reliable.length,
    ended: entries.filter(({ run }) => run.status !== "running").length,
    medians,
  };
}

/** What the sweeps with one optimizer say together. */
export interface OptimizerSummary {
  /** Null for sweeps that do not say which. */
  optimizer: string | null;
  runs: number;
  reliable: number;
  /** The reliable suggestion; of several sweeps their median, half way on the logarithmic axis. */
  suggested: number | null;
  /** Smallest and largest reliable suggestion, where there are several. */
  range: readonly [number, number] | null;
  /** Whether none of its sweeps has ended. */
  running: boolean;
}

/** By optimizer, in the order of the entries: what one suggests says nothing about another. */
export function summarizeOptimizers(entries: readonly Entry[]): OptimizerSummary[] {
  const groups = group(entries, ({ run }) => run.optimizer);
  return Array.from(groups, ([optimizer, members]) => {
    const { range, reliable } = summarize(members, undefined);
    const rates = members.flatMap((e) => (e.reliable && e.suggested !== null ? [e.suggested] : []));
    const middle = median(rates, Math.log10);
    return {
      optimizer,
      runs: members.length,
      reliable,
      suggested: middle === undefined ? null : reliable === 1 ? (rates[0] ?? null) : 10 ** middle,
      range: reliable > 1 ? range : null,
      running: members.every(({ run }) => run.status === "running"),
    };
  });
}

/** Why a sweep ended, after "Stopped:". The keys are the server's; others are shown as they are. */
const STOP_REASONS: Record<string, string> = {
  completed: "the ramp is done",
  diverged: "the loss diverged",
  non_finite: "the loss became NaN or infinite",
  incomplete: "the training ended before the ramp was done",
  interrupted: "the training was interrupted",
  failed: "the training raised an error",
  refused: "the optimizer has not trained the model",
};

export function stopSentence(run: Run): string {
  if (run.stop_reason !== null) return STOP_REASONS[run.stop_reason] ?? run.stop_reason;
  if (run.status === "interrupted") return "no sign of life for a minute";
  return "–";
}

/** `Adam · convnet`, as far as it is known. */
export function description({ optimizer, model }: Run): string {
  return [optimizer, model].filter((part) => part !== null && part !== "").join(" · ");
}

/** `digits/` and `adam` of `digits/adam`. */
export function splitName(run: string): { folder: string; leaf: string } {
  const at = run.lastIndexOf("/") + 1;
  return { folder: run.slice(0, at), leaf: run.slice(at) };
}
