export interface MatchRequest {
  pattern: RegExp;
  names: readonly string[];
}

const TIMEOUT_MS = 1_000;

/** Kept for the next request: starting one takes a request to the server. */
let idle: Worker | null = null;

/**
 * The names that match. A worker tests them: a link may carry any filter, some patterns take forever
 * (`(a+)+$`), and only a worker can be stopped.
 */
export function matchNames(request: MatchRequest, signal: AbortSignal): Promise<Set<string>> {
  const worker = idle ?? startWorker();
  idle = null;
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const fail = (error: Error) => {
      cleanUp();
      worker.terminate();
      reject(error);
    };
    const onAbort = () => {
      fail(new Error("aborted"));
    };
    const cleanUp = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort);
    worker.onerror = () => {
      fail(new Error("The filter could not be applied: its worker failed to load"));
    };
    worker.onmessage = ({ data }: MessageEvent<"started" | string[]>) => {
      if (data === "started") {
        timer = setTimeout(() => {
          fail(new Error("The filter takes too long to match; simplify it"));
        }, TIMEOUT_MS);
        return;
      }
      cleanUp();
      idle?.terminate();
      idle = worker;
      resolve(new Set(data));
    };
    worker.postMessage(request);
  });
}

function startWorker(): Worker {
  return new Worker(new URL("./matching.worker.ts", import.meta.url), { type: "module" });
}
