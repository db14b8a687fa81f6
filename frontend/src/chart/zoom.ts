import type { Domain } from "./series";

/** The narrowest window: a 200th of a decade. */
const MIN_RATIO = 10 ** 0.005;

/** `window` clamped to `full`; null if it is all of it. */
export function clampWindow(window: Domain, full: Domain): Domain | null {
  let [low, high] = window[0] <= window[1] ? window : [window[1], window[0]];
  low = Math.max(low, full[0]);
  high = Math.min(high, full[1]);
  if (!(high > low)) return null;
  if (high / low < MIN_RATIO) {
    const middle = Math.sqrt(low * high);
    low = middle / Math.sqrt(MIN_RATIO);
    high = middle * Math.sqrt(MIN_RATIO);
  }
  const all = low <= full[0] * (1 + 1e-9) && high >= full[1] * (1 - 1e-9);
  return all ? null : [low, high];
}

/** `window` made `factor` times as wide, with `x` fixed on the screen. */
export function zoomAround(window: Domain, x: number, factor: number, full: Domain): Domain | null {
  const low = x * (window[0] / x) ** factor;
  const high = x * (window[1] / x) ** factor;
  return clampWindow([low, high], full);
}
