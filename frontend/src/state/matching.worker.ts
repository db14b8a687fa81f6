import type { MatchRequest } from "./matching";

self.onmessage = ({ data: { pattern, names } }: MessageEvent<MatchRequest>) => {
  // The time limit starts here, not while the worker is loaded.
  self.postMessage("started");
  self.postMessage(names.filter((name) => pattern.test(name)));
};
