import type { Sweep } from "../api/sweeps";
import { MAX_CURVES_WITH_RAW } from "../chart/density";
import { bisect, type Domain, type Marks, NO_MARKS, type Series } from "../chart/series";
import { formatLearningRate } from "../format";
import type { Answer } from "./answers";
import type { DrawnEntry, Entry } from "./entries";
import { type Group, medianSuggestion } from "./groups";
import type { Settings } from "./settings";

const NONE: ReadonlyMap<string, unknown> = new Map();

/** The smoothed losses, with the raw ones where they are shown. */
export function lossSeries(
  entries: readonly DrawnEntry[],
  activeRun: string | null,
  settings: Pick<Settings, "showRaw" | "relativeLoss">,
  faint: ReadonlyMap<string, unknown> = NONE,
): Series[] {
  const rawForAll = entries.length <= MAX_CURVES_WITH_RAW;
  return entries.map((entry) => {
    const withRaw = settings.showRaw && (rawForAll || entry.run.run === activeRun);
    const { smoothed_loss, loss } = entry.sweep.columns;
    const scale = settings.relativeLoss ? 1 / initialLoss(smoothed_loss) : 1;
    return {
      ...commonSeries(entry, faint),
      y: scaled(smoothed_loss, scale),
      raw: withRaw && loss ? scaled(loss, scale) : null,
    };
  });
}

/** The loss deltas over a window of batches, or the slopes per decade. */
export function deltaSeries(
  entries: readonly DrawnEntry[],
  settings: Pick<Settings, "delta" | "relativeLoss">,
  faint: ReadonlyMap<string, unknown> = NONE,
): Series[] {
  return entries.map((entry) => {
    const { smoothed_loss, loss_delta, slope, learning_rate, step } = entry.sweep.columns;
    const delta = settings.delta === "slope" ? slope : loss_delta;
    const scale = settings.relativeLoss ? 1 / initialLoss(smoothed_loss) : 1;
    const minimum = entry.sweep.minimum_learning_rate;
    const common = commonSeries(entry, faint);
    const window = entry.sweep.settings.delta_window;
    return {
      ...common,
      // The first differences are over shorter windows, i.e. noisy.
      fitFrom:
        settings.delta === "slope" ? 0 : bisect(step, Math.min(window, entry.sweep.steps >> 2)),
      y: delta ? scaled(delta, scale) : allNaN(learning_rate),
      raw: null,
      // The slopes of the divergence, after the minimum, dwarf those of the descent.
      fitTo:
        minimum === null
          ? common.fitTo
          : Math.min(common.fitTo, bisect(learning_rate, minimum * (1 + 1e-6))),
    };
  });
}

function commonSeries(
  { run, name, sweep, color }: DrawnEntry,
  faint: ReadonlyMap<string, unknown>,
): Omit<Series, "y" | "raw"> {
  const x = sweep.columns.learning_rate;
  const { skip_start, skip_end } = sweep.settings;
  const { step } = sweep.columns;
  const solidFrom = bisect(step, skip_start);
  const divergence = sweep.divergence_learning_rate;
  return {
    id: run.run,
    label: name,
    color,
    x,
    members: [],
    faint: faint.has(run.run),
    band: null,
    solidFrom,
    solidTo: Math.max(solidFrom, bisect(step, sweep.steps - skip_end)),
    fitFrom: 0,
    fitTo: divergence === null ? x.length : bisect(x, divergence * (1 + 1e-6)),
    diverges: divergence !== null,
    live: run.status === "running",
  };
}

/** The first finite loss, which relative losses are divided by. */
function initialLoss(losses: Float32Array): number {
  const start = losses.find((value) => Number.isFinite(value) && value !== 0);
  return Math.abs(start ?? 1);
}

/** Memoized: the same array for the same arguments, so that the curve counts as unchanged. */
function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor === 1) return values;
  const before = SCALED.get(values);
  if (before && Object.is(before.factor, factor)) return before.values;
  const after = { factor, values: values.map((value) => value * factor) };
  SCALED.set(values, after);
  return after.values;
}

/** Stands in for a column that is not loaded yet. */
function allNaN(like: Float32Array): Float32Array {
  return scaled(like, NaN);
}

const SCALED = new WeakMap<Float32Array, { factor: number; values: Float32Array }>();

/**
 * The marks of all entries, with more detail for `active`. `ruleLabel` is the label of the chosen
 * rule.
 */
export function marksOf(
  entries: readonly DrawnEntry[],
  active: DrawnEntry | null,
  ruleLabel: string,
): Marks {
  const points = entries.flatMap(({ run, suggested, reliable }) =>
    suggested === null ? [] : [{ seriesId: run.run, x: suggested, hollow: !reliable }],
  );
  if (!active) return { ...NO_MARKS, points };
  const { sweep, run } = active;
  const minimum = run.status === "running" ? null : sweep.minimum_learning_rate;
  const divergence = sweep.divergence_learning_rate;
  return {
    points,
    guides: guidesOf(active, ruleLabel),
    ring:
      minimum === null
        ? null
        : { seriesId: run.run, x: minimum, text: `min ${formatLearningRate(minimum)}` },
    limit:
      divergence === null
        ? null
        : { x: divergence, text: `diverges from ${formatLearningRate(divergence)}` },
    shaded: skippedRanges(sweep),
  };
}

