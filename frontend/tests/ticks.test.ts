import { describe, expect, it } from "vitest";
import { integerTicks, linearTicks, logTicks } from "../src/chart/ticks";

function labels(low: number, high: number, pixels = 800): string[] {
  return logTicks([low, high], pixels)
    .map(({ label }) => label)
    .filter((label) => label !== "");
}

describe("integerTicks", () => {
  it("counts, and never labels a fraction", () => {
    expect(integerTicks([1, 8], 800).map(({ label }) => label)).toEqual("12345678".split(""));
    expect(integerTicks([1, 2], 800).map(({ label }) => label)).toEqual(["1", "2"]);
  });
});

describe("logTicks", () => {
  it("has none without a log axis", () => {
    for (const low of [0, -1, NaN]) expect(logTicks([low, 1], 600)).toEqual([]);
    expect(logTicks([1e-3, Infinity], 600)).toEqual([]);
  });

  it("labels every decade if there is space", () => {
    expect(labels(1e-7, 10)).toEqual([
      "1e-7",
      "1e-6",
      "1e-5",
      "0.0001",
      "0.001",
      "0.01",
      "0.1",
      "1",
      "10",
    ]);
  });

  it("labels fewer multiples if two decades have little space", () => {
    expect(labels(0.2, 80, 400)).toEqual(["0.3", "1", "3", "10", "30"]);
  });

  it("labels a decade that float32 has moved slightly inwards", () => {
    expect(labels(Math.fround(1e-7), 1)[0]).toBe("1e-7");
  });

  it("omits labels if there is no space", () => {
    const few = labels(1e-9, 10, 200);
    expect(few.length).toBeGreaterThanOrEqual(2);
    expect(few.length).toBeLessThanOrEqual(4);
  });

  it("labels 1, 2 and 5 within two decades", () => {
    expect(labels(1e-3, 1e-2)).toEqual(["0.001", "0.002", "0.005", "0.01"]);
  });

  it.each([
    [2e-3, 4e-3],
    [1.1e-3, 1.9e-3],
    [3.01e-5, 3.05e-5],
    [0.99, 1.01],
  ])("has at least three different labels within [%d, %d]", (low, high) => {
    const found = labels(low, high);
    expect(found.length).toBeGreaterThanOrEqual(3);
    expect(new Set(found).size).toBe(found.length);
  });

  it("labels each tick with its own value", () => {
    for (const [low, high] of [
      [1e-7, 10],
      [2e-3, 4e-3],
      [1e-3, 3e-2],
    ] as const) {
      for (const { value, label } of logTicks([low, high], 800)) {
        if (label !== "") expect(Number(label) / value).toBeCloseTo(1, 9);
        expect(value).toBeGreaterThanOrEqual(low * (1 - 1e-6));
        expect(value).toBeLessThanOrEqual(high * (1 + 1e-6));
      }
    }
  });

  it("formats losses as decimals", () => {
    const found = logTicks([0.55, 1.2], 400).map(({ label }) => label);
    expect(found).toEqual(["0.6", "0.7", "0.8", "0.9", "1", "1.1", "1.2"]);
  });

  it("has none on an axis without extent", () => {
    expect(logTicks([1, 1], 800)).toEqual([]);
  });
});

describe("linearTicks", () => {
  it.each([
    [1, 2.6],
    [2.3021, 2.3043],
    [-0.00012, 0.0003],
    [0, 40_000],
    [1_000_000, 1_000_500],
  ])("tells its labels apart on [%d, %d]", (low, high) => {
    const found = linearTicks([low, high], 240).map(({ label }) => label);
    expect(found.length).toBeGreaterThanOrEqual(3);
    expect(new Set(found).size).toBe(found.length);
  });
});
