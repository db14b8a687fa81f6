import { ticks } from "d3-array";
import { format } from "d3-format";
import { formatNumber } from "../format";
import type { Domain } from "./series";

export interface Tick {
  value: number;
  /** Empty for a grid line without a label. */
  label: string;
}

/**
 * Ticks of a log axis, with labels even within one decade.
 *
 * Wide ranges label every decade, or every second or fifth one, depending on the space; ranges of one
 * or two decades label 1, 2 and 5; narrower ranges are divided evenly.
 */
export function logTicks([low, high]: Domain, pixels: number): Tick[] {
  const decades = Math.log10(high / low);
  if (!(decades > 0 && Number.isFinite(decades))) return [];
  const maxLabels = Math.max(2, Math.floor(pixels / 60));
  const powers = powersOfTen(low, high);
  if (powers.length >= 3) return decadeTicks(low, high, powers, maxLabels, pixels / decades);
  const multiples = [[1, 2, 5], [1, 3], [1]]
    .map((factors) => multiplesWithin(low, high, factors))
    .find(({ length }) => length <= maxLabels);
  if (multiples && multiples.length >= 3) {
    const labelled = new Set(multiples);
    return multiplesWithin(low, high, [1, 2, 3, 4, 5, 6, 7, 8, 9]).map((value) => ({
      value,
      label: labelled.has(value) ? formatNumber(value, 1) : "",
    }));
  }
  const values = ticks(low, high, Math.min(maxLabels, 8)).filter((v) => v > 0);
  const digits = distinguishingDigits(values);
  return values.map((value) => ({ value, label: formatNumber(value, digits) }));
}

function decadeTicks(
  low: number,
  high: number,
  powers: number[],
  maxLabels: number,
  pixelsPerDecade: number,
): Tick[] {
  const every = [1, 2, 3, 5, 10, 20, 50].find((n) => powers.length / n <= maxLabels) ?? 100;
  const labelled = new Set(powers.filter((value) => Math.round(Math.log10(value)) % every === 0));
  const values =
    pixelsPerDecade >= 40 ? multiplesWithin(low, high, [1, 2, 3, 4, 5, 6, 7, 8, 9]) : powers;
  return values.map((value) => ({
    value,
    label: labelled.has(value) ? formatNumber(value, 1) : "",
  }));
}

function powersOfTen(low: number, high: number): number[] {
  return multiplesWithin(low, high, [1]);
}

function multiplesWithin(low: number, high: number, factors: number[]): number[] {
  const values: number[] = [];
  // Learning rates are sent as float32: the first may be a rounding error above its decade.
  const slack = 1e-6;
  const last = Math.floor(Math.log10(high) + slack);
  for (let power = Math.floor(Math.log10(low) - slack); power <= last; power++) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= low * (1 - slack) && value <= high * (1 + slack)) values.push(value);
    }
  }
  return values;
}

function distinguishingDigits(values: number[]): number {
  for (let digits = 1; digits < 9; digits++) {
    const labels = new Set(values.map((value) => formatNumber(value, digits)));
    const exact = values.every((v) => Math.abs(Number(formatNumber(v, digits)) / v - 1) < 1e-9);
    if (labels.size === values.length && exact) return digits;
  }
  return 9;
}

/** Ticks of an integer axis. */
export function integerTicks([low, high]: Domain, pixels: number): Tick[] {
  const values = ticks(low, high, Math.max(2, Math.floor(pixels / 80)));
  return values.filter(Number.isInteger).map((value) => ({ value, label: String(value) }));
}

/** Ticks of a linear axis. */
export function linearTicks([low, high]: Domain, pixels: number): Tick[] {
  const values = ticks(low, high, Math.max(2, Math.floor(pixels / 30)));
  const size = Math.max(Math.abs(low), Math.abs(high));
  const tiny = size < 1e-3 || size >= 1e6;
  const step = (values[1] ?? 1) - (values[0] ?? 0);
  // Enough digits to distinguish neighbouring ticks: 2.302, 2.304 instead of 2.3, 2.3.
  const digits = Math.max(1, Math.ceil(Math.log10(size / Math.abs(step))) + 1);
  const show = format(tiny ? `.${Math.min(digits, 6)}~e` : `.${Math.min(digits + 1, 12)}~r`);
  return values.map((value) => ({
    value,
    label: value === 0 ? "0" : show(value).replace("e+", "e"),
  }));
}
