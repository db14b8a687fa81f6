import { afterEach, expect, it, vi } from "vitest";
import { fetchTrials } from "../src/api/trials";

afterEach(() => {
  vi.unstubAllGlobals();
});

it("decodes trials", async () => {
  const asked: string[] = [];
  const raw = {
    run: "a b",
    diverged: true,
    config: { schedule: "CosineDecay" },
    columns: { epoch: [0, 1], loss: [1, "NaN"], validation_loss: null },
    final: { loss: "Infinity", gap: null },
  };
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(JSON.stringify({ trials: [raw], errors: [] })));
  });
  const { items: trials } = await fetchTrials(["a b", "c"]);
  expect(asked).toEqual(["trials?run=a%20b&run=c"]);
  expect(trials[0]).toMatchObject({ run: "a b", diverged: true, schedule: "CosineDecay" });
  expect(trials[0]?.columns).toEqual({
    epoch: Float64Array.of(0, 1),
    loss: Float64Array.of(1, Number.NaN),
  });
  expect(trials[0]?.final).toEqual({ loss: Infinity });
});
