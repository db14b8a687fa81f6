import { xExtent } from "./domain";
import { type Series, valueAt } from "./series";

/** Points of a band, evenly spaced on the log axis: one to three pixels apart on a screen. */
const POINTS = 400;

/**
 * Several curves as one: their median, and the range of the middle 80 % of them.
 *
 * The curves are interpolated on a common grid, evenly spaced on the log axis. Where one of them starts
 * or ends, the quantiles of the others continue from where those of all were, without a step: only their
 * shape is theirs. There is a gap where fewer than half of the curves have a value.
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
  let present: readonly Float64Array[] = [];
  let shift = 0;
  for (let i = 0; i < POINTS; i++) {
    const now = levels.filter((level) => !Number.isNaN(level[i]));
    if (now.length < levels.length / 2) {
      present = [];
      shift = 0;
      continue;
    }
    if (i > 0 && present.length > 0 && !sameMembers(now, present)) {
      const both = now.filter((level) => present.includes(level));
      // Where some start while others end, the step is taken at the last point that both have.
      if (both.length > 0)
        shift += quantileAt(present, i - 1, share) - quantileAt(both, i - 1, share);
      if (both.length < now.length) shift += quantileAt(both, i, share) - quantileAt(now, i, share);
    }
    present = now;
    values[i] = quantileAt(now, i, share) + shift;
  }
  return values;
}

function sameMembers(a: readonly Float64Array[], b: readonly Float64Array[]): boolean {
  return a.length === b.length && a.every((level, i) => level === b[i]);
}

function quantileAt(levels: readonly Float64Array[], i: number, share: number): number {
  return quantile(Float64Array.from(levels, (level) => level[i] ?? NaN).sort(), share);
}

/** The linearly interpolated quantile, the default of NumPy; infinite values are allowed. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const before = sorted[Math.floor(at)] ?? NaN;
  const part = at - Math.floor(at);
  return part === 0 ? before : before + part * ((sorted[Math.ceil(at)] ?? NaN) - before);
}
