import { describe, expect, it } from "vitest";
import { fileName } from "../src/files";
import { kerasFile, kerasSnippets } from "../src/kerasCode";
import { asCsv, EXPORTED, summaryCsv } from "../src/table";
import { makeEntry, makeRun, makeSweep } from "./sweeps";

const RANGES = {
  long_training: 3.3e-4,
  one_cycle_max: 0.003,
  cyclical: [0.0004, 0.003] as [number, number],
};

function sweepWith(config: Record<string, unknown>, ranges: typeof RANGES | null = RANGES) {
  const suggestion = { rule: "mid_descent", learning_rate: 0.001, reason: null, ranges };
  return makeSweep("a", { suggestion, config });
}

describe("Keras code", () => {
  it("has the optimizer of the sweep, with the settings its learning rate depends on", () => {
    const settings = { momentum: 0.9, nesterov: true, weight_decay: null, name: "x" };
    const sweep = sweepWith({ optimizer: "SGD", optimizer_settings: settings });
    const [constant] = kerasSnippets(7.234e-4, sweep);
    expect(constant?.code).toContain(
      "keras.optimizers.SGD(learning_rate=0.00072, momentum=0.9, nesterov=True)",
    );
  });

  it("has the numbers that are shown", () => {
    const snippets = kerasSnippets(0.001, sweepWith({ optimizer: "Adam" }));
    expect(snippets.map(({ name, values }) => [name, values])).toEqual([
      ["Constant learning rate", "0.001"],
      ["Long training", "0.00033"],
      ["Cyclical learning rate", "0.0004 to 0.003"],
      ["One cycle", "up to 0.003"],
    ]);
  });

  it("omits custom optimizers and settings that are not numbers", () => {
    const foreign = kerasSnippets(0.001, sweepWith({ optimizer: "X(); evil" }));
    expect(foreign.map(({ code }) => code).join()).not.toContain("evil");
    const odd = sweepWith({ optimizer: "SGD", optimizer_settings: { momentum: "0); evil(" } });
    expect(kerasSnippets(0.001, odd)[0]?.code).not.toContain("evil");
  });

  it("has only the constant learning rate if there are no ranges", () => {
    expect(kerasSnippets(0.001, sweepWith({ optimizer: "Adam" }, null))).toHaveLength(1);
  });

  it("does not execute the name of a run", () => {
    const file = kerasFile('a"""\nimport os', kerasSnippets(0.001, sweepWith({})));
    expect(file.split("\n")[0]).toMatch(/^"""[^"]*"""$/);
    expect(file.match(/^import/gm)).toHaveLength(1);
  });
});

describe("CSV of the curves", () => {
  it("has a line per row, exact numbers, and quoted names", () => {
    const list = (...values: (number | string)[]) => values;
    const columns = Object.fromEntries(
      EXPORTED.map((name) => [name, list(0.1, "NaN")]),
    ) as unknown as Parameters<typeof asCsv>[0][0]["columns"];
    columns.loss = ["Infinity", "-Infinity"];
    expect(asCsv([{ run: 'a,"b"', columns }])).toBe(
      [
        "run,step,learning_rate,loss,smoothed_loss,loss_delta,slope",
        '"a,""b""",0.1,0.1,inf,0.1,0.1,0.1',
        '"a,""b""",nan,nan,-inf,nan,nan,nan',
        "",
      ].join("\n"),
    );
  });
});

describe("CSV of the summary", () => {
  it("has no names that a spreadsheet takes for formulas", () => {
    const run = makeRun("=1+2", { optimizer: "+a;=b", model: "-1.5e-3" });
    const [, line] = summaryCsv([makeEntry("=1+2", { run })]).split("\n");
    expect(line).toContain("'=1+2,'+a;'=b,-1.5e-3,32,");
    const columns = Object.fromEntries(
      EXPORTED.map((name) => [name, [-0.5]]),
    ) as unknown as Parameters<typeof asCsv>[0][0]["columns"];
    expect(asCsv([{ run: "@x", columns }])).toContain("\n'@x,-0.5,");
  });

  it("has a line for each sweep, and no suggestion where none is reliable", () => {
    const good = makeEntry("a,b", { suggested: 0.00123456789 });
    const bad = makeEntry("c", {
      run: makeRun("c", { optimizer: null, batch_size: null }),
      sweep: null,
      reliable: false,
      severity: "severe",
    });
    expect(summaryCsv([good, bad]).split("\n")).toEqual([
      "run,optimizer,model,batch_size,status,stop_reason,steps,suggested_learning_rate," +
        "minimum_learning_rate,divergence_learning_rate,severity",
      '"a,b",Adam,convnet,32,finished,diverged,5,0.00123456789,0.01,1,',
      "c,,convnet,,finished,diverged,5,,,,severe",
      "",
    ]);
  });
});

describe("file names", () => {
  it("are valid on every file system", () => {
    expect(fileName("Loss, digits/adam")).toBe("loss-digits-adam");
    expect(fileName("../..")).toBe("chart");
  });
});
