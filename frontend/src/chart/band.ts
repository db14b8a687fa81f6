import { xExtent } from "./domain";
import { type Series, valueAt } from "./series";

/** Points of a band, evenly spaced on the log axis: one to three pixels apart on a screen. */
const POINTS = 400;

/**
 * Several curves as one: their median, and the range of the middle 80 % of them.
 *
 * The curves are interpolated on a common grid, evenly spaced on the log axis. A curve that has ended
 * stays on the side of the quantile on which it ended, so that the quantile neither steps nor bends there.
 * There is a gap where fewer than half of the curves have a value.
 */
export function bandOf(
  identity: Pick<Series, "id" | "label" | "color">,
  members: readonly Series[],
  withBand = true,
): Series {
  const [low, high] = xExtent(members) ?? [1, 10];
  const x = Float32Array.from(
    { length: POINTS },
    (_, i) => low * (high / low) ** (i / (POINTS - 1)),
  );
  const levels = members.map((one) => Float64Array.from(x, (at) => valueAt(one, at)));
  const y = continuousQuantile(levels, 0.5);
  const band = withBand
    ? { low: continuousQuantile(levels, 0.1), high: continuousQuantile(levels, 0.9) }
    : null;
  return {
    ...identity,
    x,
    y,
    band,
    raw: null,
    members: [],
    faint: false,
    solidFrom: 0,
    solidTo: POINTS,
    fitFrom: gridIndex(members.map((one) => one.x[one.fitFrom] ?? high)),
    fitTo: gridIndex(members.map((one) => one.x[one.fitTo] ?? Infinity)),
    diverges: false,
    live: members.some(({ live }) => live),
  };

  /** The grid point at the median of `xs`. */
  function gridIndex(xs: number[]): number {
    const middle = quantile(
      xs.sort((a, b) => a - b),
      0.5,
    );
    if (middle === Infinity) return POINTS;
    const share = Math.log(middle / low) / Math.log(high / low);
    return Math.max(0, Math.ceil(share * (POINTS - 1)));
  }
}

/** The quantile at each grid point, shifted so that it has no step where the number of curves changes. */
function continuousQuantile(levels: readonly Float64Array[], share: number): Float32Array {
  const values = new Float32Array(POINTS).fill(NaN);
  /** For the curves that have ended: infinite, on the side of the quantile on which they ended. */
  const ended = new Map<Float64Array, number>();
  const counted = new Set<Float64Array>();
  let shift = 0;
  for (let i = 0; i < POINTS; i++) {
    const now = levels.filter((level) => !Number.isNaN(level[i]));
    if (now.length < levels.length / 2) {
      counted.clear();
      ended.clear();
      shift = 0;
      continue;
    }
    for (const level of now) ended.delete(level);
    const gone = [...counted].filter((level) => Number.isNaN(level[i]) && !ended.has(level));
    const started = now.filter((level) => !counted.has(level));
    if (gone.length > 0) {
      const before = quantileAt(counted, i - 1, share, ended);
      for (const level of gone)
        ended.set(level, (level[i - 1] ?? NaN) < before ? -Infinity : Infinity);
      shift += before - quantileAt(counted, i - 1, share, ended);
    }
    if (started.length > 0) {
      const before = counted.size > 0 ? quantileAt(counted, i, share, ended) : null;
      for (const level of started) counted.add(level);
      if (before !== null) shift += before - quantileAt(counted, i, share, ended);
    }
    values[i] = quantileAt(counted, i, share, ended) + shift;
  }
  return values;
}

/** The quantile of the levels at a grid point; of an infinite and a finite neighbor, the finite one. */
function quantileAt(
  levels: ReadonlySet<Float64Array>,
  i: number,
  share: number,
  ended: ReadonlyMap<Float64Array, number>,
): number {
  const sorted = Float64Array.from(levels, (level) => ended.get(level) ?? level[i] ?? NaN).sort();
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  if (!Number.isFinite(high) && Number.isFinite(low)) return low;
  if (!Number.isFinite(low)) return Number.isFinite(high) ? high : nearestFinite(sorted, at);
  return low + (at - Math.floor(at)) * (high - low);
}

function nearestFinite(sorted: Float64Array, at: number): number {
  const finite = sorted.filter(Number.isFinite);
  return (at < sorted.length / 2 ? finite[0] : finite.at(-1)) ?? NaN;
}

/** The linearly interpolated quantile, the default of NumPy; infinite values are allowed. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const before = sorted[Math.floor(at)] ?? NaN;
  const part = at - Math.floor(at);
  return part === 0 ? before : before + part * ((sorted[Math.ceil(at)] ?? NaN) - before);
}
