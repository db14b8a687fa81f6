import { ticks as linearTicks } from "d3-array";
import { format } from "d3-format";
import type { Domain } from "./series";

export interface Tick {
  value: number;
  /** Empty for a line without a label. */
  label: string;
}

/** Writes a number with so many digits after its first. */
type Write = (value: number, digits: number) => string;

/**
 * Ticks of a log axis that always has labels, also inside one decade.
 *
 * Wide ranges label every decade, or every second or fifth as the room allows; ranges of a decade
 * or two label 1, 2 and 5; narrower ones are cut into even parts.
 */
export function logTicks([low, high]: Domain, pixels: number, write: Write = exponential): Tick[] {
  const decades = Math.log10(high / low);
  if (!(decades > 0 && Number.isFinite(decades))) return [];
  const room = Math.max(2, Math.floor(pixels / 60));
  const whole = powersOfTen(low, high);
  if (whole.length >= 3) return decadeTicks(low, high, whole, room, pixels / decades, write);
  const multiples = [[1, 2, 5], [1, 3], [1]]
    .map((factors) => multiplesWithin(low, high, factors))
    .find(({ length }) => length <= room);
  if (multiples && multiples.length >= 3) {
    const labelled = new Set(multiples);
    return multiplesWithin(low, high, [1, 2, 3, 4, 5, 6, 7, 8, 9]).map((value) => ({
      value,
      label: labelled.has(value) ? write(value, 0) : "",
    }));
  }
  const values = linearTicks(low, high, Math.min(room, 8)).filter((v) => v > 0);
  const digits = digitsToTellApart(values);
  return values.map((value) => ({ value, label: write(value, digits) }));
}

function decadeTicks(
  low: number,
  high: number,
  whole: number[],
  room: number,
  pixelsPerDecade: number,
  write: Write,
): Tick[] {
  const every = [1, 2, 3, 5, 10, 20, 50].find((n) => whole.length / n <= room) ?? 100;
  const labelled = new Set(whole.filter((value) => Math.round(Math.log10(value)) % every === 0));
  const values =
    pixelsPerDecade >= 40 ? multiplesWithin(low, high, [1, 2, 3, 4, 5, 6, 7, 8, 9]) : whole;
  return values.map((value) => ({
    value,
    label: labelled.has(value) ? write(value, 0) : "",
  }));
}

function powersOfTen(low: number, high: number): number[] {
  return multiplesWithin(low, high, [1]);
}

function multiplesWithin(low: number, high: number, factors: number[]): number[] {
  const values: number[] = [];
  // Learning rates travel as float32: the first may lie a rounding error above its decade.
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

function digitsToTellApart(values: number[]): number {
  for (let digits = 0; digits < 8; digits++) {
    const labels = new Set(values.map((value) => exponential(value, digits)));
    const exact = values.every((v) => Math.abs(Number(exponential(v, digits)) / v - 1) < 1e-9);
    if (labels.size === values.length && exact) return digits;
  }
  return 8;
}

function exponential(value: number, digits: number): string {
  return format(`.${digits}~e`)(value).replace("e+", "e");
}

/** As losses are read: `0.8`, `1.1`, `40`; with an exponent only where they are far from 1. */
export function plain(value: number, digits: number): string {
  const near = value >= 1e-3 && value < 1e5;
  return near ? format(`.${digits + 1}~r`)(value) : exponential(value, digits);
}

/** Ticks of an axis that counts. */
export function wholeTicks([low, high]: Domain, pixels: number): Tick[] {
  const values = linearTicks(low, high, Math.max(2, Math.floor(pixels / 80)));
  return values.filter(Number.isInteger).map((value) => ({ value, label: String(value) }));
}

/** Ticks of a linear axis. */
export function evenTicks([low, high]: Domain, pixels: number): Tick[] {
  const values = linearTicks(low, high, Math.max(2, Math.floor(pixels / 30)));
  const size = Math.max(Math.abs(low), Math.abs(high));
  const tiny = size < 1e-3 || size >= 1e6;
  const step = (values[1] ?? 1) - (values[0] ?? 0);
  // As many digits as tell neighbours apart, whatever their size: 2.302, 2.304 and not 2.3, 2.3.
  const digits = Math.max(1, Math.ceil(Math.log10(size / Math.abs(step))) + 1);
  const show = format(tiny ? `.${Math.min(digits, 6)}~e` : `.${Math.min(digits + 1, 12)}~r`);
  return values.map((value) => ({
    value,
    label: value === 0 ? "0" : show(value).replace("e+", "e"),
  }));
}
