import type { Domain } from "./series";

/** A vertical line of the reader's own, that can be put, moved and taken away. */
export interface Marker {
  /** null where there is none. */
  x: number | null;
  /** What a screen reader says of it. */
  text: string;
  onMove: (x: number | null) => void;
}

/** Of a decade, by one press of an arrow key; ten times as much with Shift. */
const STEP = 0.01;

/** Where a key brings the marker within `domain`: null takes it away, undefined is another key. */
export function moveByKey(
  x: number,
  { key, shiftKey }: { key: string; shiftKey: boolean },
  [low, high]: Domain,
): number | null | undefined {
  const factor = 10 ** (shiftKey ? 10 * STEP : STEP);
  const within = (to: number) => Math.min(high, Math.max(low, to));
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return within(x * factor);
    case "ArrowLeft":
    case "ArrowDown":
      return within(x / factor);
    case "Home":
      return low;
    case "End":
      return high;
    case "Delete":
    case "Backspace":
    case "Escape":
      return null;
    default:
      return undefined;
  }
}
