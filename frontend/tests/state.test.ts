import { describe, expect, it } from "vitest";
import { colorsByStart, suggestionScale } from "../src/state/colors";
import { deltaSeries, faintRuns, initialLossRatio, lossSeries, marksOf } from "../src/state/curves";
import { createEntries, drawable } from "../src/state/entries";
import { compileFilter } from "../src/state/filter";
import { parseHash, replaceParts } from "../src/state/host";
import { fromLink, toLink } from "../src/state/link";
import { DEFAULT_SETTINGS } from "../src/state/settings";
import { stopReason } from "../src/state/stopReason";
import { INITIAL_VIEW, isChecked, reduce, type View } from "../src/state/view";
import { makeEntry, makeRun, makeSweep } from "./sweeps";

describe("view", () => {
  const shown = (view: View, ids: string[]) => ids.filter((id) => isChecked(view.selection, id));

  it("hides and shows runs", () => {
    const hidden = reduce(INITIAL_VIEW, { type: "show", ids: ["a", "b"], shown: false });
    expect(shown(hidden, ["a", "b", "c"])).toEqual(["c"]);
    const again = reduce(hidden, { type: "show", ids: ["a"], shown: true });
    expect(shown(again, ["a", "b", "c"])).toEqual(["a", "c"]);
  });

  it("shows only the runs that a link names, and allows others to be added", () => {
    const linked = fromLink({ runs: "a,b" });
    expect(shown(linked, ["a", "b", "new"])).toEqual(["a", "b"]);
    const more = reduce(linked, { type: "show", ids: ["new"], shown: true });
    expect(shown(more, ["a", "b", "new"])).toEqual(["a", "b", "new"]);
  });

  it("shows the run that gets the focus", () => {
    const hidden = reduce(INITIAL_VIEW, { type: "show", ids: ["a"], shown: false });
    const focused = reduce(hidden, { type: "focus", id: "a" });
    expect(focused.focus).toBe("a");
    expect(shown(focused, ["a"])).toEqual(["a"]);
  });
});

