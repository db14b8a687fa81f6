import { bisect, type Domain, type Series, valueAt } from "./series";

/** The range of x over all curves. */
export function xExtent(series: readonly Series[]): Domain | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { x } of series) {
    // A linear ramp may start at zero, which is not on a log axis.
    low = Math.min(low, x.find((value) => value > 0) ?? Infinity);
    high = Math.max(high, x[x.length - 1] ?? -Infinity);
  }
  if (!(low <= high)) return null;
  return low < high ? [low, high] : [low / 2, high * 2];
}

/** Whether a part of any curve is in the range: a point, or a line between points beside it. */
export function isAnyVisible(series: readonly Series[], [left, right]: Domain): boolean {
  return series.some((one) => {
    const first = bisect(one.x, left * (1 - 1e-6));
    const end = bisect(one.x, right * (1 + 1e-6));
    if (first === end) return Number.isFinite(valueAt(one, left));
    return one.y.subarray(first, end).some(Number.isFinite);
  });
}

export interface FitOptions {
  /** The visible part of the x axis. */
  xDomain: Domain;
  /** Ignore values above the descent, so that a divergence does not flatten the rest. */
  toDescent: boolean;
  /** How much of the rise after the descent is shown, relative to the height of the descent. */
  rise: number;
  log: boolean;
}

/**
 * The y domain for the visible part of the curves.
 *
 * The descent of a curve goes from its highest point before its minimum to its minimum.
 */
export function fitY(all: readonly Series[], options: FitOptions): Domain {
  const clear = all.filter(({ faint }) => !faint);
  const series = (clear.length > 0 ? clear : all).flatMap((one) => [
    one,
    ...one.members.filter(({ faint }) => !faint),
  ]);
  const usable = (value: number) => Number.isFinite(value) && (!options.log || value > 0);
  let ceiling = Infinity;
  if (options.toDescent) {
    ceiling = -Infinity;
    for (const one of series) ceiling = Math.max(ceiling, topOfDescent(one, options.rise, usable));
  }
  const fitted = visibleExtent(series, options, (v) => usable(v) && v <= ceiling);
  // If only the divergence is visible, show it.
  return pad(
    fitted ?? visibleExtent(series, { ...options, toDescent: false }, usable),
    options.log,
  );
}

/**
 * The highest value of a curve that a fitted axis shows: the top of its descent and part of the rise
 * after it; all of a curve that did not diverge.
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

/**
 * The lower end ignores values after the divergence, where curves drop from spikes, and includes the raw
 * values before it. At the edges, where there is no point, the values are those of the line.
 */
function visibleExtent(
  series: readonly Series[],
  { xDomain: [left, right], toDescent }: FitOptions,
  keep: (value: number) => boolean,
): Domain | null {
  let low = Infinity;
  let high = -Infinity;
  for (const one of series) {
    const { x, y, raw, fitFrom, fitTo } = one;
    const first = bisect(x, left * (1 - 1e-6));
    const end = bisect(x, right * (1 + 1e-6));
    for (const edge of [left, right]) {
      const value = valueAt(one, edge);
      if (!keep(value) || (toDescent && !(bisect(x, edge) < fitTo))) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    for (let i = Math.max(first, fitFrom); raw && i < Math.min(end, fitTo); i++) {
      const value = raw[i] ?? NaN;
      if (keep(value) && value < low) low = value;
    }
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
  // Noise around a constant level must not fill the chart.
  const minSpan = Math.max(MIN_SPAN * Math.max(Math.abs(low), Math.abs(high)), 1e-12);
  const span = Math.max(high - low, minSpan);
  const middle = (low + high) / 2;
  // More below than above, for the label of the minimum; but a loss that is never negative ends at zero.
  const bottom = middle - 0.62 * span;
  return [low >= 0 ? Math.max(0, bottom) : bottom, middle + 0.56 * span];
}

/** The minimum span of the axis, relative to the values shown. */
const MIN_SPAN = 0.05;
