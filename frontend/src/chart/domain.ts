import { bisect, type Domain, type Series } from "./series";

/** From the smallest to the largest x of all curves. */
export function xExtent(series: readonly Series[]): Domain | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { x } of series) {
    // A linear ramp may begin at zero, which a log axis does not have.
    low = Math.min(low, x.find((value) => value > 0) ?? Infinity);
    high = Math.max(high, x[x.length - 1] ?? -Infinity);
  }
  if (!(low <= high)) return null;
  return low < high ? [low, high] : [low / 2, high * 2];
}

export interface FitOptions {
  /** The visible part of the x axis. */
  xDomain: Domain;
  /** Leave out what lies above the descent, so that a divergence does not flatten the rest. */
  toDescent: boolean;
  /** How much of the rise after the descent is shown, as a part of the descent's height. */
  rise: number;
  log: boolean;
}

/**
 * The y domain for the visible part of the curves.
 *
 * A curve's descent reaches from its highest point before its minimum down to that minimum.
 */
export function fitY(series: readonly Series[], options: FitOptions): Domain {
  const usable = (value: number) => Number.isFinite(value) && (!options.log || value > 0);
  let ceiling = Infinity;
  if (options.toDescent) {
    ceiling = -Infinity;
    for (const one of series) ceiling = Math.max(ceiling, topOfDescent(one, options.rise, usable));
  }
  const fitted = visibleExtent(series, options, (v) => usable(v) && v <= ceiling);
  // A window that lies wholly in the divergence still has to show something.
  return pad(
    fitted ?? visibleExtent(series, { ...options, toDescent: false }, usable),
    options.log,
  );
}

/**
 * The highest value that a fitted axis shows of a curve: the top of its descent and some of the
 * rise after it. A curve that was never cut short has no divergence to leave out.
 */
function topOfDescent(
  { y, solidFrom, solidTo, fitFrom, fitTo }: Series,
  rise: number,
  usable: (value: number) => boolean,
): number {
  const start = Math.max(solidFrom, fitFrom);
  const end = Math.min(solidTo, fitTo);
  let lowest = Infinity;
  let topBefore = -Infinity;
  let top = -Infinity;
  for (let i = start; i < end; i++) {
    const value = y[i] ?? NaN;
    if (!usable(value)) continue;
    if (value > top) top = value;
    if (value < lowest) {
      lowest = value;
      topBefore = top;
    }
  }
  return fitTo >= y.length ? top : topBefore + rise * (topBefore - lowest);
}

/** What is kept counts downwards only before the divergence: after it, curves fall from spikes. */
function visibleExtent(
  series: readonly Series[],
  { xDomain: [left, right], toDescent }: FitOptions,
  keep: (value: number) => boolean,
): Domain | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { x, y, fitFrom, fitTo } of series) {
    const first = bisect(x, left * (1 - 1e-6));
    const end = bisect(x, right * (1 + 1e-6));
    for (let i = toDescent ? Math.max(first, fitFrom) : first; i < end; i++) {
      const value = y[i] ?? NaN;
      if (!keep(value)) continue;
      if (value < low && (i < fitTo || !toDescent)) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

function pad(extent: Domain | null, log: boolean): Domain {
  if (extent === null) return log ? [0.1, 1] : [0, 1];
  const [low, high] = extent;
  if (log) {
    const factor = Math.max(1.02, (high / low) ** 0.06);
    return [low / factor, high * factor];
  }
  // Noise around a level is not to look like a landscape.
  const least = Math.max(LEAST_SPAN * Math.max(Math.abs(low), Math.abs(high)), 1e-12);
  const span = Math.max(high - low, least);
  const middle = (low + high) / 2;
  // More below than above: the name of the lowest point stands there.
  return [middle - 0.62 * span, middle + 0.56 * span];
}

/** The height of the picture, at least, as a part of the level that is shown. */
const LEAST_SPAN = 0.05;
