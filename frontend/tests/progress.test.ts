import { describe, expect, it } from "vitest";
import { answersOf } from "../src/state/answers";
import { configurationsOf } from "../src/state/configurations";
import { createEntries } from "../src/state/entries";
import { isSettled, progressText } from "../src/state/progress";
import { makeRun, makeSweep } from "./sweeps";

const severe = { code: "no_descent", severity: "severe" as const, message: "" };

describe("a running sweep", () => {
  const running = makeRun("a", {
    status: "running",
    steps: 40,
    planned_steps: 100,
    start_time: 50,
  });

  it("has a provisional suggestion once its curve has passed the minimum", () => {
    expect(isSettled(makeSweep("a"))).toBe(true);
    expect(isSettled(makeSweep("a", { minimum_learning_rate: 1 }))).toBe(false);
    expect(isSettled(makeSweep("a", { minimum_learning_rate: null }))).toBe(false);
    expect(isSettled(makeSweep("a", { diagnosis: [severe] }))).toBe(false);
  });

  it("gives a provisional answer, and none that can be copied", () => {
    const sweeps = { byRun: new Map([["a", makeSweep("a")]]), errors: new Map<string, string>() };
    const maps = { names: new Map<string, string>(), colors: new Map<string, string>() };
    const entries = createEntries([running], { ...maps, sweeps });
    const [answer] = answersOf(entries, [], configurationsOf([running]));
    expect(answer).toMatchObject({ suggested: null, confidence: null });
    expect(answer?.provisional).toBeCloseTo(0.001, 10);
  });

  it("says how far it is, and how long it takes at most", () => {
    expect(progressText(running, 90)).toBe("40 of 100 steps, at most 60 s left");
    expect(progressText(running, 50 + 4_000)).toBe("40 of 100 steps, at most 2 h left");
    expect(progressText(running, 50 + 400)).toBe("40 of 100 steps, at most 10 min left");
    expect(progressText(running, 49)).toBe("40 of 100 steps");
    expect(progressText({ ...running, start_time: null }, 90)).toBe("40 of 100 steps");
    expect(progressText({ ...running, planned_steps: null }, 90)).toBe("40 steps");
    expect(progressText({ ...running, steps: 0 }, 90)).toBe("0 of 100 steps");
  });
});
