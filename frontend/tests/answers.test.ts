import { describe, expect, it } from "vitest";
import type { Run } from "../src/api/runs";
import { answersOf, suggestionsByRule } from "../src/state/answers";
import { confidenceOf } from "../src/state/confidence";
import { configurationsOf } from "../src/state/configurations";
import type { Entry } from "../src/state/entries";
import { proofOf } from "../src/state/proof";
import type { TrialEntry } from "../src/state/trials";
import { makeEntry, makeRun, makeSweep, makeTrial, RULES } from "./sweeps";

function entry(name: string, suggested: number | null, run: Partial<Run> = {}): Entry {
  return makeEntry(name, { suggested, reliable: suggested !== null, run: makeRun(name, run) });
}

function trial(rate: number, loss: number, run: Partial<Run> = {}, diverged = false): TrialEntry {
  const name = `trials/${rate}`;
  return {
    run: makeRun(name, { kind: "trial", learning_rate: rate, ...run }),
    name,
    trial: makeTrial(name, { diverged, final: { loss, validation_loss: loss } }),
    learningRate: rate,
    color: "#425066",
  };
}

const answers = (entries: Entry[], trials: TrialEntry[] = []) =>
  answersOf(entries, trials, configurationsOf(entries.map(({ run }) => run)));

describe("configurations", () => {
  const texts = (...runs: Run[]) =>
    [...configurationsOf(runs).values()].map(({ name, detail }) => `${name} | ${detail}`);
  const keys = (...runs: Run[]) =>
    new Set([...configurationsOf(runs).values()].map(({ key }) => key)).size;

  it("are named by optimizer, model and batch size", () => {
    expect(texts(makeRun("a"), makeRun("b", { optimizer: null, model: null }))).toEqual([
      "Adam | convnet · batch 32",
      "unknown optimizer | batch 32",
    ]);
  });

  it("have their settings and weights in their name where these differ", () => {
    const momentum = { optimizer: "SGD", optimizer_settings: { momentum: 0.9, nesterov: true } };
    const plain = { optimizer: "SGD", optimizer_settings: { momentum: 0, weight_decay: null } };
    expect(texts(makeRun("a", momentum), makeRun("b", plain))).toEqual([
      "SGD | convnet · momentum 0.9, nesterov · batch 32",
      "SGD | convnet · batch 32",
    ]);
    expect(texts(makeRun("a", momentum))).toEqual(["SGD | convnet · batch 32"]);
    expect(texts(makeRun("a", { parameters: 10 }), makeRun("b", { parameters: 1200 }))).toEqual([
      "Adam | convnet · 10 weights · batch 32",
      "Adam | convnet · 1,200 weights · batch 32",
    ]);
    expect(keys(makeRun("a", { optimizer_settings: "malformed" }), makeRun("b"))).toBe(1);
  });

  it("differ by folder, unless the folder only counts repetitions", () => {
    expect(texts(makeRun("cifar10/adam"), makeRun("cifar100/adam"))).toEqual([
      "Adam | convnet · batch 32 · cifar10/",
      "Adam | convnet · batch 32 · cifar100/",
    ]);
    for (const [a, b] of [
      ["adam/seed0", "adam/seed1"],
      ["seed0/adam", "seed1/adam"],
      ["run_1/adam", "run_12/adam"],
      ["2026-11-24_10:30/adam", "2026-11-25_08:00/adam"],
      ["a", "b"],
    ] as const) {
      expect(keys(makeRun(a), makeRun(b))).toBe(1);
    }
  });
});

