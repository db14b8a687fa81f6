import type { SweepSettings } from "../api/sweeps";
import type { Field } from "./fields";

/** The columns of the summary that can be left out. */
export const COLUMN_IDS = [
  "optimizer",
  "model",
  "batch_size",
  "suggested",
  "minimum",
  "divergence",
  "steps",
  "outcome",
] as const;

export type ColumnId = (typeof COLUMN_IDS)[number];

export interface Settings {
  /** In decades of learning rate; null is as each sweep recorded it. */
  smoothing: number | null;
  /** Whether the loss delta is the difference over a window of batches, or the slope per decade. */
  delta: "window" | "slope";
  /** In batches; null is as each sweep recorded it. */
  deltaWindow: number | null;
  skipStart: number;
  skipEnd: number;
  showRaw: boolean;
  colorBy: "automatic" | "run" | "suggestion" | Field;
  /**
   * Sweeps with the same value of this field are drawn as one curve; automatically those of the same
   * configuration, if there are several of any.
   */
  groupBy: Field | "none" | "automatic";
  /** Whether the sweeps of a group are drawn as thin lines; null is only if grouped automatically. */
  showMembers: boolean | null;
  /** Whether the chart of the loss delta is unfolded. */
  showDelta: boolean;
  fitDescent: boolean;
  logLoss: boolean;
  relativeLoss: boolean;
  /** What trials are compared by: the loss or a metric. */
  quantity: string;
  /** The columns of the summary that are left out. */
  hiddenColumns: readonly ColumnId[];
  /** The rule whose suggestions are shown; null is the default of the server. */
  rule: string | null;
}

export const DEFAULT_SETTINGS: Settings = {
  smoothing: null,
  delta: "window",
  deltaWindow: null,
  skipStart: 0,
  skipEnd: 0,
  showRaw: true,
  colorBy: "automatic",
  groupBy: "automatic",
  showMembers: null,
  showDelta: true,
  fitDescent: true,
  logLoss: false,
  relativeLoss: false,
  quantity: "loss",
  hiddenColumns: [],
  rule: null,
};

/** The ranges that the server accepts, see http_api.md. */
export const LIMITS = {
  smoothing: { min: 0, max: 2 },
  deltaWindow: { min: 1, max: 1_000 },
  skip: { min: 0, max: 100_000 },
} as const;

/** The settings that the server computes with. */
export function sweepSettings(settings: Settings): SweepSettings {
  const { smoothing, deltaWindow, skipStart, skipEnd } = settings;
  return { smoothing, deltaWindow, skipStart, skipEnd };
}
