import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";
import type { MatchRequest } from "../src/state/matching";

// A loaded machine renders the whole page in seconds.
configure({ asyncUtilTimeout: 10_000 });

afterEach(() => {
  cleanup();
});

/** happy-dom has no workers: this one matches names in the page. */
class FakeWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;

  postMessage({ pattern, names }: MatchRequest) {
    queueMicrotask(() => {
      this.onmessage?.({ data: "started" });
      this.onmessage?.({ data: names.filter((name) => pattern.test(name)) });
    });
  }

  terminate() {
    this.onmessage = null;
  }
}

Object.assign(globalThis, { Worker: FakeWorker });
