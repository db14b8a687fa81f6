import type { Frame } from "./frame";
import { nearestIndex, type Series } from "./series";

export interface Hit {
  series: Series;
  index: number;
  /** The distance from the pointer to the point of the curve, in pixels. */
  distance: number;
}

/**
 * The points of all curves at the learning rate under the pointer, nearest first.
 *
 * Without curves that have no finite value there or that end before.
 */
export function hitTest(series: readonly Series[], frame: Frame, px: number, py: number): Hit[] {
  const x = frame.x.invert(px);
  const hits: Hit[] = [];
  for (const one of series) {
    const hit = pointAt(one, frame, x, py);
    if (hit !== null) hits.push(hit);
  }
  return hits.sort((a, b) => a.distance - b.distance);
}

function pointAt(series: Series, frame: Frame, x: number, py: number): Hit | null {
  const count = series.x.length;
  if (count === 0) return null;
  const index = nearestIndex(series.x, x);
  const pointX = frame.x(series.x[index] ?? NaN);
  const pointY = frame.y(series.y[index] ?? NaN);
  if (!Number.isFinite(pointY)) return null;
  // Near a steep curve, the closest point may be slightly beside the pointer.
  const dx = pointX - frame.x(x);
  const atEnd = index === 0 || index === count - 1;
  if (atEnd && Math.abs(dx) > END_REACH) return null;
  return { series, index, distance: Math.hypot(atEnd ? dx : 0, pointY - py) };
}

/** How far beyond its ends a curve is still found, in pixels. */
const END_REACH = 12;
