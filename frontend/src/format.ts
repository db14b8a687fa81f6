import { format } from "d3-format";

const threeDigits = format(".2~e");

/** A learning rate as shown and copied: `7.23e-4`, `1e-3`, `1e0`. Also valid Python. */
export function formatLearningRate(value: number): string {
  return threeDigits(value).replace("e+", "e");
}

const plainLoss = format(".4~r");
const smallLoss = format(".3~e");

/** A loss, or a difference of losses, to four digits. */
export function formatLoss(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size === 0 || (size >= 1e-3 && size < 1e5) ? plainLoss(value) : smallLoss(value);
  return text.replace("e+", "e");
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
