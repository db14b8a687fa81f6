import { describe, expect, it } from "vitest";
import { formatCount, formatLearningRate, formatLoss, plural } from "../src/format";

describe("formatLearningRate", () => {
  it.each([
    [7.2345e-4, "7.23e-4"],
    [1e-3, "1e-3"],
    [0.5, "5e-1"],
    [1, "1e0"],
    [10, "1e1"],
    [9.999e-8, "1e-7"],
    [Math.fround(1e-7), "1e-7"],
  ])("writes %d as %s", (value, text) => {
    expect(formatLearningRate(value)).toBe(text);
  });

  it("reads back as the number, to three digits", () => {
    for (let exponent = -10; exponent < 3; exponent++) {
      const value = 3.14159 * 10 ** exponent;
      expect(Number(formatLearningRate(value)) / value).toBeCloseTo(1, 2);
    }
  });
});

describe("formatLoss", () => {
  it.each([
    [2.0664, "2.066"],
    [0, "0"],
    [123456, "1.235e5"],
    [0.0001234, "1.234e-4"],
    [-0.5, "−0.5"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
  ])("writes %d as %s", (value, text) => {
    expect(formatLoss(value)).toBe(text);
  });
});

it("groups digits and forms plurals", () => {
  expect(formatCount(18410)).toBe("18,410");
  expect(plural(1, "run")).toBe("1 run");
  expect(plural(1200, "run")).toBe("1,200 runs");
});
