import { afterEach, describe, expect, it, vi } from "vitest";
import CASES from "../../tests/fixtures/best_trial.json";
import type { Run } from "../src/api/runs";
import { fetchTrials, type Trial } from "../src/api/trials";
import {
  bestTrial,
  drawableTrials,
  epochSeries,
  finalPairs,
  finalSeries,
  quantities,
  quantityTitle,
} from "../src/state/trials";
import { makeEntry, makeRun, makeTrial } from "./sweeps";

function trialsOf(...made: [number, Partial<Trial>?, Partial<Run>?][]) {
  const runs = made.map(([learning_rate, , run], i) =>
    makeRun(`t${i}`, { kind: "trial", learning_rate, ...run }),
  );
  const byRun = new Map(made.map(([, trial], i) => [`t${i}`, makeTrial(`t${i}`, trial)]));
  return drawableTrials(
    runs.map((run) => makeEntry(run.run, { run })),
    byRun,
  );
}

const final = (validation_loss: number) => ({ final: { loss: 0.5, validation_loss } });

/** The best trial of tests/fixtures/best_trial.json, read through a response of the server. */
async function bestOf({ trials }: (typeof CASES)["cases"][number]) {
  const last = (values: (number | string)[] | null) => values?.at(-1) ?? null;
  const response = trials.map(({ stop_reason, loss, validation_loss }, i) => ({
    run: `t${i}`,
    diverged: stop_reason === "diverged",
    config: {},
    columns: { epoch: loss.map((_, epoch) => epoch), loss, validation_loss },
    final: { loss: last(loss), validation_loss: last(validation_loss), gap: null },
  }));
  const body = JSON.stringify({ trials: response, errors: [] });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
  const { items } = await fetchTrials(trials.map((_, i) => `t${i}`));
  const status: Record<string, Run["status"]> = { failed: "failed", interrupted: "interrupted" };
  const entries = trials.map(({ learning_rate, stop_reason }, i) =>
    makeEntry(`t${i}`, {
      run: makeRun(`t${i}`, { learning_rate, status: status[stop_reason] ?? "finished" }),
    }),
  );
  return bestTrial(drawableTrials(entries, new Map(items.map((trial) => [trial.run, trial]))));
}

describe("the best trial", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  // tests/test_page_facts.py runs the same cases.
  it.each(CASES.cases)("is the same as in Python: $name", async (trial) => {
    expect((await bestOf(trial))?.learningRate ?? null).toBe(trial.best);
  });
});

describe("trials", () => {
  it("are ordered by learning rate, and not drawn without one", () => {
    const trials = trialsOf([0.1], [0.001], [0, {}, { learning_rate: null }]);
    expect(trials.map(({ learningRate }) => learningRate)).toEqual([0.001, 0.1]);
  });

  it("the best has the lowest final validation loss of those that ended well", () => {
    const trials = trialsOf(
      [0.001, final(0.9)],
      [0.01, final(0.4)],
      [0.1, { ...final(0.1), diverged: true }],
      [1, final(0.2), { status: "running" }],
    );
    expect(bestTrial(trials)?.learningRate).toBe(0.01);
    expect(bestTrial(trialsOf([1, final(Number.NaN)]))).toBeNull();
  });

  it("are ranked by training loss without validation data", () => {
    const trials = trialsOf([0.1, { final: { loss: 0.7 } }], [0.2, { final: { loss: 0.3 } }]);
    expect(bestTrial(trials)?.learningRate).toBe(0.2);
  });

  it("are connected by a curve of validation and training values, except schedules", () => {
    const trials = trialsOf([0.01], [0.1, { schedule: "CosineDecay" }], [1, final(5)]);
    const [validation, training] = finalSeries(trials, "loss");
    expect([...(validation?.x ?? [])]).toEqual([Math.fround(0.01), 1]);
    expect([...(validation?.y ?? [])]).toEqual([2, 5]);
    expect([...(training?.y ?? [])]).toEqual([1, 0.5]);
    const pairs = finalPairs(trials, "loss", trials[0] ?? null, trials[2]?.run.id ?? null);
    expect(pairs.map(({ label }) => label)).toEqual(["best", "CosineDecay", ""]);
    expect(pairs.map(({ hollow }) => hollow)).toEqual([false, true, false]);
    expect(pairs.map(({ emphasized }) => emphasized)).toEqual([false, false, true]);
    expect(pairs.map(({ y, other }) => [y, other])).toEqual([
      [2, 1],
      [2, 1],
      [5, 0.5],
    ]);
  });

  it("that diverged, or have no final value, are crosses", () => {
    const trials = trialsOf([0.1, { diverged: true }], [0.2, final(Number.NaN)], [0.3]);
    expect(finalPairs(trials, "loss", null, null).map(({ diverged }) => diverged)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("have a curve over epochs, counted from one, of validation values", () => {
    const [course] = epochSeries(trialsOf([0.1]), "loss");
    expect([...(course?.x ?? [])]).toEqual([1, 2, 3]);
    expect([...(course?.y ?? [])]).toEqual([3, 2.5, 2]);
    const [accuracy] = epochSeries(trialsOf([0.1]), "accuracy");
    expect(accuracy?.y[2]).toBeCloseTo(0.9, 6);
  });

  it("are compared by the loss or by their metrics", () => {
    expect(quantities(trialsOf([0.1]))).toEqual(["loss", "accuracy"]);
    expect(quantityTitle("mean_absolute_error", true)).toBe("Validation mean absolute error");
  });
});
