import type { Sweep } from "../api";
import { RAW_UP_TO } from "../chart/Curves";
import { bisect, type Domain, type Marks, type Series } from "../chart/series";
import { formatLearningRate } from "../format";
import type { Entry } from "./entries";
import type { Settings } from "./settings";

/** An entry whose sweep is here and has at least one row. */
export type DrawnEntry = Entry & { sweep: Sweep };

export function drawable(entries: readonly Entry[]): DrawnEntry[] {
  return entries.filter(
    (entry): entry is DrawnEntry =>
      entry.sweep !== null && entry.sweep.columns.learning_rate.length > 0,
  );
}

/** The smoothed losses, with the raw ones where they are wanted. */
export function lossSeries(
  entries: readonly DrawnEntry[],
  activeRun: string | null,
  settings: Pick<Settings, "showRaw" | "relativeLoss">,
): Series[] {
  const all = entries.length <= RAW_UP_TO;
  return entries.map((entry) => {
    const withRaw = settings.showRaw && (all || entry.run.run === activeRun);
    const { smoothed_loss, loss } = entry.sweep.columns;
    const scale = settings.relativeLoss ? 1 / startOf(smoothed_loss) : 1;
    return {
      ...commonSeries(entry),
      y: scaled(smoothed_loss, scale),
      raw: withRaw && loss ? scaled(loss, scale) : null,
    };
  });
}

/** The loss deltas over a window of batches, or the slopes per decade. */
export function deltaSeries(
  entries: readonly DrawnEntry[],
  settings: Pick<Settings, "delta" | "relativeLoss">,
): Series[] {
  return entries.map((entry) => {
    const { smoothed_loss, loss_delta, slope, learning_rate, step } = entry.sweep.columns;
    const delta = settings.delta === "slope" ? slope : loss_delta;
    const scale = settings.relativeLoss ? 1 / startOf(smoothed_loss) : 1;
    const minimum = entry.sweep.minimum_learning_rate;
    const common = commonSeries(entry);
    const window = entry.sweep.settings.delta_window;
    return {
      ...common,
      // The first differences are over shorter windows, the very first between two noisy batches.
      fitFrom:
        settings.delta === "slope" ? 0 : bisect(step, Math.min(window, entry.sweep.steps >> 2)),
      y: delta ? scaled(delta, scale) : nothing(learning_rate),
      raw: null,
      // What comes after the minimum is the divergence, whose slopes dwarf those of the descent.
      fitTo:
        minimum === null
          ? common.fitTo
          : Math.min(common.fitTo, bisect(learning_rate, minimum * (1 + 1e-6))),
    };
  });
}

function commonSeries({ run, sweep, color }: DrawnEntry): Omit<Series, "y" | "raw"> {
  const x = sweep.columns.learning_rate;
  const { skip_start, skip_end } = sweep.settings;
  const { step } = sweep.columns;
  const solidFrom = bisect(step, skip_start);
  const divergence = sweep.divergence_learning_rate;
  return {
    id: run.run,
    label: run.run,
    color,
    x,
    band: null,
    solidFrom,
    solidTo: Math.max(solidFrom, bisect(step, sweep.steps - skip_end)),
    fitFrom: 0,
    fitTo: divergence === null ? x.length : bisect(x, divergence * (1 + 1e-6)),
    rises: divergence !== null,
    live: run.status === "running",
  };
}

/** The first finite loss, by which "relative to the start" divides. */
function startOf(losses: Float32Array): number {
  const start = losses.find((value) => Number.isFinite(value) && value !== 0);
  return Math.abs(start ?? 1);
}

/** The same array again for the same question, so that nobody takes it for a new curve. */
function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor === 1) return values;
  const before = SCALED.get(values);
  if (before && Object.is(before.factor, factor)) return before.values;
  const after = { factor, values: values.map((value) => value * factor) };
  SCALED.set(values, after);
  return after.values;
}

/** A curve that is not here yet. */
function nothing(like: Float32Array): Float32Array {
  return scaled(like, NaN);
}

const SCALED = new WeakMap<Float32Array, { factor: number; values: Float32Array }>();

/**
 * The marks of all entries, and with `active` those of that one in detail. `ruleLabel` is what the
 * shown rule is called.
 */
export function marksOf(
  entries: readonly DrawnEntry[],
  active: DrawnEntry | null,
  ruleLabel: string,
): Marks {
  const points = entries.flatMap(({ run, suggested, reliable }) =>
    suggested === null ? [] : [{ seriesId: run.run, x: suggested, hollow: !reliable }],
  );
  if (!active) return { points, guide: null, ring: null, limit: null, shaded: [] };
  const { sweep, run } = active;
  const minimum = run.status === "running" ? null : sweep.minimum_learning_rate;
  const divergence = sweep.divergence_learning_rate;
  return {
    points,
    guide: guideOf(active, ruleLabel),
    ring:
      minimum === null
        ? null
        : { seriesId: run.run, x: minimum, text: `min ${formatLearningRate(minimum)}` },
    limit:
      divergence === null
        ? null
        : { x: divergence, text: `diverged at ${formatLearningRate(divergence)}` },
    shaded: skippedRanges(sweep),
  };
}

/** Where the sweep that the page is about suggests to train; null where it does not. */
export function guideOf(active: Entry | null, ruleLabel: string): Marks["guide"] {
  const suggested = active?.suggested ?? null;
  if (suggested === null) return null;
  const at = formatLearningRate(suggested);
  return active?.reliable
    ? { x: suggested, text: `Suggested ${at}`, tone: "clear" }
    : { x: suggested, text: `Unclear, ${ruleLabel} at ${at}`, tone: "unclear" };
}

function skippedRanges({ columns, settings, steps }: Sweep): Domain[] {
  const { learning_rate: x, step } = columns;
  const { skip_start, skip_end } = settings;
  const first = x[0] ?? NaN;
  const last = x[x.length - 1] ?? NaN;
  const ranges: Domain[] = [];
  if (skip_start > 0) ranges.push([first, x[bisect(step, skip_start)] ?? last]);
  if (skip_end > 0) ranges.push([x[bisect(step, steps - 1 - skip_end)] ?? first, last]);
  return ranges;
}

/**
 * How many times the largest starting loss is the smallest. Above about twenty, the smaller curves
 * are flat lines in a common picture.
 */
export function startingLossRatio(entries: readonly DrawnEntry[]): number {
  const starts = entries.map(({ sweep }) => startOf(sweep.columns.smoothed_loss));
  return starts.length < 2 ? 1 : Math.max(...starts) / Math.min(...starts);
}
