import type { Series } from "../chart/series";
import { formatExactRate, formatLoss } from "../format";

/** A point in words: `adam: learning rate 0.001, loss delta -0.1`. */
export function describePoint(
  name: string,
  learningRate: number,
  quantity: string,
  value: number,
): string {
  return `${name}: learning rate ${formatExactRate(learningRate)}, ${quantity} ${formatLoss(value)}`;
}

/** The value of a curve at a point; NaN if there is none. */
export function valueOf(series: readonly Series[], id: string, index: number): number {
  return series.find((one) => one.id === id)?.y[index] ?? NaN;
}
