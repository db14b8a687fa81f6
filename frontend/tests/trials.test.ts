import { describe, expect, it } from "vitest";
import type { Run } from "../src/api";
import { TrialLoader } from "../src/state/trialLoader";
import {
  bestTrial,
  drawableTrials,
  epochSeries,
  finalPairs,
  finalSeries,
  quantities,
  quantityTitle,
} from "../src/state/trials";
import type { Trial } from "../src/trialsApi";
import { makeEntry, makeRun } from "./sweeps";

function makeTrial(run: string, changes: Partial<Trial> = {}): Trial {
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

describe("trials", () => {
  it("come in order of their learning rates, and without one are not drawn", () => {
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

  it("are ranked by their training loss where none was validated", () => {
    const trials = trialsOf([0.1, { final: { loss: 0.7 } }], [0.2, { final: { loss: 0.3 } }]);
    expect(bestTrial(trials)?.learningRate).toBe(0.2);
  });

  it("are connected by a curve for either kind of data; a schedule is beside it", () => {
    const trials = trialsOf([0.01], [0.1, { schedule: "CosineDecay" }], [1, final(5)]);
    const [validation, training] = finalSeries(trials, "loss");
    expect([...(validation?.x ?? [])]).toEqual([Math.fround(0.01), 1]);
    expect([...(validation?.y ?? [])]).toEqual([2, 5]);
    expect([...(training?.y ?? [])]).toEqual([1, 0.5]);
    const pairs = finalPairs(trials, "loss", trials[0] ?? null, trials[2]?.run.id ?? null);
    expect(pairs.map(({ text }) => text)).toEqual(["best", "CosineDecay", ""]);
    expect(pairs.map(({ hollow }) => hollow)).toEqual([false, true, false]);
    expect(pairs.map(({ strong }) => strong)).toEqual([false, false, true]);
    expect(pairs.map(({ y, other }) => [y, other])).toEqual([
      [2, 1],
      [2, 1],
      [5, 0.5],
    ]);
  });

  it("that diverged, or have no number, are lost", () => {
    const trials = trialsOf([0.1, { diverged: true }], [0.2, final(Number.NaN)], [0.3]);
    expect(finalPairs(trials, "loss", null, null).map(({ lost }) => lost)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("have a course over epochs that count from one, of what was validated", () => {
    const [course] = epochSeries(trialsOf([0.1]), "loss");
    expect([...(course?.x ?? [])]).toEqual([1, 2, 3]);
    expect([...(course?.y ?? [])]).toEqual([3, 2.5, 2]);
    const [accuracy] = epochSeries(trialsOf([0.1]), "accuracy");
    expect(accuracy?.y[2]).toBeCloseTo(0.9, 6);
  });

  it("are compared by the loss first, then by their metrics", () => {
    expect(quantities(trialsOf([0.1]))).toEqual(["loss", "accuracy"]);
    expect(quantityTitle("mean_absolute_error", true)).toBe("Validation mean absolute error");
  });
});

describe("TrialLoader", () => {
  it("asks again only for the trials that have changed", async () => {
    const asked: string[][] = [];
    const loader = new TrialLoader((runs) => {
      asked.push([...runs]);
      return Promise.resolve({
        trials: runs.filter((run) => run !== "bad").map((run) => makeTrial(run)),
        errors: runs
          .filter((run) => run === "bad")
          .map((run) => ({ run, message: "It cannot be read." })),
      });
    });
    const of = (...versions: string[]) =>
      versions.map((version, i) => makeRun(["a", "b", "bad"][i] ?? "", { version }));
    const first = await loader.load(of("1", "1", "1"));
    expect([...first.byRun.keys()]).toEqual(["a", "b"]);
    expect(first.errors.get("bad")).toBe("It cannot be read.");
    await loader.load(of("1", "2", "1"));
    await loader.load(of("1", "2", "1"));
    expect(asked).toEqual([["a", "b", "bad"], ["b"]]);
  });
});
