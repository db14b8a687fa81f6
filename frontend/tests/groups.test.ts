import { quantile } from "d3-array";
import { describe, expect, it } from "vitest";
import { bandOf } from "../src/chart/band";
import { valueAt } from "../src/chart/series";
import { groupGuides, lossSeries } from "../src/state/curves";
import { drawable } from "../src/state/entries";
import { fieldOf, fieldValues } from "../src/state/fields";
import { geometricMedian } from "../src/state/geometricMedian";
import { groupEntries, groupPoints, groupSeries, mostTypical } from "../src/state/groups";
import { DEFAULT_SETTINGS } from "../src/state/settings";
import { makeEntry, makeRun, makeSeries } from "./sweeps";

const NONE = new Map<string, never>();
const OPTIMIZER = fieldOf("optimizer", NONE);

describe("fields", () => {
  it("list their values in natural order", () => {
    const runs = [128, 32, null, 64, 32].map((batch_size) => makeRun("a", { batch_size }));
    expect(fieldValues(runs, fieldOf("batch_size", NONE))).toEqual([
      "batch 32",
      "batch 64",
      "batch 128",
      "unknown batch size",
    ]);
    const folders = ["a/b/leaf", "a/leaf", "leaf"].map((name) => makeRun(name));
    expect(fieldValues(folders, fieldOf("folder", NONE))).toEqual(["a/", "a/b/", "no folder"]);
  });
});

describe("bandOf", () => {
  const identity = { id: "g", label: "g", color: "#111111" };

  it("holds the median and the middle 80 % of the drawn lines", () => {
    const x = Float32Array.of(1e-4, 1e-2, 1);
    const members = [1, 2, 3, 5, 9].map((k) => makeSeries({ x, y: Float32Array.of(k, 2 * k, k) }));
    const { x: grid, y, band } = bandOf(identity, members);
    for (const i of [0, 100, 199, 399]) {
      const values = members.map((one) => valueAt(one, grid[i] ?? NaN));
      expect(y[i]).toBeCloseTo(quantile(values, 0.5) ?? NaN, 5);
      expect(band?.low[i]).toBeCloseTo(quantile(values, 0.1) ?? NaN, 5);
      expect(band?.high[i]).toBeCloseTo(quantile(values, 0.9) ?? NaN, 5);
    }
  });

  it("ends where fewer than half of the curves continue", () => {
    const short = Float32Array.of(1e-4, 1e-3);
    const long = Float32Array.of(1e-4, 1e-1);
    const y = Float32Array.of(2, 1);
    const band = bandOf(identity, [
      makeSeries({ x: short, y }),
      makeSeries({ x: short, y }),
      makeSeries({ x: long, y }),
    ]);
    expect(band.x.at(-1)).toBeCloseTo(1e-1);
    const last = band.y.findLastIndex(Number.isFinite);
    expect(band.x[last]).toBeGreaterThan(0.95e-3);
    expect(band.x[last]).toBeLessThanOrEqual(1.0001e-3);
  });

  it("has no step where a curve ends or starts", () => {
    const full = Float32Array.of(1e-4, 1e-1);
    const part = Float32Array.of(1e-4, 1e-3);
    const flat = (level: number, x = full) => makeSeries({ x, y: Float32Array.of(level, level) });
    const late = makeSeries({ x: Float32Array.of(1e-2, 1e-1), y: Float32Array.of(9, 9) });
    const { y, band } = bandOf(identity, [flat(1), flat(2), flat(8), flat(9, part), late]);
    for (const values of [y, band?.low, band?.high]) {
      expect(values).toBeDefined();
      for (const value of values ?? []) expect(value).toBeCloseTo(values?.[0] ?? NaN, 4);
    }
  });

  it("does not bend where a curve above it ends", () => {
    const falls = (offset: number) =>
      makeSeries({ x: Float32Array.of(1e-4, 1e-1), y: Float32Array.of(3 + offset, offset) });
    const diverges = makeSeries({
      x: Float32Array.of(1e-4, 1e-3, 1e-2),
      y: Float32Array.of(3, 3, 90),
      diverges: true,
    });
    const { y } = bandOf(identity, [falls(0), falls(0.2), falls(0.1), diverges, diverges]);
    const slopes = Array.from({ length: 100 }, (_, i) => (y[299 + i] ?? NaN) - (y[298 + i] ?? NaN));
    for (const slope of slopes) expect(slope).toBeCloseTo(slopes[0] ?? NaN, 4);
    expect(y.at(-1)).toBeCloseTo(0.2, 3);
  });

  it("continues in the shape of the curves that are left", () => {
    const falls = makeSeries({ x: Float32Array.of(1e-4, 1e-2), y: Float32Array.of(3, 1) });
    const ends = makeSeries({ x: Float32Array.of(1e-4, 1e-3), y: Float32Array.of(3, 3) });
    const { x, y } = bandOf(identity, [falls, falls, ends, ends]);
    const at = (rate: number) => y[x.findIndex((value) => value >= rate)] ?? NaN;
    expect(at(1e-3)).toBeCloseTo(2.5, 1);
    expect(y.at(-1)).toBeCloseTo(1.5, 1);
  });

  it("is fitted like its curves", () => {
    const x = Float32Array.of(1e-4, 1e-3, 1e-2, 1e-1, 1);
    const members = [1, 2, 3].map((fitFrom) => makeSeries({ x, fitFrom, fitTo: 4 }));
    const { x: grid, fitFrom, fitTo } = bandOf(identity, members);
    expect(grid[fitFrom]).toBeGreaterThanOrEqual(1e-2);
    expect(grid[fitFrom - 1]).toBeLessThan(1e-2);
    expect(grid[fitTo - 1]).toBeLessThan(1);
  });
});

