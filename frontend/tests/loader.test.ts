import { describe, expect, it, vi } from "vitest";
import type { ColumnName, Columns, SweepsAnswer, SweepsRequest } from "../src/api";
import { SweepLoader } from "../src/state/loader";
import { makeRun, makeSweep } from "./sweeps";

const SETTINGS = { smoothing: null, deltaWindow: null, skipStart: 0, skipEnd: 0 };
const REQUEST: SweepsRequest = { settings: SETTINGS, columns: ["loss_delta"], buckets: 500 };
const BASIC = ["step", "learning_rate", "smoothed_loss"];

/** Answers as the server does: with the columns that were asked for. */
function makeServer(steps = 5) {
  const answer = (run: string, { columns }: SweepsRequest) => {
    const whole = makeSweep(run, { steps });
    const part: Partial<Columns> = {};
    for (const name of columns) part[name] = whole.columns[name] ?? Float32Array.of();
    return { ...whole, columns: part };
  };
  return vi.fn(
    (runs: readonly string[], request: SweepsRequest): Promise<SweepsAnswer> =>
      Promise.resolve({
        sweeps: runs.filter((run) => run !== "gone").map((run) => answer(run, request)),
        errors: runs.includes("gone") ? [{ run: "gone", message: "It is gone." }] : [],
      }),
  );
}

type Server = ReturnType<typeof makeServer>;

function asked(server: Server): [readonly string[], readonly ColumnName[]][] {
  return server.mock.calls.map(([runs, { columns }]) => [runs, columns]);
}

describe("SweepLoader", () => {
  it("asks only for runs whose version has changed", async () => {
    const server = makeServer();
    const loader = new SweepLoader(server);
    const first = await loader.load([makeRun("a"), makeRun("b")], REQUEST);
    expect([...first.byRun.keys()]).toEqual(["a", "b"]);
    const second = await loader.load([makeRun("a"), makeRun("b", { version: "2" })], REQUEST);
    expect(asked(server).map(([runs]) => runs)).toEqual([["a", "b"], ["b"]]);
    expect(second.byRun.get("a")).toBe(first.byRun.get("a"));
    await loader.load([makeRun("b", { version: "2" })], REQUEST);
    expect(server).toHaveBeenCalledTimes(2);
  });

  it("asks for what is missing when more columns are wanted, and keeps the others", async () => {
    const server = makeServer();
    const loader = new SweepLoader(server);
    const before = await loader.load([makeRun("a")], REQUEST);
    expect(before.byRun.get("a")?.columns.loss).toBeNull();
    const after = await loader.load([makeRun("a")], {
      ...REQUEST,
      columns: ["loss_delta", "loss"],
    });
    expect(asked(server)).toEqual([
      [["a"], [...BASIC, "loss_delta"]],
      [["a"], ["loss"]],
    ]);
    expect(after.byRun.get("a")?.columns).toEqual({ ...makeSweep("a").columns, slope: null });
  });

  it("asks for the columns that a setting changes", async () => {
    const server = makeServer();
    const loader = new SweepLoader(server);
    const wanted: ColumnName[] = ["loss_delta", "loss", "slope"];
    await loader.load([makeRun("a")], { ...REQUEST, columns: wanted });
    const settings = [
      { ...SETTINGS, smoothing: 0.5 },
      { ...SETTINGS, smoothing: 0.5, deltaWindow: 3 },
      { ...SETTINGS, smoothing: 0.5, deltaWindow: 3, skipEnd: 1 },
    ];
    for (const one of settings) {
      await loader.load([makeRun("a")], { ...REQUEST, settings: one, columns: wanted });
    }
    // What is skipped changes no column, but what is suggested.
    expect(asked(server).map(([, columns]) => columns)).toEqual([
      [...BASIC, ...wanted],
      ["smoothed_loss", "slope"],
      ["loss_delta"],
      [],
    ]);
  });

  it("asks for every column of a thinned sweep at once", async () => {
    const server = makeServer(1_000_000);
    const loader = new SweepLoader(server);
    await loader.load([makeRun("a")], REQUEST);
    await loader.load([makeRun("a")], { ...REQUEST, columns: ["loss_delta", "loss"] });
    await loader.load([makeRun("a")], { ...REQUEST, buckets: 2_000 });
    expect(asked(server).map(([, columns]) => columns)).toEqual([
      [...BASIC, "loss_delta"],
      [...BASIC, "loss_delta", "loss"],
      [...BASIC, "loss_delta"],
    ]);
  });

  it("does not join columns of a sweep that has grown in between", async () => {
    const server = makeServer();
    const loader = new SweepLoader(server);
    const before = await loader.load([makeRun("a")], REQUEST);
    const grown = { ...makeSweep("a", { steps: 6 }), columns: { loss: new Float32Array(6) } };
    server.mockResolvedValueOnce({ sweeps: [grown], errors: [] });
    const after = await loader.load([makeRun("a")], {
      ...REQUEST,
      columns: ["loss_delta", "loss"],
    });
    expect(after.byRun.get("a")).toBe(before.byRun.get("a"));
  });

  it("remembers what could not be answered", async () => {
    const server = makeServer();
    const loader = new SweepLoader(server);
    await loader.load([makeRun("a"), makeRun("gone")], REQUEST);
    const { errors } = await loader.load([makeRun("a"), makeRun("gone")], REQUEST);
    expect(errors.get("gone")).toBe("It is gone.");
    expect(server).toHaveBeenCalledTimes(1);
  });

  it("keeps what it had when a request fails", async () => {
    const server = makeServer();
    const loader = new SweepLoader(server);
    await loader.load([makeRun("a")], REQUEST);
    server.mockRejectedValueOnce(new Error("no server"));
    await expect(loader.load([makeRun("a", { version: "2" })], REQUEST)).rejects.toThrow();
    const { byRun } = await loader.load([makeRun("a")], REQUEST);
    expect(byRun.has("a")).toBe(true);
  });
});
