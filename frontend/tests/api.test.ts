import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, MAX_URL_LENGTH } from "../src/api/http";
import { createRunsClient } from "../src/api/runs";
import {
  decodeFloats,
  downloadUrl,
  fetchSweeps,
  type SweepsRequest,
  sweepUrls,
} from "../src/api/sweeps";
import { makeRun, makeSweep, packed } from "./sweeps";

const DRAWN: SweepsRequest = {
  settings: { smoothing: null, deltaWindow: null, skipStart: 0, skipEnd: 0 },
  columns: ["step", "smoothed_loss"],
  buckets: 500,
};

function respond(...responses: (Response | Error)[]) {
  const fetch = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();
  for (const response of responses) {
    if (response instanceof Error) fetch.mockRejectedValueOnce(response);
    else fetch.mockResolvedValueOnce(response);
  }
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("URLs", () => {
  it("name every run once, each short enough for proxies", () => {
    const runs = Array.from({ length: 1_000 }, (_, i) => `folder/with a long name/run-${i}`);
    const urls = sweepUrls(runs, DRAWN);
    expect(urls.length).toBeGreaterThan(1);
    expect(urls.every((url) => url.length <= MAX_URL_LENGTH)).toBe(true);
    const named = urls.flatMap((url) => new URLSearchParams(url.split("?")[1]).getAll("run"));
    expect(named).toEqual(runs);
  });

  it("encode names, including hostile ones", () => {
    const name = "a&run=b/<img onerror=x>#é%2f";
    const [url = ""] = sweepUrls([name], DRAWN);
    expect(new URLSearchParams(url.split("?")[1]).getAll("run")).toEqual([name]);
    expect(new URLSearchParams(downloadUrl(name, "csv").split("?")[1]).get("run")).toBe(name);
  });

  it("are relative, so that they work under a path prefix", () => {
    for (const url of [...sweepUrls(["a"], DRAWN), downloadUrl("a", "csv")]) {
      expect(url).toMatch(/^[a-z]+\?/);
    }
  });

  it("contain only what differs from the recorded settings", () => {
    expect(sweepUrls(["a"], DRAWN)).toEqual([
      "sweeps?encoding=base64&columns=step,smoothed_loss&buckets=500&run=a",
    ]);
    expect(
      sweepUrls(["a"], {
        ...DRAWN,
        settings: { smoothing: 0, deltaWindow: 5, skipStart: 1, skipEnd: 2 },
      }),
    ).toEqual([
      "sweeps?encoding=base64&columns=step,smoothed_loss&buckets=500&smoothing=0&delta_window=5&skip_start=1&skip_end=2&run=a",
    ]);
    expect(sweepUrls([], DRAWN)).toEqual([]);
  });

  it("still request a run whose name alone is too long", () => {
    expect(sweepUrls(["a", "x".repeat(9_000), "b"], DRAWN)).toHaveLength(3);
  });
});

describe("runs", () => {
  it("are the same array while the server reports no change", async () => {
    const runs = JSON.stringify({ runs: [makeRun("a")] });
    const fetch = respond(
      new Response(runs, { headers: { ETag: '"1"' } }),
      new Response(null, { status: 304 }),
    );
    const client = createRunsClient();
    const first = await client();
    const second = await client();
    expect(second).toBe(first);
    expect(fetch.mock.calls[0]?.[1].headers).toEqual({});
    expect(fetch.mock.calls[1]?.[1].headers).toEqual({ "If-None-Match": '"1"' });
  });

  it("have a notice about the list as a whole", async () => {
    respond(
      new Response(JSON.stringify({ runs: [], notice: "TensorBoard does not list 9 runs." })),
    );
    expect((await createRunsClient()()).notice).toBe("TensorBoard does not list 9 runs.");
  });

  it("are identified by name if they have no id", async () => {
    respond(new Response(JSON.stringify({ runs: [{ ...makeRun("a"), id: null }] })));
    expect((await createRunsClient()()).runs[0]?.id).toBe("a");
  });

  it("are distinguished if a copied directory repeats an id", async () => {
    const copies = [makeRun("a", { id: "1" }), makeRun("copy/a", { id: "1" })];
    respond(new Response(JSON.stringify({ runs: copies })));
    expect((await createRunsClient()()).runs.map(({ id }) => id)).toEqual(["1", "1@copy/a"]);
  });
});

describe("sweeps", () => {
  const sweep = makeSweep("a");
  const columns = Object.fromEntries(
    Object.entries(sweep.columns).map(([name, values]) => [name, packed(values as Float32Array)]),
  );

  it("are decoded, including non-finite values", async () => {
    const loss = Float32Array.of(2.5, Number.NaN, Number.POSITIVE_INFINITY);
    const body = { ...sweep, columns: { ...columns, loss: packed(loss) } };
    respond(new Response(JSON.stringify({ sweeps: [body], errors: [] })));
    const { items: sweeps } = await fetchSweeps(["a"], DRAWN);
    expect(sweeps[0]?.columns.loss).toEqual(loss);
    expect(sweeps[0]?.suggestion?.learning_rate).toBe(0.001);
    expect(sweeps[0]?.suggestion?.ranges).toBeNull();
  });

  it("accept only positive learning rates", async () => {
    const body = { ...sweep, columns, minimum_learning_rate: "NaN", divergence_learning_rate: 0 };
    respond(new Response(JSON.stringify({ sweeps: [body], errors: [] })));
    const [only] = (await fetchSweeps(["a"], DRAWN)).items;
    expect(only?.minimum_learning_rate).toBeNull();
    expect(only?.divergence_learning_rate).toBeNull();
  });
});

describe("errors", () => {
  it("have the status, the URL and the message of the server", async () => {
    respond(new Response("smoothing is -1; it has to be 0 to 2.", { status: 400 }));
    const error = await fetchSweeps(["a"], DRAWN).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 400,
      url: "sweeps",
      detail: "smoothing is -1; it has to be 0 to 2.",
    });
  });

  it("do not show the page of a proxy", async () => {
    respond(new Response("<html>Bad gateway</html>", { status: 502, statusText: "Bad Gateway" }));
    const error = await createRunsClient()().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 502, detail: "Bad Gateway" });
  });

  it("tell when there is no server", async () => {
    respond(new TypeError("Failed to fetch"));
    const error = await createRunsClient()().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: null, detail: "Failed to fetch" });
  });
});

it("decodes little-endian floats", () => {
  expect([...decodeFloats("AACAPwAAAEA=")]).toEqual([1, 2]);
  expect(decodeFloats("")).toHaveLength(0);
});
