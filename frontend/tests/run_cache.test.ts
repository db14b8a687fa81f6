import { describe, expect, it, vi } from "vitest";
import type { RunsResponse } from "../src/api/http";
import { createSweepCache } from "../src/api/sweepCache";
import type { ColumnName, Columns, SweepPart, SweepsRequest } from "../src/api/sweeps";
import { createTrialCache } from "../src/api/trialCache";
import { makeRun, makeSweep, makeTrial } from "./sweeps";

const SETTINGS = { smoothing: null, deltaWindow: null, skipStart: 0, skipEnd: 0 };
const REQUEST: SweepsRequest = { settings: SETTINGS, columns: ["loss_delta"], buckets: 500 };
const BASIC = ["step", "learning_rate", "smoothed_loss"];

/** Responds like the server: with the requested columns. */
function makeServer(steps = 5) {
  const respond = (run: string, { columns }: SweepsRequest) => {
    const whole = makeSweep(run, { steps });
    const part: Partial<Columns> = {};
    for (const name of columns) part[name] = whole.columns[name] ?? Float32Array.of();
    return { ...whole, columns: part };
  };
  return vi.fn(
    (runs: readonly string[], request: SweepsRequest): Promise<RunsResponse<SweepPart>> =>
      Promise.resolve({
        items: runs.filter((run) => run !== "gone").map((run) => respond(run, request)),
        errors: runs.includes("gone") ? [{ run: "gone", message: "It is gone." }] : [],
      }),
  );
}

type Server = ReturnType<typeof makeServer>;

function requested(server: Server): [readonly string[], readonly ColumnName[]][] {
  return server.mock.calls.map(([runs, { columns }]) => [runs, columns]);
}

describe("the cache of sweeps", () => {
  it("requests only runs whose version has changed", async () => {
    const server = makeServer();
    const cache = createSweepCache(server);
    const first = await cache.load([makeRun("a"), makeRun("b")], REQUEST);
    expect([...first.byRun.keys()]).toEqual(["a", "b"]);
    const second = await cache.load([makeRun("a"), makeRun("b", { version: "2" })], REQUEST);
    expect(requested(server).map(([runs]) => runs)).toEqual([["a", "b"], ["b"]]);
    expect(second.byRun.get("a")).toBe(first.byRun.get("a"));
    await cache.load([makeRun("b", { version: "2" })], REQUEST);
    expect(server).toHaveBeenCalledTimes(2);
  });

  it("requests what is missing when more columns are wanted, and keeps the others", async () => {
    const server = makeServer();
    const cache = createSweepCache(server);
    const before = await cache.load([makeRun("a")], REQUEST);
    expect(before.byRun.get("a")?.columns.loss).toBeNull();
    const after = await cache.load([makeRun("a")], {
      ...REQUEST,
      columns: ["loss_delta", "loss"],
    });
    expect(requested(server)).toEqual([
      [["a"], [...BASIC, "loss_delta"]],
      [["a"], ["loss"]],
    ]);
    expect(after.byRun.get("a")?.columns).toEqual({ ...makeSweep("a").columns, slope: null });
  });

  it("requests the columns that a setting changes", async () => {
    const server = makeServer();
    const cache = createSweepCache(server);
    const wanted: ColumnName[] = ["loss_delta", "loss", "slope"];
    await cache.load([makeRun("a")], { ...REQUEST, columns: wanted });
    const settings = [
      { ...SETTINGS, smoothing: 0.5 },
      { ...SETTINGS, smoothing: 0.5, deltaWindow: 3 },
      { ...SETTINGS, smoothing: 0.5, deltaWindow: 3, skipEnd: 1 },
    ];
    for (const one of settings) {
      await cache.load([makeRun("a")], { ...REQUEST, settings: one, columns: wanted });
    }
    // What is skipped changes no column, but what is suggested.
    expect(requested(server).map(([, columns]) => columns)).toEqual([
      [...BASIC, ...wanted],
      ["smoothed_loss", "slope"],
      ["loss_delta"],
      [],
    ]);
  });

  it("requests every column of a downsampled sweep at once", async () => {
    const server = makeServer(1_000_000);
    const cache = createSweepCache(server);
    await cache.load([makeRun("a")], REQUEST);
    await cache.load([makeRun("a")], { ...REQUEST, columns: ["loss_delta", "loss"] });
    await cache.load([makeRun("a")], { ...REQUEST, buckets: 2_000 });
    expect(requested(server).map(([, columns]) => columns)).toEqual([
      [...BASIC, "loss_delta"],
      [...BASIC, "loss_delta", "loss"],
      [...BASIC, "loss_delta"],
    ]);
  });

  it("does not join columns of a sweep that has grown in between", async () => {
    const server = makeServer();
    const cache = createSweepCache(server);
    const before = await cache.load([makeRun("a")], REQUEST);
    const grown = { ...makeSweep("a", { steps: 6 }), columns: { loss: new Float32Array(6) } };
    server.mockResolvedValueOnce({ items: [grown], errors: [] });
    const after = await cache.load([makeRun("a")], {
      ...REQUEST,
      columns: ["loss_delta", "loss"],
    });
    expect(after.byRun.get("a")).toBe(before.byRun.get("a"));
  });

  it("caches errors", async () => {
    const server = makeServer();
    const cache = createSweepCache(server);
    await cache.load([makeRun("a"), makeRun("gone")], REQUEST);
    const { errors } = await cache.load([makeRun("a"), makeRun("gone")], REQUEST);
    expect(errors.get("gone")).toBe("It is gone.");
    expect(server).toHaveBeenCalledTimes(1);
  });

  it("keeps what it had when a request fails", async () => {
    const server = makeServer();
    const cache = createSweepCache(server);
    await cache.load([makeRun("a")], REQUEST);
    server.mockRejectedValueOnce(new Error("no server"));
    await expect(cache.load([makeRun("a", { version: "2" })], REQUEST)).rejects.toThrow();
    const { byRun } = await cache.load([makeRun("a")], REQUEST);
    expect(byRun.has("a")).toBe(true);
  });
});

describe("the cache of trials", () => {
  it("requests only the trials that have changed", async () => {
    const asked: string[][] = [];
    const cache = createTrialCache((runs) => {
      asked.push([...runs]);
      return Promise.resolve({
        items: runs.filter((run) => run !== "bad").map((run) => makeTrial(run)),
        errors: runs
          .filter((run) => run === "bad")
          .map((run) => ({ run, message: "It cannot be read." })),
      });
    });
    const of = (...versions: string[]) =>
      versions.map((version, i) => makeRun(["a", "b", "bad"][i] ?? "", { version }));
    const first = await cache.load(of("1", "1", "1"), {});
    expect([...first.byRun.keys()]).toEqual(["a", "b"]);
    expect(first.errors.get("bad")).toBe("It cannot be read.");
    await cache.load(of("1", "2", "1"), {});
    await cache.load(of("1", "2", "1"), {});
    expect(asked).toEqual([["a", "b", "bad"], ["b"]]);
  });
});