/** A line at the suggestion of the active sweep, if it has one. */
export function guidesOf(active: Entry | null, ruleLabel: string): Marks["guides"] {
  const suggested = active?.suggested ?? null;
  if (!active || suggested === null) return [];
  const rate = formatLearningRate(suggested);
  const guide = active.reliable
    ? ({ text: `Suggested ${rate}`, tone: "clear" } as const)
    : ({ text: `Unclear, ${ruleLabel} at ${rate}`, tone: "unclear" } as const);
  return [{ x: suggested, short: rate, seriesId: null, ...guide }];
}

/** With more answers than this, their lines would hide the curves. */
const MAX_GUIDES = 6;

/** A line at the answer of each configuration, in the color of its curve. */
export function answerGuides(
  answers: readonly Answer[],
  groups: readonly Pick<Group, "id" | "entries">[],
  singles: readonly DrawnEntry[],
): Marks["guides"] {
  if (answers.length > MAX_GUIDES) return [];
  const curveOf = new Map(singles.map(({ run }) => [run.run, run.run]));
  for (const { id, entries } of groups) for (const { run } of entries) curveOf.set(run.run, id);
  const names = briefNames(answers);
  return answers.flatMap(({ suggested, typical }, i) => {
    const seriesId = curveOf.get(typical.run.run);
    if (suggested === null || seriesId === undefined) return [];
    const rate = formatLearningRate(suggested);
    const text = `${names[i] ?? ""} ${rate}`;
    return [{ x: suggested, text, short: rate, tone: "clear", seriesId }];
  });
}

/** A line at the median suggestion of each group, and at that of each other sweep. */
export function groupGuides(
  groups: readonly Group[],
  singles: readonly DrawnEntry[],
): Marks["guides"] {
  if (groups.length + singles.length > MAX_GUIDES) return [];
  const guide = (name: string, x: number | null, seriesId: string): Marks["guides"] => {
    if (x === null) return [];
    const short = formatLearningRate(x);
    return [{ x, text: `${name}: ${short}`, short, tone: "clear", seriesId }];
  };
  return [
    ...groups.flatMap(({ id, value, entries }) => guide(value, medianSuggestion(entries), id)),
    ...singles.flatMap(({ name, run, suggested, reliable }) =>
      guide(name, reliable ? suggested : null, run.run),
    ),
  ];
}

/** The names of the configurations, with their details only if these are needed to tell them apart. */
function briefNames(answers: readonly Answer[]): string[] {
  const unique = new Set(answers.map(({ name }) => name)).size === answers.length;
  if (unique) return answers.map(({ name }) => name);
  const parts = answers.map(({ detail }) => detail.split(" · "));
  return answers.map(({ name }, i) => {
    const own = parts[i] ?? [];
    const varying = own.filter((part) => !parts.every((other) => other.includes(part)));
    return `${[name, ...varying].join(" · ")}:`;
  });
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

/** A loss this many times that of most others would flatten them to a line. */
const MAX_SCALE = 50;

/**
 * The runs whose curves the axes do not fit where there are others: without a clear suggestion, or with
 * losses far above those of most.
 */
export function faintRuns(
  entries: readonly DrawnEntry[],
  { relativeLoss, logLoss }: Pick<Settings, "relativeLoss" | "logLoss">,
): ReadonlyMap<string, "unclear" | "large"> {
  const faint = new Map<string, "unclear" | "large">();
  const usable = entries.filter(({ reliable, run }) => reliable || run.status === "running");
  for (const { run } of entries) faint.set(run.run, "unclear");
  for (const { run } of usable) faint.delete(run.run);
  if (relativeLoss || logLoss) return faint;
  const losses = usable.map(({ sweep }) => initialLoss(sweep.columns.smoothed_loss));
  const sorted = [...losses].sort((a, b) => a - b);
  const usual = sorted[(sorted.length - 1) >> 1] ?? 0;
  usable.forEach(({ run }, i) => {
    if ((losses[i] ?? 0) > MAX_SCALE * usual) faint.set(run.run, "large");
  });
  return faint;
}

/**
 * The ratio of the largest to the smallest initial loss. Above about twenty, the smaller curves look
 * flat in a common chart.
 */
export function initialLossRatio(entries: readonly DrawnEntry[]): number {
  const losses = entries.map(({ sweep }) => initialLoss(sweep.columns.smoothed_loss));
  return losses.length < 2 ? 1 : Math.max(...losses) / Math.min(...losses);
}
