import { describe, expect, it } from "vitest";
import { strokesOf } from "../src/chart/Curves";
import { fitY, xExtent } from "../src/chart/domain";
import { createFrame, inView, MARGIN } from "../src/chart/frame";
import { hitTest } from "../src/chart/hit";
import { pathData } from "../src/chart/picture";
import { bisect, nearestIndex, valueAt } from "../src/chart/series";
import { segments, trace } from "../src/chart/trace";
import { neighbour } from "../src/chart/useKeyboard";
import { clampWindow, zoomAround } from "../src/chart/zoom";
import { makeSeries } from "./sweeps";

const frame = createFrame({
  width: MARGIN.left + 400 + MARGIN.right,
  height: 226,
  top: 0,
  titled: false,
  xDomain: [1e-4, 1],
  yDomain: [0, 2],
  yLog: false,
});

describe("frame", () => {
  it("maps decades to equal distances", () => {
    expect(frame.x(1e-4)).toBeCloseTo(MARGIN.left);
    expect(frame.x(1e-3)).toBeCloseTo(MARGIN.left + 100);
    expect(frame.x(1)).toBeCloseTo(MARGIN.left + 400);
    expect(frame.x.invert(MARGIN.left + 200)).toBeCloseTo(1e-2, 9);
  });

  it("takes the float32 ends of its domain as visible", () => {
    expect(inView(frame, Math.fround(1e-4))).toBe(true);
    expect(inView(frame, 2)).toBe(false);
  });
});

describe("points of a curve", () => {
  const { x } = makeSeries();

  it("finds neighbours", () => {
    expect(bisect(x, 5e-4)).toBe(1);
    expect(bisect(x, 5)).toBe(5);
    expect(nearestIndex(x, 2e-3)).toBe(1);
    expect(nearestIndex(x, 5e-3)).toBe(2);
    expect(nearestIndex(x, 1e-9)).toBe(0);
    expect(nearestIndex(x, 1e9)).toBe(4);
  });

  it("interpolates linearly on the log axis", () => {
    const series = makeSeries();
    expect(valueAt(series, 10 ** -2.5)).toBeCloseTo(1.25, 5);
    expect(valueAt(series, 1e-4)).toBeCloseTo(2);
    expect(valueAt(series, 1)).toBeCloseTo(8);
    expect(valueAt(series, 3)).toBeNaN();
  });
});

describe("trace", () => {
  const draw = (x: Float32Array, y: Float32Array) =>
    pathData((pen) => {
      trace(pen, frame, x, y);
    });

  it("leaves a gap where a value is not finite", () => {
    const path = draw(
      Float32Array.of(1e-4, 1e-3, 1e-2, 1e-1, 1),
      Float32Array.of(1, 1, Number.NaN, 1, 1),
    );
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.match(/L/g)).toHaveLength(2);
  });

  it("skips a learning rate of zero, which is not on a log axis", () => {
    const path = draw(Float32Array.of(0, 1e-3, 1e-2), Float32Array.of(1, 1, 1));
    expect(path).toMatch(/^M[\d.]+,[\d.]+L[\d.]+,[\d.]+$/);
  });

  it("downsamples dense points and keeps every extreme", () => {
    const count = 20_000;
    const x = Float32Array.from({ length: count }, (_, i) => 1e-4 * 10 ** ((4 * i) / (count - 1)));
    const y = new Float32Array(count).fill(1);
    y[7_777] = 2;
    y[12_345] = 0;
    const path = draw(x, y);
    const points = [...path.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map((match) => Number(match[2]));
    expect(points.length).toBeLessThan(2_000);
    expect(Math.min(...points)).toBeCloseTo(frame.y(2));
    expect(Math.max(...points)).toBeCloseTo(frame.y(0));
  });

  it("dashes what is skipped, without a gap to the rest", () => {
    const parts = segments(makeSeries({ solidFrom: 2, solidTo: 4 }));
    expect(parts).toEqual([
      { from: 0, to: 3, dashed: true },
      { from: 2, to: 4, dashed: false },
      { from: 3, to: 5, dashed: true },
    ]);
  });
});

describe("hitTest", () => {
  const high = makeSeries({ id: "high", y: Float32Array.of(2, 2, 2, 2, 2) });
  const low = makeSeries({ id: "low", y: Float32Array.of(1, 1, 1, 1, 1) });

  it("names the nearest curve first", () => {
    const nearHigh = hitTest([low, high], frame, frame.x(1e-2), frame.y(1.9));
    expect(nearHigh.map(({ series }) => series.id)).toEqual(["high", "low"]);
    expect(nearHigh[0]?.index).toBe(2);
    const nearLow = hitTest([low, high], frame, frame.x(1e-2), frame.y(1.2));
    expect(nearLow[0]?.series.id).toBe("low");
  });

  it("skips curves that end before, or have a gap there", () => {
    const short = makeSeries({ x: Float32Array.of(1e-4, 1e-3), y: Float32Array.of(1, 1) });
    const holed = makeSeries({ y: Float32Array.of(1, 1, Number.NaN, 1, 1) });
    expect(hitTest([short, holed], frame, frame.x(1e-2), frame.y(1))).toEqual([]);
  });
});

