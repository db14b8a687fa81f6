import type { Domain } from "./series";

/** The narrowest window: a 200th of a decade, still many points of the densest sweep. */
const NARROWEST = 10 ** 0.005;

/** `window` cut to `full`; null when nothing is left out. */
export function clampWindow(window: Domain, full: Domain): Domain | null {
  let [low, high] = window[0] <= window[1] ? window : [window[1], window[0]];
  low = Math.max(low, full[0]);
  high = Math.min(high, full[1]);
  if (!(high > low)) return null;
  if (high / low < NARROWEST) {
    const middle = Math.sqrt(low * high);
    low = middle / Math.sqrt(NARROWEST);
    high = middle * Math.sqrt(NARROWEST);
  }
  const all = low <= full[0] * (1 + 1e-9) && high >= full[1] * (1 - 1e-9);
  return all ? null : [low, high];
}

/** `window` made `factor` times as wide, with `x` staying where it is on the screen. */
export function zoomAround(window: Domain, x: number, factor: number, full: Domain): Domain | null {
  const low = x * (window[0] / x) ** factor;
  const high = x * (window[1] / x) ** factor;
  return clampWindow([low, high], full);
}