describe("filter", () => {
  it("ignores case", () => {
    expect(compileFilter("ADAM|sgd$").pattern?.test("digits/adam")).toBe(true);
    expect(compileFilter("^adam").pattern?.test("digits/adam")).toBe(false);
  });

  it("accepts patterns that are invalid with the u flag", () => {
    expect(compileFilter("a\\-b").pattern?.test("a-b")).toBe(true);
  });

  it("reports an invalid pattern, and hides nothing", () => {
    const { pattern, error } = compileFilter("(");
    expect(pattern).toBeNull();
    expect(error).toMatch(/\(/);
  });

  it("has a maximum length", () => {
    const { pattern, error } = compileFilter("a".repeat(501));
    expect(pattern).toBeNull();
    expect(error).toBe("The filter is longer than 500 characters");
  });
});

describe("link", () => {
  const ids = ["a", "b", "c", "d"];

  it("is empty for a fresh view", () => {
    expect(toLink(INITIAL_VIEW, { all: ids, matches: [] })).toEqual({});
    expect(fromLink({})).toEqual(INITIAL_VIEW);
  });

  it("restores the same view", () => {
    const view: View = {
      selection: { mode: "all-but", ids: new Set(["b"]) },
      focus: "c",
      filter: "adam & (sgd)=1",
      linkedMatches: new Set(["a", "c"]),
      zoom: [1e-5, 0.25],
      marker: 0.0123,
      settings: {
        ...DEFAULT_SETTINGS,
        smoothing: 0.3,
        deltaWindow: 5,
        skipStart: 10,
        skipEnd: 2,
        showRaw: false,
        colorBy: "batch_size",
        groupBy: "model",
        showMembers: false,
        hiddenColumns: ["model", "steps"],
        showDelta: false,
        fitDescent: false,
        logLoss: true,
        relativeLoss: true,
        rule: "valley",
      },
    };
    const parts = toLink(view, { all: ids, matches: ["a", "c"] });
    expect(fromLink(parts)).toEqual(view);
    expect(fromLink(parseHash(replaceParts("#lr_finder", parts)))).toEqual(view);
    const slope: View = {
      ...INITIAL_VIEW,
      settings: { ...DEFAULT_SETTINGS, delta: "slope" },
    };
    expect(fromLink(toLink(slope, { all: ids, matches: [] }))).toEqual(slope);
  });

  it("names the shown runs if most are hidden", () => {
    const view = reduce(INITIAL_VIEW, { type: "show", ids: ["a", "b", "c"], shown: false });
    expect(toLink(view, { all: ids, matches: [] })).toEqual({ runs: "d" });
  });

  it("encodes ids with commas, ampersands and percent signs", () => {
    const odd = ["a,b", "c&p.lr_finder.focus=x", "100%", "é"];
    const view = reduce(INITIAL_VIEW, { type: "show", ids: odd.slice(1, 3), shown: false });
    const { selection } = fromLink(
      parseHash(replaceParts("", toLink(view, { all: odd, matches: [] }))),
    );
    expect(odd.filter((id) => isChecked(selection, id))).toEqual(["a,b", "é"]);
    expect(fromLink({ runs: "%E0%A4%A" }).selection.ids).toEqual(new Set(["%E0%A4%A"]));
  });

  it("omits the matches of the filter if they would fill the URL", () => {
    const many = Array.from({ length: 300 }, (_, i) => String(i));
    const view = reduce(INITIAL_VIEW, { type: "filter", filter: "a" });
    expect(toLink(view, { all: many, matches: many })).toEqual({ filter: "a" });
  });

  it("drops the matches of a link when another filter is typed", () => {
    const linked = fromLink({ filter: "^a", matches: "x,y" });
    expect(linked.linkedMatches).toEqual(new Set(["x", "y"]));
    expect(reduce(linked, { type: "filter", filter: "b" }).linkedMatches).toBeNull();
  });

  it("names none of the runs when all are hidden", () => {
    const view = reduce(INITIAL_VIEW, { type: "show", ids, shown: false });
    const { selection } = fromLink(toLink(view, { all: ids, matches: [] }));
    expect(ids.some((id) => isChecked(selection, id))).toBe(false);
  });

  it.each([
    { zoom: "1,abc" },
    { zoom: "2,1" },
    { zoom: "-1,1" },
    { marker: "-1" },
    { marker: "1e999" },
    { marker: "" },
    { smoothing: "1e9" },
    { skip: "-3,x" },
    { delta: "0.5" },
    { color: "<img>" },
    { group: "toString" },
  ])("ignores invalid parts: %o", (parts) => {
    expect(fromLink(parts as Record<string, string>)).toEqual(INITIAL_VIEW);
  });

  it("keeps the rest of the URL of the host", () => {
    const hash = "#lr_finder&runSelectionState=e30&p.other.x=1&p.lr_finder.focus=old";
    expect(replaceParts(hash, { focus: "new" })).toBe(
      "#lr_finder&runSelectionState=e30&p.other.x=1&p.lr_finder.focus=new",
    );
    expect(parseHash("#lr_finder&p.lr_finder.filter=%E0%A4%A")).toEqual({});
  });
});

const NAMES = { names: new Map<string, string>(), colors: new Map<string, string>() };

describe("entries", () => {
  const runs = [makeRun("a"), makeRun("b", { severity: "severe" }), makeRun("c")];
  const severe = { code: "flat", severity: "severe" as const, message: "Flat." };
  const sweeps = {
    byRun: new Map([["c", makeSweep("c", { diagnosis: [severe] })]]),
    errors: new Map([["b", "There is no sweep."]]),
  };

  it("are based on the list until the sweep is loaded", () => {
    const [a, b, c] = createEntries(runs, { ...NAMES, sweeps });
    expect(a).toMatchObject({ suggested: 0.001, reliable: true, error: null });
    expect(b).toMatchObject({ reliable: false, error: "There is no sweep." });
    expect(c).toMatchObject({ suggested: 0.001, severity: "severe", reliable: false });
  });

  it("have no suggestion and no diagnosis while the sweep runs", () => {
    const running = [makeRun("c", { status: "running" })];
    const [entry] = createEntries(running, { ...NAMES, sweeps });
    expect(entry).toMatchObject({ suggested: null, severity: null, reliable: false });
  });

  it("follow the chosen rule", () => {
    const [a, , c] = createEntries(runs, { ...NAMES, sweeps, rule: "valley" });
    expect(a?.suggested).toBeNull();
    expect(c?.suggested).toBe(0.002);
  });

  it("tell why a sweep ended", () => {
    expect(stopReason(makeRun("a"))).toBe("the loss diverged");
    expect(stopReason(makeRun("a", { stop_reason: "a new reason" }))).toBe("a new reason");
    expect(stopReason(makeRun("a", { stop_reason: null, status: "interrupted" }))).toMatch(
      /heartbeat/,
    );
  });
});

describe("curves", () => {
  const entry = makeEntry("a");
  const [drawn] = drawable([entry, makeEntry("b", { sweep: null })]);
  if (!drawn) throw new Error("the entry has a sweep");

  it("omit sweeps without rows", () => {
    const empty = makeSweep("a");
    empty.columns.learning_rate = new Float32Array();
    expect(drawable([makeEntry("a", { sweep: empty }), makeEntry("b", { sweep: null })])).toEqual(
      [],
    );
  });

  it("are relative to their start on request", () => {
    const [series] = lossSeries([drawn], null, { ...DEFAULT_SETTINGS, relativeLoss: true });
    expect([...(series?.y ?? [])]).toEqual([1, 0.75, 0.5, Math.fround(0.6), 4]);
  });

  it("fit losses up to the divergence, and deltas up to the minimum", () => {
    const series = { ...drawn, sweep: makeSweep("a", { divergence_learning_rate: 0.1 }) };
    expect(lossSeries([series], null, DEFAULT_SETTINGS)[0]?.fitTo).toBe(4);
    expect(deltaSeries([series], DEFAULT_SETTINGS)[0]?.fitTo).toBe(3);
  });

  it("show the delta over a window, or the slope", () => {
    const { columns } = drawn.sweep;
    expect(deltaSeries([drawn], DEFAULT_SETTINGS)[0]?.y).toBe(columns.loss_delta);
    const settings = { ...DEFAULT_SETTINGS, delta: "slope" } as const;
    expect(deltaSeries([drawn], settings)[0]?.y).toBe(columns.slope);
  });

  it("are marked with a dot each, and in detail when focused", () => {
    expect(marksOf([drawn], null, "Valley").guides).toEqual([]);
    const marks = marksOf([drawn], drawn, "Valley");
    expect(marks.points).toEqual([{ seriesId: "a", x: 0.001, hollow: false }]);
    expect(marks.guides).toEqual([
      { x: 0.001, text: "Suggested 0.001", short: "0.001", tone: "clear", seriesId: null },
    ]);
    expect(marks.ring?.text).toBe("min 0.01");
    expect(marks.limit?.text).toBe("diverges from 1");
    expect(marks.shaded).toEqual([]);
    const unclear = { ...drawn, reliable: false };
    expect(marksOf([unclear], unclear, "Valley").guides[0]?.text).toBe("Unclear, Valley at 0.001");
  });

  it("tint the steps that the rules skip", () => {
    const settings = { smoothing: 0, delta_window: 2, skip_start: 1, skip_end: 2 };
    const skipped = { ...drawn, sweep: makeSweep("a", { settings }) };
    const { shaded } = marksOf([skipped], skipped, "Valley");
    const rounded = shaded.map((range) => range.map((lr) => Number(lr.toPrecision(3))));
    expect(rounded).toEqual([
      [1e-4, 1e-3],
      [1e-2, 1],
    ]);
    const [series] = lossSeries([skipped], null, DEFAULT_SETTINGS);
    expect([series?.solidFrom, series?.solidTo]).toEqual([1, 3]);
  });

  it("are faint without a clear suggestion, or with losses far above those of most", () => {
    const scaled = (name: string, factor: number) => {
      const sweep = makeSweep(name);
      sweep.columns.smoothed_loss = sweep.columns.smoothed_loss.map((loss) => factor * loss);
      return { ...drawn, run: makeRun(name), sweep };
    };
    const unclear = { ...drawn, run: makeRun("unclear"), reliable: false };
    const entries = [drawn, scaled("b", 2), scaled("huge", 1e6), unclear];
    const faint = new Map([
      ["unclear", "unclear"],
      ["huge", "large"],
    ]);
    expect(faintRuns(entries, DEFAULT_SETTINGS)).toEqual(faint);
    expect(lossSeries(entries, null, DEFAULT_SETTINGS, faint).map((one) => one.faint)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    const relative = { ...DEFAULT_SETTINGS, relativeLoss: true };
    expect([...faintRuns(entries, relative).keys()]).toEqual(["unclear"]);
  });

  it("have a ratio of their initial losses", () => {
    const large = makeSweep("b");
    large.columns.smoothed_loss = large.columns.smoothed_loss.map((loss) => 100 * loss);
    expect(initialLossRatio([drawn, { ...drawn, sweep: large }])).toBeCloseTo(100);
    expect(initialLossRatio([drawn])).toBe(1);
  });
});

describe("colors", () => {
  const byName = ({ run }: { run: string }) => run;

  it("differ for each value, up to twelve", () => {
    const runs = Array.from({ length: 12 }, (_, i) => makeRun(`run ${i}`));
    expect(new Set(colorsByStart(runs, byName, false).values()).size).toBe(12);
    expect(colorsByStart(runs, byName, false)).not.toEqual(colorsByStart(runs, byName, true));
    const optimizers = colorsByStart(runs, ({ optimizer }) => optimizer ?? "", false);
    expect(new Set(optimizers.values()).size).toBe(1);
  });

  it("do not change when a run is added", () => {
    const before = [makeRun("b", { start_time: 1 }), makeRun("c", { start_time: 2 })];
    const after = [makeRun("a", { start_time: 3 }), ...before];
    for (const { run } of before) {
      expect(colorsByStart(after, byName, false).get(run)).toBe(
        colorsByStart(before, byName, false).get(run),
      );
    }
  });

  it("run from the smallest to the largest suggestion", () => {
    const scale = suggestionScale([1e-3, 1e-1, 1e-2], false);
    expect([scale?.low, scale?.high]).toEqual([1e-3, 1e-1]);
    expect(scale?.color(1e-3)).not.toBe(scale?.color(1e-1));
    expect(suggestionScale([1e-3, 1e-3], false)).toBeNull();
  });
});
