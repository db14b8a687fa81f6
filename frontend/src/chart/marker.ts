import type { Domain } from "./series";

/** A vertical line that the user places, moves and removes. */
export interface Marker {
  /** null if there is none. */
  x: number | null;
  /** What a screen reader announces. */
  text: string;
  onMove: (x: number | null) => void;
}

/** In decades, for one press of an arrow key; ten times as much with Shift. */
const STEP = 0.01;

/** The marker after a key press, within the domain: null removes it; undefined is any other key. */
export function moveByKey(
  x: number,
  { key, shiftKey }: { key: string; shiftKey: boolean },
  [low, high]: Domain,
): number | null | undefined {
  const factor = 10 ** (shiftKey ? 10 * STEP : STEP);
  const clamp = (to: number) => Math.min(high, Math.max(low, to));
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return clamp(x * factor);
    case "ArrowLeft":
    case "ArrowDown":
      return clamp(x / factor);
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
