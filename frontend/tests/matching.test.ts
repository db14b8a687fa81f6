import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { matchNames } from "../src/state/matching";

/** A worker that never responds. */
class StuckWorker {
  static terminated = 0;
  onmessage: ((event: { data: unknown }) => void) | null = null;

  postMessage() {
    this.onmessage?.({ data: "started" });
  }

  terminate() {
    StuckWorker.terminated++;
  }
}

const REQUEST = { pattern: /(a+)+$/, names: ["aaaa!"] };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("Worker", StuckWorker);
  StuckWorker.terminated = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("stops a worker that takes too long", async () => {
  const matching = matchNames(REQUEST, new AbortController().signal);
  const caught = expect(matching).rejects.toThrow("takes too long");
  await vi.advanceTimersByTimeAsync(999);
  expect(StuckWorker.terminated).toBe(0);
  await vi.advanceTimersByTimeAsync(2);
  await caught;
  expect(StuckWorker.terminated).toBe(1);
});

it("stops a worker whose result is no longer needed", async () => {
  const controller = new AbortController();
  const caught = expect(matchNames(REQUEST, controller.signal)).rejects.toThrow("aborted");
  controller.abort();
  await caught;
  expect(StuckWorker.terminated).toBe(1);
});
