import type { Run } from "../api/runs";
import { formatCount } from "../format";
import type { Sweep } from "../api/sweeps";

/** How far past its minimum a curve has to be for its descent not to change any more, as a ratio. */
const PAST_MINIMUM = 1.5;

/**
 * Whether the suggestion of a running sweep can be shown as a provisional one: the curve has passed its
 * minimum, and there is no severe finding.
 */
export function isSettled({ columns, minimum_learning_rate: minimum, diagnosis }: Sweep): boolean {
  const last = columns.learning_rate.at(-1) ?? NaN;
  const severe = diagnosis.some(({ severity }) => severity === "severe");
  return !severe && minimum !== null && minimum * PAST_MINIMUM < last;
}

/** `40 of 100 steps, at most 2 min left`; `now` is in seconds since the epoch. */
export function progressText(run: Run, now: number): string {
  const { steps, planned_steps: planned, start_time: start } = run;
  if (planned === null) return `${formatCount(steps)} steps`;
  const done = `${formatCount(steps)} of ${formatCount(planned)} steps`;
  const elapsed = start === null ? NaN : now - start;
  const left = (elapsed / steps) * Math.max(0, planned - steps);
  // Clocks of two machines may differ by more than the sweep takes.
  return left >= 0 && elapsed > 0 && Number.isFinite(left)
    ? `${done}, at most ${duration(left)} left`
    : done;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
