// Runs and sweeps as in the responses of the server, small and with round numbers.

import type { Run } from "../src/api/runs";
import type { Sweep } from "../src/api/sweeps";
import type { Trial } from "../src/api/trials";
import type { Series } from "../src/chart/series";
import type { Entry } from "../src/state/entries";

export function makeRun(name: string, changes: Partial<Run> = {}): Run {
  return {
    run: name,
    id: `id-${name}`,
    kind: "sweep",
    status: "finished",
    message: null,
    version: "1",
    steps: 5,
    planned_steps: 5,
    learning_rate: null,
    start_time: null,
    optimizer: "Adam",
    optimizer_settings: {},
    model: "convnet",
    parameters: 18_410,
    batch_size: 32,
    stop_reason: "diverged",
    suggestion: { rule: "mid_descent", learning_rate: 0.001, reason: null },
    severity: null,
    ...changes,
  };
}

/** Falls from 2 to 1 at 1e-2 and has diverged at 1e0. */
export function makeSweep(name: string, changes: Partial<Sweep> = {}): Sweep {
  const suggestion = { rule: "mid_descent", learning_rate: 0.001, reason: null };
  return {
    run: name,
    status: "finished",
    message: null,
    version: "1",
    steps: 5,
    stop_reason: "diverged",
    config: { smoothing: 0.15, delta_window: 2, end_lr: 10 },
    settings: { smoothing: 0.15, delta_window: 2, skip_start: 0, skip_end: 0 },
    columns: {
      step: Float32Array.of(0, 1, 2, 3, 4),
      learning_rate: Float32Array.of(1e-4, 1e-3, 1e-2, 1e-1, 1),
      loss: Float32Array.of(2.1, 1.4, 1.1, 1.3, 9),
      smoothed_loss: Float32Array.of(2, 1.5, 1, 1.2, 8),
      loss_delta: Float32Array.of(0, -0.7, -0.5, -0.05, 3),
      slope: Float32Array.of(-0.5, -0.5, -0.2, 0.5, 6),
    },
    suggestion,
    suggestions: {
      mid_descent: suggestion,
      valley: { rule: "valley", learning_rate: 0.002, reason: null },
    },
    diagnosis: [],
    minimum_learning_rate: 1e-2,
    divergence_learning_rate: 1,
    ...changes,
  };
}

export function makeTrial(run: string, changes: Partial<Trial> = {}): Trial {
  return {
    run,
    diverged: false,
    schedule: null,
    columns: {
      epoch: Float64Array.of(0, 1, 2),
      learning_rate: Float64Array.of(0.1, 0.1, 0.1),
      loss: Float64Array.of(3, 2, 1),
      validation_loss: Float64Array.of(3, 2.5, 2),
      accuracy: Float64Array.of(0.1, 0.5, 0.9),
    },
    final: { loss: 1, validation_loss: 2, gap: 1, descent: 1, accuracy: 0.9 },
    ...changes,
  };
}

export function makeEntry(name: string, changes: Partial<Entry> = {}): Entry {
  return {
    run: makeRun(name),
    name,
    sweep: makeSweep(name),
    color: "#425066",
    suggested: 0.001,
    provisional: null,
    severity: null,
    reliable: true,
    isGuess: false,
    error: null,
    ...changes,
  };
}

export function makeSeries(changes: Partial<Series> = {}): Series {
  const x = changes.x ?? Float32Array.of(1e-4, 1e-3, 1e-2, 1e-1, 1);
  return {
    id: "adam",
    label: "adam",
    color: "#425066",
    x,
    y: Float32Array.of(2, 1.5, 1, 1.2, 8),
    raw: null,
    members: [],
    faint: false,
    band: null,
    solidFrom: 0,
    solidTo: x.length,
    fitFrom: 0,
    fitTo: x.length - 1,
    diverges: false,
    live: false,
    ...changes,
  };
}

export const RULES = {
  default: "mid_descent",
  rules: [
    {
      name: "mid_descent",
      label: "Mid-descent",
      description: "Half way down.",
      formula: "",
      source: "",
    },
    {
      name: "valley",
      label: "Valley",
      description: "The middle of the descent.",
      formula: "",
      source: "",
    },
  ],
};

/** A column as with `encoding=base64`. */
export function packed(values: Float32Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(values.buffer)));
}
