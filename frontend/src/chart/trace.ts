import type { Frame } from "./frame";
import { bisect, type Series } from "./series";

/** What a curve is drawn with: a canvas context, or a collector of SVG path data. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/**
 * Moves the pen along the visible points of `ys` with index in `[from, to)`.
 *
 * Where points stand closer than pixels, each pixel column gets its first, lowest, highest and last
 * point only: the picture is the same, and no extreme is lost.
 */
export function trace(
  pen: Pen,
  frame: Frame,
  xs: Float32Array,
  ys: Float32Array,
  from = 0,
  to = xs.length,
): void {
  const [low = 0, high = 0] = frame.x.domain();
  // One point beyond either edge, so that the line runs out of the plot and does not end in it.
  const start = Math.max(from, bisect(xs, low) - 1);
  const end = Math.min(to, bisect(xs, high) + 1);
  const crowded = end - start > 4 * (frame.right - frame.left);
  if (crowded) traceColumns(pen, frame, xs, ys, start, end);
  else tracePoints(pen, frame, xs, ys, start, end);
}

function tracePoints(
  pen: Pen,
  frame: Frame,
  xs: Float32Array,
  ys: Float32Array,
  start: number,
  end: number,
): void {
  const { px, py } = projection(frame, xs, ys);
  let down = false;
  for (let i = start; i < end; i++) {
    const x = px(i);
    const y = py(i);
    if (!Number.isFinite(x + y)) {
      down = false;
      continue;
    }
    if (down) pen.lineTo(x, y);
    else pen.moveTo(x, y);
    down = true;
  }
}

function traceColumns(
  pen: Pen,
  frame: Frame,
  xs: Float32Array,
  ys: Float32Array,
  start: number,
  end: number,
): void {
  const { px, py } = projection(frame, xs, ys);
  let column = NaN;
  let down = false;
  let lowest = 0;
  let highest = 0;
  let last = 0;
  const flush = () => {
    if (!down) return;
    pen.lineTo(column, lowest);
    pen.lineTo(column, highest);
    pen.lineTo(column, last);
  };
  for (let i = start; i < end; i++) {
    const x = Math.round(px(i));
    const y = py(i);
    if (!Number.isFinite(x + y)) {
      flush();
      down = false;
      continue;
    }
    if (down && x === column) {
      lowest = Math.max(lowest, y);
      highest = Math.min(highest, y);
    } else {
      flush();
      if (down) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      column = x;
      lowest = y;
      highest = y;
      down = true;
    }
    last = y;
  }
  flush();
}

/**
 * The pixels of the i-th point, as `frame.x` and `frame.y` say.
 *
 * Hundreds of thousands of points are placed in a frame of a zoom; one multiplication each takes a
 * tenth of what the scales take.
 */
function projection({ x, y, xLog, yLog }: Frame, xs: Float32Array, ys: Float32Array) {
  const places = xLog ? logarithms(xs) : xs;
  const [low = 1, high = 1] = x.domain();
  const [left = 0, right = 0] = x.range();
  const perStep = (right - left) / (xLog ? Math.log10(high / low) : high - low);
  const from = left - (xLog ? Math.log10(low) : low) * perStep;
  const zero = yLog ? 0 : y(0);
  const perUnit = yLog ? 0 : y(1) - zero;
  return {
    px: (i: number) => from + (places[i] ?? NaN) * perStep,
    py: yLog ? (i: number) => y(ys[i] ?? NaN) : (i: number) => zero + (ys[i] ?? NaN) * perUnit,
  };
}

const LOGARITHMS = new WeakMap<Float32Array, Float64Array>();

function logarithms(xs: Float32Array): Float64Array {
  let logs = LOGARITHMS.get(xs);
  if (!logs) {
    logs = Float64Array.from(xs, Math.log10);
    LOGARITHMS.set(xs, logs);
  }
  return logs;
}

/** Moves the pen around the visible part of a band; a gap ends one outline and begins another. */
export function traceBand(
  pen: Pen & { closePath(): void },
  frame: Frame,
  xs: Float32Array,
  { low, high }: { low: Float32Array; high: Float32Array },
): void {
  const upper = projection(frame, xs, high);
  const lower = projection(frame, xs, low);
  const known = (i: number) => !Number.isNaN(upper.py(i) + lower.py(i));
  // An infinite value is far out of the picture, where a canvas can still count.
  const near = (py: number) => Math.max(-FAR, Math.min(FAR, py));
  let start = 0;
  while (start < xs.length) {
    if (!known(start)) {
      start++;
      continue;
    }
    let end = start;
    while (end < xs.length && known(end)) end++;
    pen.moveTo(upper.px(start), near(upper.py(start)));
    for (let i = start + 1; i < end; i++) pen.lineTo(upper.px(i), near(upper.py(i)));
    for (let i = end - 1; i >= start; i--) pen.lineTo(lower.px(i), near(lower.py(i)));
    pen.closePath();
    start = end;
  }
}

const FAR = 10_000;

/** The parts of a curve with their line style: dashed outside its solid range. */
export function segments(series: Series): { from: number; to: number; dashed: boolean }[] {
  const { solidFrom, solidTo, x } = series;
  const parts = [];
  // Neighbouring parts share a point, so that no gap shows between them.
  if (solidFrom > 0) parts.push({ from: 0, to: Math.min(solidFrom + 1, x.length), dashed: true });
  if (solidTo > solidFrom) parts.push({ from: solidFrom, to: solidTo, dashed: false });
  if (solidTo < x.length) {
    parts.push({ from: Math.max(solidTo - 1, solidFrom), to: x.length, dashed: true });
  }
  return parts;
}
