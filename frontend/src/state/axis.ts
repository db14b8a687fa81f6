import { useMemo } from "react";
import type { Domain, XDomains } from "../chart/series";
import { clampWindow } from "../chart/zoom";
import type { DrawnEntry } from "./entries";
import { useStable } from "./stable";
import type { TrialEntry } from "./trials";
import type { View } from "./view";

/**
 * The x axis that all cards share: the range of all learning rates, and its visible part. Without a
 * zoom, this is the range of the selected sweep.
 */
export function useLearningRateAxis(
  sweeps: readonly DrawnEntry[],
  trials: readonly TrialEntry[],
  zoom: View["zoom"],
  selected: DrawnEntry | null,
): XDomains {
  const full = useStable(
    useMemo(() => allLearningRates(sweeps, trials), [sweeps, trials]),
    (a, b) => a[0] === b[0] && a[1] === b[1],
  );
  const own = useStable(
    useMemo(() => (selected ? allLearningRates([selected], []) : full), [selected, full]),
    (a, b) => a[0] === b[0] && a[1] === b[1],
  );
  const visible = useMemo(
    () => (zoom === null ? own : (clampWindow(zoom, full) ?? full)),
    [zoom, own, full],
  );
  return useMemo(() => ({ full, visible }), [full, visible]);
}

/** Includes the learning rates that running sweeps have not reached yet. */
function allLearningRates(sweeps: readonly DrawnEntry[], trials: readonly TrialEntry[]): Domain {
  let low = Infinity;
  let high = -Infinity;
  for (const { run, sweep } of sweeps) {
    const rates = sweep.columns.learning_rate;
    low = Math.min(low, rates.find(isOnLogAxis) ?? low);
    high = Math.max(high, rates.findLast(isOnLogAxis) ?? high);
    const end = sweep.config["end_lr"];
    if (run.status === "running" && typeof end === "number" && isOnLogAxis(end))
      high = Math.max(high, end);
  }
  for (const { learningRate } of trials) {
    // Room for the dot of a trial outside the range of the sweeps.
    if (learningRate < low * 1.05) low = learningRate / 1.3;
    if (learningRate > high / 1.05) high = learningRate * 1.3;
  }
  if (!(low < high)) return low > 0 && low < Infinity ? [low / 3, low * 3] : [1e-7, 10];
  return [low, high];
}

function isOnLogAxis(rate: number): boolean {
  return rate > 0 && Number.isFinite(rate);
}
