import type { Loaded } from "../api/runCache";
import type { Run, Severity } from "../api/runs";
import type { Sweep } from "../api/sweeps";
import { isSettled } from "./progress";

/** A run as the page shows it: its row of the list, and its sweep once it is loaded. */
export interface Entry {
  run: Run;
  /** The name of the run without what it has in common with all others. */
  name: string;
  sweep: Sweep | null;
  color: string;
  /** The suggestion of the chosen rule; null if there is none. */
  suggested: number | null;
  /** The suggestion of a running sweep, once its curve allows for one. */
  provisional: number | null;
  severity: Severity | null;
  /** Whether there is a suggestion that can be acted on. */
  reliable: boolean;
  /** Whether the suggestion is a guess, because the loss did not decrease at any learning rate. */
  isGuess: boolean;
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

interface EntryOptions {
  /** By run, as are the others. */
  names: ReadonlyMap<string, string>;
  colors: ReadonlyMap<string, string>;
  sweeps?: Loaded<Sweep> | undefined;
  rule?: string | null;
}

export function createEntries(
  runs: readonly Run[],
  { names, colors, sweeps, rule = null }: EntryOptions,
): Entry[] {
  return runs.map((run) => {
    const sweep = sweeps?.byRun.get(run.run) ?? null;
    // The lowest loss of an unfinished ramp is wherever the ramp happens to be.
    const ended = run.status !== "running";
    const suggested = ended ? suggestedBy(run, sweep, rule) : null;
    const settled = !ended && sweep !== null && isSettled(sweep);
    const severity = !ended ? null : sweep ? worst(sweep) : run.severity;
    return {
      run,
      name: names.get(run.run) ?? run.run,
      sweep,
      color: colors.get(run.run) ?? "#888888",
      suggested,
      provisional: settled ? suggestedBy(run, sweep, rule) : null,
      severity,
      reliable: suggested !== null && severity !== "severe",
      isGuess: sweep?.diagnosis.some(({ code }) => code === "already_trained") ?? false,
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
