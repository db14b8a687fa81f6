/** One curve. `x` is positive and ascending; a `y` that is not finite is a gap. */
export interface Series {
  id: string;
  label: string;
  color: string;
  x: Float32Array;
  y: Float32Array;
  /** The same curve before smoothing, drawn faintly beneath it. */
  raw: Float32Array | null;
  /** The curves that this one summarizes, drawn as thin lines. */
  members: readonly Series[];
  /** Drawn faintly, and not fitted by the y axis, if there are others. */
  faint: boolean;
  /** A range around the curve, drawn as a tint. */
  band: { low: Float32Array; high: Float32Array } | null;
  /** Points outside `[solidFrom, solidTo)` are dashed. */
  solidFrom: number;
  solidTo: number;
  /** A fitted y axis shows the points in `[fitFrom, fitTo)`; others may be cut off. */
  fitFrom: number;
  fitTo: number;
  /** Whether it ends because it diverged. */
  diverges: boolean;
  /** Whether it is still being recorded: its last point pulses. */
  live: boolean;
}

export type Domain = readonly [number, number];

/** The whole range of an x axis, and its visible part. */
export interface XDomains {
  full: Domain;
  visible: Domain;
}

export type Legend = readonly { label: string; color: string }[];

/** A dashed vertical line with a pill at its head. */
export interface Guide {
  x: number;
  /** Empty for a line without a pill. */
  text: string;
  /** Stands in for `text` if there is not enough space. */
  short: string;
  tone: "clear" | "unclear";
  /** The curve that it belongs to, in whose color it is; null is the one that is emphasized. */
  seriesId: string | null;
}

/** What is drawn on top of the curves. */
export interface Marks {
  /** A dot on a curve, and a tick on the axis. */
  points: readonly { seriesId: string; x: number; hollow: boolean }[];
  guides: readonly Guide[];
  /** A ring on a curve, with a label below it. */
  ring: { seriesId: string; x: number; text: string } | null;
  /** A dotted line; everything to its right is tinted. */
  limit: { x: number; text: string } | null;
  /** Grey ranges of x. */
  shaded: readonly Domain[];
}

export const NO_MARKS: Marks = { points: [], guides: [], ring: null, limit: null, shaded: [] };

/** The index of the first point at or after `x`; `xs.length` if there is none. */
export function bisect(xs: Float32Array, x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? NaN) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the point nearest to `x` on a log axis. */
export function nearestIndex(xs: Float32Array, x: number): number {
  const right = bisect(xs, x);
  if (right === 0) return 0;
  if (right >= xs.length) return xs.length - 1;
  const before = xs[right - 1] ?? NaN;
  const after = xs[right] ?? NaN;
  return x / before <= after / x ? right - 1 : right;
}

/** The value of the drawn line at `x`, interpolated on a log axis; NaN beyond its ends. */
export function valueAt(series: Series, x: number): number {
  const { x: xs, y: ys } = series;
  const right = bisect(xs, x);
  // Learning rates are sent as float32: one at an end may be a rounding error beyond it.
  const near = (a: number, b: number) => Math.abs(a / b - 1) < 1e-6;
  if (right === 0) return near(xs[0] ?? NaN, x) ? (ys[0] ?? NaN) : NaN;
  if (right >= xs.length) {
    const last = xs.length - 1;
    return near(xs[last] ?? NaN, x) ? (ys[last] ?? NaN) : NaN;
  }
  const x0 = xs[right - 1] ?? NaN;
  const x1 = xs[right] ?? NaN;
  const y0 = ys[right - 1] ?? NaN;
  const y1 = ys[right] ?? NaN;
  if (x1 === x0) return y1;
  const t = Math.log(x / x0) / Math.log(x1 / x0);
  return y0 + t * (y1 - y0);
}
