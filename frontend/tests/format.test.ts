import { describe, expect, it } from "vitest";
import CASES from "../../tests/fixtures/numbers.json";
import {
  formatCount,
  formatExactRate,
  formatLearningRate,
  formatLoss,
  formatNumber,
  plural,
} from "../src/format";

describe("formatNumber", () => {
  it.each(CASES)("writes $value to $digits digits as $text, as in Python", (one) => {
    expect(formatNumber(one.value, one.digits)).toBe(one.text);
  });

  it("reads back as the number, to three digits", () => {
    for (let exponent = -12; exponent < 9; exponent++) {
      const value = 3.14159 * 10 ** exponent;
      expect(Number(formatNumber(value, 3)) / value).toBeCloseTo(1, 2);
    }
  });
});

it("writes estimated learning rates to two digits, and others to three", () => {
  expect(formatLearningRate(0.0047831)).toBe("0.0048");
  expect(formatExactRate(0.0047831)).toBe("0.00478");
});

describe("formatLoss", () => {
  it.each([
    [2.0664, "2.066"],
    [-0.5, "−0.5"],
    [Number.NaN, "–"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("writes %d as %s", (value, text) => {
    expect(formatLoss(value)).toBe(text);
  });
});

it("groups digits and forms plurals", () => {
  expect(formatCount(18410)).toBe("18,410");
  expect(plural(1, "run")).toBe("1 run");
  expect(plural(1200, "run")).toBe("1,200 runs");
});
