import type { Run } from "../api/runs";

/** `digits/` and `adam` of `digits/adam`. */
export function splitName(run: string): { folder: string; leaf: string } {
  const start = run.lastIndexOf("/") + 1;
  return { folder: run.slice(0, start), leaf: run.slice(start) };
}

/** `Adam · convnet`, as far as it is known. */
export function description({ optimizer, model }: Run): string {
  return [optimizer, model].filter((part) => part !== null && part !== "").join(" · ");
}
