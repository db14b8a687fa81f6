import { xExtent } from "./domain";
import { type Series, valueAt } from "./series";

/** Points of a band, even on the log axis: one to three pixels apart on a screen. */
const POINTS = 400;

/**
 * Several curves as one: their median, and the range of the middle 80 % of them.
 *
 * The curves are read off the lines that are drawn of them, on a grid of even steps on the log axis,
 * as their own points lie anywhere. A curve that ended because it rose out of all bounds counts as
 * above all others from there on; without it the rest would seem to fall. Where fewer than half of
 * the curves say anything there is a gap.
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
    const values = members.map((one) => heightAt(one, at)).filter((value) => !Number.isNaN(value));
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
    rises: false,
    live: members.some(({ live }) => live),
  };

  /** The point at the median of these. */
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

function heightAt(series: Series, x: number): number {
  const beyond = x > (series.x[series.x.length - 1] ?? NaN) * (1 + 1e-6);
  return beyond && series.rises ? Infinity : valueAt(series, x);
}

/** Between two sorted values in proportion, as NumPy has it by default; infinite ones may be among them. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const before = sorted[Math.floor(at)] ?? NaN;
  const part = at - Math.floor(at);
  return part === 0 ? before : before + part * ((sorted[Math.ceil(at)] ?? NaN) - before);
}