describe("answers", () => {
  it("are one for each configuration, never across optimizers", () => {
    const [sgd, adam, lion, running, ...rest] = answers([
      entry("a", 0.2, { optimizer: "SGD" }),
      entry("b", 0.001),
      entry("c", 0.002),
      entry("d", 0.004),
      entry("e", null, { optimizer: "Lion" }),
      entry("f", null, { optimizer: "Muon", status: "running" }),
    ]);
    expect(rest).toEqual([]);
    expect(sgd).toMatchObject({ name: "SGD", suggested: 0.2, range: null, confidence: "high" });
    expect(adam).toMatchObject({ name: "Adam", range: [0.001, 0.004], reliable: 3, ended: 3 });
    expect(adam?.suggested).toBeCloseTo(0.002, 10);
    expect(adam?.typical.run.run).toBe("c");
    expect(lion).toMatchObject({ suggested: null, confidence: "low" });
    expect(running).toMatchObject({ suggested: null, confidence: null, ended: 0 });
  });

  it("differ by batch size and model", () => {
    const entries = [
      entry("a", 0.1, { batch_size: 16 }),
      entry("b", 0.2, { batch_size: 128 }),
      entry("c", 0.3, { model: "mlp" }),
    ];
    expect(answers(entries).map(({ suggested }) => suggested)).toEqual([0.1, 0.2, 0.3]);
  });

  it("give nothing where most sweeps are unclear", () => {
    const [answer] = answers([entry("a", 0.1), entry("b", null), entry("c", null)]);
    expect(answer).toMatchObject({ suggested: null, confidence: "low", reliable: 1, ended: 3 });
  });

  it("have the median of each rule, halfway on the axis that people look at", () => {
    const other = makeSweep("b", {
      suggestions: { valley: { rule: "valley", learning_rate: 0.2, reason: null } },
    });
    const entries = [makeEntry("a"), makeEntry("b", { sweep: other })];
    expect(suggestionsByRule(entries, RULES.rules).get("valley")).toBeCloseTo(0.02, 10);
    expect(suggestionsByRule(entries, RULES.rules).get("mid_descent")).toBe(0.001);
    expect(suggestionsByRule([], RULES.rules).size).toBe(0);
  });
});

describe("confidence", () => {
  const clear = { reliable: true, severity: null };
  const mild = { reliable: true, severity: "mild" } as const;
  const severe = { reliable: false, severity: "severe" } as const;

  it("follows the diagnosis of most sweeps", () => {
    expect(confidenceOf([clear], null)).toBe("high");
    expect(confidenceOf([mild], null)).toBe("medium");
    expect(confidenceOf([severe], null)).toBe("low");
    expect(confidenceOf([{ ...mild, isGuess: true }], null)).toBe("low");
    expect(confidenceOf([clear, clear, { ...mild, isGuess: true }], 1)).toBe("high");
    expect(confidenceOf([clear, clear, mild], 1)).toBe("high");
    expect(confidenceOf([clear, mild], 1)).toBe("medium");
    expect(confidenceOf([clear, severe], null)).toBe("low");
    expect(confidenceOf([clear, clear, severe], 1)).toBe("high");
  });

  it("is lower where the sweeps disagree", () => {
    expect(confidenceOf([clear, clear], 2)).toBe("high");
    expect(confidenceOf([clear, clear], 5)).toBe("medium");
    expect(confidenceOf([clear, clear], 50)).toBe("low");
  });
});

describe("proof", () => {
  const proof = (suggested: number | null, ...trials: TrialEntry[]) =>
    proofOf([entry("sweep", suggested)], trials, suggested);

  it("is that the best of several trials is at the suggestion", () => {
    const trials = [trial(0.001, 0.5), trial(0.01, 0.2), trial(0.1, 0.9)];
    expect(proof(0.0096, ...trials)).toMatchObject({ kind: "best", trials: 3 });
    expect(proof(0.001, ...trials)).toMatchObject({ kind: "other", best: { learningRate: 0.01 } });
    expect(proof(0.03, ...trials)).toMatchObject({ kind: "open", best: { learningRate: 0.01 } });
    expect(proof(null, ...trials)).toMatchObject({ kind: "open" });
    expect(proof(0.01, trial(0.01, 0.2))).toMatchObject({ kind: "open", trials: 1 });
    expect(proof(0.01)).toEqual({ kind: "none" });
  });

  it("only compares trials of the same configuration and with equal epochs", () => {
    expect(proof(0.01, trial(0.01, 0.2, { optimizer: "SGD" }))).toEqual({ kind: "none" });
    expect(proof(0.01, trial(0.01, 0.2, { batch_size: 256 }))).toEqual({ kind: "none" });
    const shorter = trial(0.1, 0.1, { steps: 2 });
    expect(proof(0.01, trial(0.01, 0.3), trial(0.001, 0.5), shorter)).toMatchObject({
      kind: "best",
      trials: 2,
    });
  });

  it("counts a trial that diverged early as worse", () => {
    const lost = trial(1, Number.NaN, { steps: 1 }, true);
    expect(proof(0.01, trial(0.01, 0.3), lost)).toMatchObject({ kind: "best", trials: 2 });
    expect(proof(1, lost)).toMatchObject({ kind: "open", best: null });
  });
});
