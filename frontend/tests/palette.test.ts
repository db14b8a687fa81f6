import { describe, expect, it } from "vitest";
import { contrast, linearRgb, textOn } from "../src/chart/contrast";
import { MAX_OWN_COLORS, noColor, paletteColor, suggestionScale } from "../src/state/colors";

/** The cards of colors.css. */
const CARDS = { light: "#ffffff", dark: "#303030" } as const;
const THEMES = ["light", "dark"] as const;

const palette = (theme: "light" | "dark") =>
  Array.from({ length: MAX_OWN_COLORS }, (_, i) => paletteColor(i, theme === "dark"));

type Matrix = readonly (readonly [number, number, number])[];

/** Complete color blindness of each kind, on linear RGB (Machado, Oliveira & Fernandes 2009). */
const VISION: Record<string, Matrix> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** OKLab, a color space in which equal distances look equal; about 0.02 is just visible. */
const TO_CONES: Matrix = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB: Matrix = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

const times = (matrix: Matrix, vector: readonly number[]) =>
  matrix.map((row) => row.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0));

function seenBy(vision: Matrix, color: string): number[] {
  const seen = times(vision, linearRgb(color)).map((value) => Math.min(1, Math.max(0, value)));
  return times(TO_LAB, times(TO_CONES, seen).map(Math.cbrt));
}

function smallestDistance(vision: Matrix, colors: readonly string[]): number {
  const seen = colors.map((color) => seenBy(vision, color));
  const distances = seen.flatMap((a, i) =>
    seen.slice(i + 1).map((b) => Math.hypot(...a.map((value, at) => value - (b[at] ?? 0)))),
  );
  return Math.min(...distances);
}

describe.each(THEMES)("the %s palette", (theme) => {
  it("can be told from the card", () => {
    for (const color of [...palette(theme), noColor(theme === "dark")])
      expect(contrast(color, CARDS[theme])).toBeGreaterThanOrEqual(3);
  });

  it("has readable text on its pills", () => {
    for (const color of palette(theme))
      expect(contrast(color, textOn(color))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    [2, 0.2],
    [3, 0.14],
    [6, 0.1],
    [12, 0.06],
  ])("tells its first %d colors apart, for any color vision", (count, distance) => {
    for (const vision of Object.values(VISION))
      expect(smallestDistance(vision, palette(theme).slice(0, count))).toBeGreaterThan(distance);
  });

  it("has a scale for hundreds of runs that gets lighter or darker throughout", () => {
    const scale = suggestionScale([1e-4, 1], theme === "dark");
    const rates = Array.from({ length: 30 }, (_, i) => 1e-4 * 10 ** ((4 * i) / 29));
    const colors = rates.map((rate) => hex(scale?.color(rate) ?? ""));
    for (const vision of Object.values(VISION)) {
      const lightness = colors.map((color) => seenBy(vision, color)[0] ?? 0);
      expect(lightness).toEqual([...lightness].sort((a, b) => a - b));
    }
    for (const color of colors) expect(contrast(color, CARDS[theme])).toBeGreaterThan(1.5);
  });
});

/** `rgb(1, 2, 3)` as `#010203`. */
function hex(color: string): string {
  if (color.startsWith("#")) return color;
  const channels = (color.match(/\d+/g) ?? []).map(Number);
  return `#${channels.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