describe("fitY", () => {
  const options = { xDomain: [1e-4, 1], toDescent: true, rise: 0.25, log: false } as const;

  it("fits the line between two points", () => {
    const between = { ...options, xDomain: [2e-4, 4e-4] as const };
    const [low, high] = fitY([makeSeries()], between);
    // From 2 to 1.5 over a decade.
    expect(low).toBeLessThan(1.7);
    expect(low).toBeGreaterThan(1.6);
    expect(high).toBeGreaterThan(1.85);
    expect(high).toBeLessThan(1.95);
  });

  it("includes the raw values before the divergence, and does not fit faint curves", () => {
    const raw = Float32Array.of(2, 1.4, 0.2, 1.2, 0.1);
    const [low] = fitY([makeSeries({ raw })], options);
    expect(low).toBeLessThan(0.2);
    expect(low).toBeGreaterThanOrEqual(0);
    const huge = makeSeries({ id: "huge", y: makeSeries().y.map((y) => 1e7 * y), faint: true });
    expect(fitY([makeSeries(), huge], options)).toEqual(fitY([makeSeries()], options));
  });

  it("does not show negative losses where there are none", () => {
    expect(fitY([makeSeries({ y: Float32Array.of(2, 1.5, 0.01, 1.2, 8) })], options)[0]).toBe(0);
  });

  it("shows the descent and cuts off the divergence", () => {
    const [low, high] = fitY([makeSeries()], options);
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(2);
    expect(high).toBeLessThan(3);
  });

  it("shows everything without fitting", () => {
    expect(fitY([makeSeries()], { ...options, toDescent: false })[1]).toBeGreaterThan(8);
  });

  it("shows the divergence if nothing else is visible", () => {
    const [low, high] = fitY([makeSeries()], { ...options, xDomain: [0.5, 1] });
    expect(low).toBeLessThan(8);
    expect(high).toBeGreaterThan(8);
  });

  it("does not magnify noise", () => {
    const flat = makeSeries({ y: Float32Array.of(2.3, 2.301, 2.299, 2.3, 2.3), fitTo: 5 });
    const [low, high] = fitY([flat], options);
    expect(high - low).toBeGreaterThan(0.1);
  });

  it("is never empty", () => {
    expect(fitY([], options)).toEqual([0, 1]);
    expect(fitY([makeSeries({ y: new Float32Array(5).fill(Number.NaN) })], options)).toEqual([
      0, 1,
    ]);
  });

  it("keeps to positive numbers on a log axis", () => {
    const series = makeSeries({ y: Float32Array.of(1, 0, -1, 0.1, 1) });
    const [low] = fitY([series], { ...options, log: true });
    expect(low).toBeGreaterThan(0);
  });
});

it("spans the learning rates of all curves", () => {
  const longer = makeSeries({ x: Float32Array.of(1e-3, 10), y: Float32Array.of(1, 1) });
  const [low, high] = xExtent([makeSeries(), longer]) ?? [0, 0];
  expect(low).toBeCloseTo(1e-4, 9);
  expect(high).toBe(10);
  expect(xExtent([])).toBeNull();
  const fromZero = makeSeries({ x: Float32Array.of(0, 0.5, 1), y: Float32Array.of(1, 1, 1) });
  expect(xExtent([fromZero])).toEqual([0.5, 1]);
});

describe("zoom", () => {
  it("stays within the sweep, for either drag direction", () => {
    expect(clampWindow([1e-2, 1e-3], [1e-4, 1])).toEqual([1e-3, 1e-2]);
    expect(clampWindow([1e-9, 1e-2], [1e-4, 1])).toEqual([1e-4, 1e-2]);
    expect(clampWindow([1e-9, 10], [1e-4, 1])).toBeNull();
    expect(clampWindow([5, 6], [1e-4, 1])).toBeNull();
  });

  it("stays where the pointer is", () => {
    const [low = 0, high = 0] = zoomAround([1e-4, 1], 1e-2, 0.5, [1e-4, 1]) ?? [];
    expect(low).toBeCloseTo(1e-3, 6);
    expect(high).toBeCloseTo(1e-1, 6);
    expect(zoomAround([1e-3, 1e-1], 1e-2, 100, [1e-4, 1])).toBeNull();
  });

  it("has a minimum window", () => {
    const [low = 0, high = 0] = clampWindow([1e-2, 1e-2 * 1.0001], [1e-4, 1]) ?? [];
    expect(high / low).toBeGreaterThan(1.01);
  });
});

it("moves between curves by value", () => {
  const curves = [3, 1, 2].map((y) =>
    makeSeries({ id: `at ${y}`, y: new Float32Array(5).fill(y) }),
  );
  const [top, bottom, middle] = curves as [
    (typeof curves)[0],
    (typeof curves)[0],
    (typeof curves)[0],
  ];
  expect(neighbour(curves, bottom, 1e-2, 1)).toBe(middle);
  expect(neighbour(curves, middle, 1e-2, 1)).toBe(top);
  expect(neighbour(curves, top, 1e-2, 1)).toBeNull();
  expect(neighbour(curves, bottom, 1e-2, -1)).toBeNull();
});

describe("strokes", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      makeSeries({ id: `run ${i}`, raw: new Float32Array(5) }),
    );

  it("shows raw losses up to 6 curves", () => {
    expect(strokesOf(many(6), null, 1).every(({ raw }) => raw !== null)).toBe(true);
    expect(strokesOf(many(7), null, 1).every(({ raw }) => raw === null)).toBe(true);
  });

  it("draws one device pixel above 24 curves", () => {
    expect(strokesOf(many(25), null, 2)[0]?.line.width).toBe(0.5);
    expect(strokesOf(many(24), null, 2)[0]?.line.width).toBeGreaterThan(1);
  });

  it("draws the emphasized curve last, the others faint", () => {
    const strokes = strokesOf(many(3), "run 0", 1);
    expect(strokes.at(-1)?.series.id).toBe("run 0");
    expect(strokes.at(-1)?.line.alpha).toBe(1);
    expect(strokes[0]?.line.alpha).toBeLessThan(0.5);
  });
});