describe("groupEntries", () => {
  const entries = drawable([
    makeEntry("adam1", { suggested: 1e-3 }),
    makeEntry("adam2", { suggested: 1e-1 }),
    makeEntry("adam3", { suggested: 1e-6, reliable: false }),
    makeEntry("sgd", { run: makeRun("sgd", { optimizer: "SGD" }) }),
  ]);

  it("groups entries with the same value, and leaves the others", () => {
    const { groups, singles } = groupEntries(entries, OPTIMIZER, null);
    expect(groups.map(({ value, label }) => [value, label])).toEqual([["Adam", "Adam, 3 sweeps"]]);
    expect(singles.map(({ run }) => run.run)).toEqual(["sgd"]);
    expect(groupEntries(entries, null, null).singles).toBe(entries);
  });

  it("never averages over optimizers", () => {
    const { groups } = groupEntries(
      drawable([...entries, makeEntry("sgd2", { run: makeRun("sgd2", { optimizer: "SGD" }) })]),
      fieldOf("model", NONE),
      null,
    );
    expect(groups.map(({ value }) => value)).toEqual(["convnet · Adam", "convnet · SGD"]);
  });

  it("also draws the active run by itself", () => {
    const { groups, singles } = groupEntries(entries, OPTIMIZER, "adam2");
    expect(groups[0]?.entries).toHaveLength(3);
    expect(singles.map(({ run }) => run.run)).toEqual(["adam2", "sgd"]);
  });

  it("marks the median of the reliable suggestions, halfway on the log axis", () => {
    const { groups } = groupEntries(entries, OPTIMIZER, null);
    expect(groupPoints(groups)[0]?.x).toBeCloseTo(1e-2);
    expect(geometricMedian([1e-3, null, NaN, 1e-1])).toBeCloseTo(1e-2, 10);
    expect(geometricMedian([null, NaN])).toBeNull();
    const unreliable = drawable([1, 2].map((i) => makeEntry(`a${i}`, { reliable: false })));
    expect(groupPoints(groupEntries(unreliable, OPTIMIZER, null).groups)).toEqual([]);
  });

  it("has a line at the median of each group, with its number", () => {
    const { groups, singles } = groupEntries(entries, OPTIMIZER, null);
    expect(groupGuides(groups, singles)).toMatchObject([
      { text: "Adam: 0.01", seriesId: "//Adam" },
      { text: "sgd: 0.001", seriesId: "sgd" },
    ]);
  });

  it("makes one curve of each group", () => {
    const { groups } = groupEntries(entries, OPTIMIZER, null);
    const [series] = groupSeries(
      groups,
      (some) => lossSeries(some, null, DEFAULT_SETTINGS),
      "band",
    );
    expect(series?.label).toBe("Adam, 3 sweeps");
    // All three have the very same curve.
    expect(series?.y[0]).toBe(2);
    expect(series?.band?.low[0]).toBe(2);
  });
});

describe("mostTypical", () => {
  const group = (entries: ReturnType<typeof makeEntry>[]) => ({
    id: "//a",
    value: "a",
    label: "a",
    color: "#111111",
    entries: drawable(entries),
  });

  it("is the sweep whose reliable suggestion is nearest to the median, in decades", () => {
    const rates = [1e-5, 1e-4, 2e-4, 1e-2];
    const entries = rates.map((suggested) => makeEntry(String(suggested), { suggested }));
    const unreliable = makeEntry("odd", { suggested: 1.4e-4, reliable: false });
    expect(mostTypical(group([unreliable, ...entries]))?.run.run).toBe("0.0001");
  });

  it("is the first sweep if none has a suggestion", () => {
    const entries = ["a", "b"].map((name) => makeEntry(name, { suggested: null, reliable: false }));
    expect(mostTypical(group(entries))?.run.run).toBe("a");
  });
});
