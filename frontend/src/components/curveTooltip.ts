import type { Series } from "../chart/series";
import type { TooltipContent } from "../chart/Tooltip";
import { formatCount, formatLearningRate, formatLoss } from "../format";
import type { DrawnEntry } from "../state/entries";
import { type Group, medianSuggestion } from "../state/groups";
import { describePoint } from "./describe";

type Quantity = "loss" | "delta" | "slope";

const NAMES: Record<Quantity, string> = { loss: "Loss", delta: "Delta", slope: "Slope" };

/** The values of the curves at a point, and their suggestions; one curve has the step as well. */
export function curveTooltip(
  series: readonly Series[],
  groups: readonly Group[],
  byRun: ReadonlyMap<string, DrawnEntry>,
  quantity: Quantity,
): TooltipContent {
  const byId = new Map(series.map((one) => [one.id, one]));
  const suggested = (id: string) => {
    const rate = suggestedRate(id, groups, byRun);
    return rate === null ? "–" : formatLearningRate(rate);
  };
  const value = (id: string, index: number) => formatLoss(byId.get(id)?.y[index] ?? NaN);
  if (series.some(({ band }) => band !== null)) {
    return {
      columns: ["Median", "Middle 80 %", "Suggested"],
      cells: (id, index) => [value(id, index), bandText(byId.get(id), index), suggested(id)],
    };
  }
  const name = groups.length > 0 ? "Median" : NAMES[quantity];
  if (series.length > 1) {
    return {
      columns: [name, "Suggested"],
      cells: (id, index) => [value(id, index), suggested(id)],
    };
  }
  const details = (id: string, index: number) => {
    const columns = byRun.get(id)?.sweep.columns;
    const step = columns?.step[index];
    const raw =
      quantity === "loss" ? [columns?.loss ? formatLoss(columns.loss[index] ?? NaN) : "–"] : [];
    return [...raw, step === undefined ? "–" : formatCount(step)];
  };
  return {
    columns: [name, ...(quantity === "loss" ? ["Raw"] : []), "Step", "Suggested"],
    cells: (id, index) => [value(id, index), ...details(id, index), suggested(id)],
  };
}

function bandText(curve: Series | undefined, index: number): string {
  if (!curve?.band) return "one sweep";
  const [low, high] = [curve.band.low, curve.band.high].map((end) => formatLoss(end[index] ?? NaN));
  return `${low ?? ""} to ${high ?? ""}`;
}

/** The reliable suggestion of a curve: of a run, or the median of a group. */
export function suggestedRate(
  id: string,
  groups: readonly Group[],
  byRun: ReadonlyMap<string, DrawnEntry>,
): number | null {
  const group = groups.find((one) => one.id === id);
  if (group) return medianSuggestion(group.entries);
  const entry = byRun.get(id);
  return entry?.reliable ? entry.suggested : null;
}

/** A point of a curve for screen readers. */
export function announcement(
  series: readonly Series[],
  id: string,
  index: number,
  quantity: string,
): string {
  const curve = series.find((one) => one.id === id);
  if (!curve) return "";
  return describePoint(curve.label, curve.x[index] ?? NaN, quantity, curve.y[index] ?? NaN);
}
