import { format } from "d3-format";

/**
 * A number with significant digits, without trailing zeros: `0.0048`, `0.19`, `4.8e-5`.
 *
 * The same as `number_text` in tb_lrfinder/formatting.py: both are tested on the cases of
 * tests/fixtures/numbers.json. Also a valid literal in Python.
 */
export function formatNumber(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "-∞";
  const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  const plain = value === 0 || (power >= -4 && power < 6);
  return plain ? String(Number(`${mantissa}e${power}`)) : `${Number(mantissa)}e${power}`;
}

/** An estimated learning rate as shown and copied: two digits, since repeated sweeps agree on no more. */
export function formatLearningRate(value: number): string {
  return formatNumber(value, 2);
}

/** A learning rate that was set, or a place on an axis: three digits. */
export function formatExactRate(value: number): string {
  return formatNumber(value, 3);
}

/** A loss, or a difference of losses, to four digits; a dash if there is none. */
export function formatLoss(value: number): string {
  return formatNumber(value, 4).replace(/^-/, "−");
}

const grouped = format(",");

/** An integer: `18,410`. */
export function formatCount(value: number): string {
  return grouped(value);
}

/** `1 run`, `8 runs`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
