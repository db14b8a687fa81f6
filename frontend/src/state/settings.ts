import type { SweepSettings } from "../api";
import type { Field } from "./groups";

export interface Settings {
  /** Decades of learning rate; null is as each sweep recorded it. */
  smoothing: number | null;
  /** What the loss delta card shows: the difference over a window of batches, or the slope. */
  delta: "window" | "slope";
  /** Batches; null is as each sweep recorded it. */
  deltaWindow: number | null;
  skipStart: number;
  skipEnd: number;
  showRaw: boolean;
  colorBy: "automatic" | "run" | "suggestion" | Field;
  /** Sweeps that have this in common are drawn as one curve with a band. */
  groupBy: Field | null;
  fitDescent: boolean;
  logLoss: boolean;
  relativeLoss: boolean;
  /** What trials are compared by: the loss, or one of their metrics. */
  quantity: string;
  /** The rule whose suggestions are shown; null is the server's default. */
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
  groupBy: null,
  fitDescent: true,
  logLoss: false,
  relativeLoss: false,
  quantity: "loss",
  rule: null,
};

/** What the server takes, as http_api.md states it. */
export const LIMITS = {
  smoothing: { min: 0, max: 2 },
  deltaWindow: { min: 1, max: 1_000 },
  skip: { min: 0, max: 100_000 },
} as const;

/** The part of the settings that the server computes with. */
export function sweepSettings(settings: Settings): SweepSettings {
  const { smoothing, deltaWindow, skipStart, skipEnd } = settings;
  return { smoothing, deltaWindow, skipStart, skipEnd };
}
