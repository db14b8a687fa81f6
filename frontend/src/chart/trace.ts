import type { Frame } from "./frame";
import { bisect, type Series } from "./series";

/** Draws a curve: a canvas context, or a builder of SVG path data. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/**
 * Moves the pen along the visible points of `ys` with index in `[from, to)`.
 *
 * Where points are closer than pixels, only the first, lowest, highest and last point of each pixel
 * column are drawn: the result looks the same, and no extreme is lost.
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
  // One point beyond either edge, so that the line does not end inside the plot.
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
 * The pixels of the i-th point, equal to `frame.x` and `frame.y` of it.
 *
 * While zooming, hundreds of thousands of points are projected per animation frame; one multiplication
 * each takes a tenth of the time of the scales.
 */
function projection({ x, y, xLog, yLog }: Frame, xs: Float32Array, ys: Float32Array) {
  const positions = xLog ? logarithms(xs) : xs;
  const [low = 1, high = 1] = x.domain();
  const [left = 0, right = 0] = x.range();
  const perStep = (right - left) / (xLog ? Math.log10(high / low) : high - low);
  const from = left - (xLog ? Math.log10(low) : low) * perStep;
  const zero = yLog ? 0 : y(0);
  const perUnit = yLog ? 0 : y(1) - zero;
  return {
    px: (i: number) => from + (positions[i] ?? NaN) * perStep,
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

/** Moves the pen around a band; a gap ends one outline and starts another. */
export function traceBand(
  pen: Pen & { closePath(): void },
  frame: Frame,
  xs: Float32Array,
  { low, high }: { low: Float32Array; high: Float32Array },
): void {
  const upper = projection(frame, xs, high);
  const lower = projection(frame, xs, low);
  const known = (i: number) => !Number.isNaN(upper.py(i) + lower.py(i));
  // Canvases do not draw infinite coordinates.
  const finite = (py: number) => Math.max(-FAR, Math.min(FAR, py));
  let start = 0;
  while (start < xs.length) {
    if (!known(start)) {
      start++;
      continue;
    }
    let end = start;
    while (end < xs.length && known(end)) end++;
    pen.moveTo(upper.px(start), finite(upper.py(start)));
    for (let i = start + 1; i < end; i++) pen.lineTo(upper.px(i), finite(upper.py(i)));
    for (let i = end - 1; i >= start; i--) pen.lineTo(lower.px(i), finite(lower.py(i)));
    pen.closePath();
    start = end;
  }
}

const FAR = 10_000;

/** The solid and dashed parts of a curve. */
export function segments(series: Series): { from: number; to: number; dashed: boolean }[] {
  const { solidFrom, solidTo, x } = series;
  const parts = [];
  // Adjacent parts share a point, so that there is no gap between them.
  if (solidFrom > 0) parts.push({ from: 0, to: Math.min(solidFrom + 1, x.length), dashed: true });
  if (solidTo > solidFrom) parts.push({ from: solidFrom, to: solidTo, dashed: false });
  if (solidTo < x.length) {
    parts.push({ from: Math.max(solidTo - 1, solidFrom), to: x.length, dashed: true });
  }
  return parts;
}
