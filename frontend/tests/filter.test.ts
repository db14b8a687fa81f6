import { describe, expect, it } from "vitest";
import type { Run } from "../src/api/runs";
import { compileFilter } from "../src/state/filter";
import { makeRun } from "./sweeps";

const suggestion = (learning_rate: number) => ({
  rule: "mid_descent",
  learning_rate,
  reason: null,
});

const RUNS = [
  makeRun("digits/adam", { suggestion: suggestion(0.0048) }),
  makeRun("digits/adamw", { optimizer: "AdamW", suggestion: suggestion(0.0011), severity: "mild" }),
  makeRun("digits/sgd", { optimizer: "SGD", batch_size: 64, suggestion: suggestion(0.19) }),
  makeRun("random/sgd", { optimizer: "SGD", severity: "severe" }),
  makeRun("new", { optimizer: null, status: "running", suggestion: null }),
  makeRun("trials/0.01", { kind: "trial", learning_rate: 0.01, suggestion: null }),
];

function found(filter: string): string[] {
  const { pattern, conditions } = compileFilter(filter);
  const matches = (run: Run) =>
    (pattern?.test(run.run) ?? true) && conditions.every((condition) => condition(run));
  return RUNS.filter(matches).map(({ run }) => run);
}

describe("a filter by value", () => {
  it.each([
    ["lr > 0.001", ["digits/adam", "digits/adamw", "digits/sgd", "trials/0.01"]],
    ["lr>1e-2", ["digits/sgd"]],
    ["lr <= 0.01, kind = sweep", ["digits/adam", "digits/adamw"]],
    ["lr = 0.0048", ["digits/adam"]],
    ["optimizer = adam, kind = sweep", ["digits/adam", "digits/adamw"]],
    ["optimizer != adam", ["digits/sgd", "random/sgd", "new"]],
    ["Confidence = low", ["random/sgd"]],
    ["confidence = medium", ["digits/adamw"]],
    ["batch = 64", ["digits/sgd"]],
    ["status = running", ["new"]],
  ])("finds with %s", (filter, runs) => {
    expect(found(filter)).toEqual(runs);
  });

  it("is combined with a regular expression", () => {
    expect(found("^digits, lr > 0.002")).toEqual(["digits/adam", "digits/sgd"]);
    expect(found("lr > 0.002, sgd$")).toEqual(["digits/sgd"]);
  });

  it("leaves the commas of a regular expression alone", () => {
    expect(found("a{1,2}d")).toEqual(["digits/adam", "digits/adamw"]);
    expect(found("")).toHaveLength(RUNS.length);
  });

  it("reports what is no number, and hides nothing", () => {
    expect(compileFilter("lr > high").error).toBe("`lr >` needs a number. Received: high");
    expect(found("lr > high")).toHaveLength(RUNS.length);
  });
});
