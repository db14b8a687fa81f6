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
  { x, y }: Frame,
  xs: Float32Array,
  ys: Float32Array,
  start: number,
  end: number,
): void {
  let down = false;
  for (let i = start; i < end; i++) {
    const px = x(xs[i] ?? NaN);
    const py = y(ys[i] ?? NaN);
    if (!Number.isFinite(px + py)) {
      down = false;
      continue;
    }
    if (down) pen.lineTo(px, py);
    else pen.moveTo(px, py);
    down = true;
  }
}

function traceColumns(
  pen: Pen,
  { x, y }: Frame,
  xs: Float32Array,
  ys: Float32Array,
  start: number,
  end: number,
): void {
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
    const px = Math.round(x(xs[i] ?? NaN));
    const py = y(ys[i] ?? NaN);
    if (!Number.isFinite(px + py)) {
      flush();
      down = false;
      continue;
    }
    if (down && px === column) {
      lowest = Math.max(lowest, py);
      highest = Math.min(highest, py);
    } else {
      flush();
      if (down) pen.lineTo(px, py);
      else pen.moveTo(px, py);
      column = px;
      lowest = py;
      highest = py;
      down = true;
    }
    last = py;
  }
  flush();
}

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
