import { median } from "d3-array";

/**
 * The median on a log axis: halfway between two learning rates is their geometric mean. null if there
 * are none; null and NaN are left out.
 */
export function geometricMedian(learningRates: Iterable<number | null | undefined>): number | null {
  const logarithm = median(learningRates, (rate) => Math.log10(rate ?? NaN));
  return logarithm === undefined ? null : 10 ** logarithm;
}
