import { describe, expect, it } from "vitest";
import { description, distinctNames, splitName } from "../src/state/names";
import { makeRun } from "./sweeps";

describe("distinctNames", () => {
  const distinct = (...runs: string[]) => [...distinctNames(runs).values()];

  it("omits the folders that all runs share", () => {
    expect(distinct("digits/adam", "digits/sgd")).toEqual(["adam", "sgd"]);
    expect(distinct("a/b/x/1", "a/b/y/1")).toEqual(["x", "y"]);
  });

  it("says where a part of a name is omitted", () => {
    expect(distinct("cifar_resnet_adam_batch16", "cifar_resnet_adam_batch128")).toEqual([
      "…batch16",
      "…batch128",
    ]);
    expect(distinct("logs/run_adam_v2", "logs/run_sgd_v2")).toEqual(["…adam_…", "…sgd_…"]);
  });

  it("omits what names have in common between their differences", () => {
    expect(distinct("convnet_with_augmentation_adam_16", "mlp_with_augmentation_sgd_128")).toEqual([
      "convnet_…adam_16",
      "mlp_…sgd_128",
    ]);
  });

  it("keeps names whole that share nothing, and a single one", () => {
    expect(distinct("digits/adam", "random/adam_2")).toEqual(["digits/adam", "random/adam_2"]);
    expect(distinct("digits/adam")).toEqual(["digits/adam"]);
    expect(distinct()).toEqual([]);
  });

  it("keeps a name that begins like another", () => {
    expect(distinct("adam", "adam_2", "adam_2_b")).toEqual(["adam", "adam_2", "adam_2_b"]);
  });

  it("does not tear learning rates apart", () => {
    expect(distinct("trials/1e-3", "trials/1e-4")).toEqual(["1e-3", "1e-4"]);
    expect(distinct("trials/0.01", "trials/0.02")).toEqual(["0.01", "0.02"]);
  });

  it("keeps names different, for a thousand runs", () => {
    const runs = Array.from({ length: 1000 }, (_, i) => `study/run-${i % 10}/seed_${i}`);
    expect(new Set(distinct(...runs)).size).toBe(1000);
  });
});

it("splits names at their last slash", () => {
  expect(splitName("a/b/c")).toEqual({ folder: "a/b/", leaf: "c" });
  expect(splitName("c")).toEqual({ folder: "", leaf: "c" });
});

it("describes a run as far as it is known", () => {
  expect(description(makeRun("a"))).toBe("Adam · convnet · batch 32");
  expect(description(makeRun("a", { model: null, batch_size: null }))).toBe("Adam");
});
