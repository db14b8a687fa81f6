import type { Frame } from "./frame";
import { type Series, valueAt } from "./series";

/** A rectangle in pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The mean width of a character of the chart's 11 px text, for boxes of labels. */
const CHARACTER_WIDTH = 5.7;

export function textWidth(text: string): number {
  return text.length * CHARACTER_WIDTH;
}

/**
 * Centers of labels in one row, as near to the wanted ones as they can be without overlap, in the order
 * of the wanted ones; null if the row is too short for them.
 */
export function spread(
  wanted: readonly number[],
  widths: readonly number[],
  [low, high]: readonly [number, number],
  gap: number,
): number[] | null {
  const total = widths.reduce((sum, width) => sum + width + gap, -gap);
  if (total > high - low) return null;
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const widthOf = (i: number) => widths[i] ?? 0;
  // Labels that would overlap form a cluster, which is centered on the mean of what its labels want.
  let clusters: { members: number[]; left: number; width: number }[] = [];
  const placed = (members: number[]) => {
    const width = members.reduce((sum, i) => sum + widthOf(i) + gap, -gap);
    let offset = 0;
    let wish = 0;
    for (const i of members) {
      wish += (wanted[i] ?? 0) - widthOf(i) / 2 - offset;
      offset += widthOf(i) + gap;
    }
    const left = Math.min(high - width, Math.max(low, wish / members.length));
    return { members, left, width };
  };
  for (const i of order) {
    let cluster = placed([i]);
    let before = clusters.at(-1);
    while (before && before.left + before.width + gap > cluster.left) {
      clusters = clusters.slice(0, -1);
      cluster = placed([...before.members, ...cluster.members]);
      before = clusters.at(-1);
    }
    clusters.push(cluster);
  }
  const centers: number[] = [];
  for (const { members, left } of clusters) {
    let x = left;
    for (const i of members) {
      centers[i] = x + widthOf(i) / 2;
      x += widthOf(i) + gap;
    }
  }
  return centers;
}

/** The candidate that covers least: the first of equal ones. `weight` is the cost of a box by itself. */
export function leastCovering(
  candidates: readonly Box[],
  obstacles: readonly Box[],
  weight: (box: Box) => number,
): Box | null {
  let best: Box | null = null;
  let lowest = Infinity;
  for (const box of candidates) {
    const cost = obstacles.reduce(
      (sum, other) => sum + OBSTACLE * sharedArea(box, other),
      weight(box),
    );
    if (cost < lowest) {
      lowest = cost;
      best = box;
    }
  }
  return best;
}

export function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** How much of the curves a box covers, and how far it is outside the plot, as a cost. */
export function plotCost(frame: Frame, series: readonly Series[]): (box: Box) => number {
  const drawn = series.slice(0, MAX_AVOIDED);
  return (box) => {
    let cost = 0;
    const outside =
      Math.max(0, frame.left - box.x) +
      Math.max(0, box.x + box.width - frame.right) +
      Math.max(0, frame.top - box.y) +
      Math.max(0, box.y + box.height - frame.bottom);
    cost += OUTSIDE * outside;
    for (let x = box.x; x <= box.x + box.width; x += 4) {
      for (const one of drawn) {
        const y = frame.y(valueAt(one, frame.x.invert(x)));
        if (y > box.y - 2 && y < box.y + box.height + 2) cost += COVERED;
      }
    }
    return cost;
  };
}

/** Of hundreds of curves, no label can avoid any. */
const MAX_AVOIDED = 24;
const OUTSIDE = 1000;
/** For each square pixel: a line through a label is worse than a curve behind it. */
const OBSTACLE = 10;
/** For each four pixels of a covered curve. */
const COVERED = 30;
