import { xExtent } from "./domain";
import { type Series, valueAt } from "./series";

/** Points of a band, evenly spaced on the log axis: one to three pixels apart on a screen. */
const POINTS = 400;

/**
 * Several curves as one: their median, and the range of the middle 80 % of them.
 *
 * The curves are interpolated on a common grid, evenly spaced on the log axis. From its end on, a curve
 * that diverged counts as above all others: without it, the median would seem to fall. There is a gap
 * where fewer than half of the curves have a value.
 */
export function bandOf(
  identity: Pick<Series, "id" | "label" | "color">,
  members: readonly Series[],
): Series {
  const [low, high] = xExtent(members) ?? [1, 10];
  const x = new Float32Array(POINTS);
  const y = new Float32Array(POINTS).fill(NaN);
  const band = { low: y.slice(), high: y.slice() };
  for (let i = 0; i < POINTS; i++) {
    const at = low * (high / low) ** (i / (POINTS - 1));
    x[i] = at;
    const values = members.map((one) => levelAt(one, at)).filter((value) => !Number.isNaN(value));
    if (values.length < members.length / 2) continue;
    values.sort((a, b) => a - b);
    y[i] = quantile(values, 0.5);
    band.low[i] = quantile(values, 0.1);
    band.high[i] = quantile(values, 0.9);
  }
  return {
    ...identity,
    x,
    y,
    band,
    raw: null,
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

function levelAt(series: Series, x: number): number {
  const beyond = x > (series.x[series.x.length - 1] ?? NaN) * (1 + 1e-6);
  return beyond && series.diverges ? Infinity : valueAt(series, x);
}

/** The linearly interpolated quantile, the default of NumPy; infinite values are allowed. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const before = sorted[Math.floor(at)] ?? NaN;
  const part = at - Math.floor(at);
  return part === 0 ? before : before + part * ((sorted[Math.ceil(at)] ?? NaN) - before);
}
