import { describe, expect, it } from "vitest";
import { createFrame } from "../src/chart/frame";
import { type Box, leastCovering, plotCost, sharedArea, spread } from "../src/chart/labels";
import { makeSeries } from "./sweeps";

describe("spread", () => {
  const gaps = (centers: readonly number[], widths: readonly number[]) => {
    const order = centers.map((_, i) => i).sort((a, b) => (centers[a] ?? 0) - (centers[b] ?? 0));
    return order.slice(1).map((i, at) => {
      const before = order[at] ?? 0;
      const [left = 0, right = 0] = [centers[before], centers[i]];
      return right - left - ((widths[before] ?? 0) + (widths[i] ?? 0)) / 2;
    });
  };

  it("leaves labels where they do not overlap", () => {
    expect(spread([100, 300], [50, 50], [0, 400], 4)).toEqual([100, 300]);
  });

  it("moves labels that would overlap apart, about the middle of what they want", () => {
    expect(spread([100, 110], [40, 40], [0, 400], 4)).toEqual([83, 127]);
    expect(spread([110, 100], [40, 40], [0, 400], 4)).toEqual([127, 83]);
  });

  it("keeps all of them in the row, without overlap", () => {
    const wanted = [390, 380, 5, 200, 201, 202];
    const widths = [60, 70, 40, 50, 50, 50];
    const centers = spread(wanted, widths, [0, 400], 4) ?? [];
    expect(Math.min(...gaps(centers, widths))).toBeGreaterThanOrEqual(4 - 1e-9);
    centers.forEach((center, i) => {
      expect(center - (widths[i] ?? 0) / 2).toBeGreaterThanOrEqual(0);
      expect(center + (widths[i] ?? 0) / 2).toBeLessThanOrEqual(400);
    });
  });

  it("gives up if the row is too short", () => {
    expect(spread([1, 2], [100, 100], [0, 200], 4)).toBeNull();
    expect(spread([], [], [0, 200], 4)).toEqual([]);
  });
});

describe("placing a label", () => {
  const box = (x: number, y: number): Box => ({ x, y, width: 40, height: 14 });

  it("measures the area that two boxes share", () => {
    expect(sharedArea(box(0, 0), box(30, 4))).toBe(100);
    expect(sharedArea(box(0, 0), box(40, 0))).toBe(0);
  });

  it("takes the first candidate that covers nothing", () => {
    const free = () => 0;
    expect(leastCovering([box(0, 0), box(50, 0), box(99, 0)], [box(10, 0)], free)).toEqual(
      box(50, 0),
    );
    expect(leastCovering([], [], free)).toBeNull();
  });

  it("avoids curves and the edges of the plot", () => {
    const frame = createFrame({
      width: 492,
      height: 300,
      top: 28,
      titled: false,
      xDomain: [1e-4, 1],
      yDomain: [0, 3],
      yLog: false,
    });
    const flat = makeSeries({ y: Float32Array.of(1, 1, 1, 1, 1) });
    const cost = plotCost(frame, [flat]);
    const y = frame.y(1);
    expect(cost(box(200, y - 7))).toBeGreaterThan(cost(box(200, y + 9)));
    expect(cost(box(200, y + 9))).toBe(0);
    expect(cost(box(frame.right - 10, y + 9))).toBeGreaterThan(0);
  });
});
