import type { Run } from "../api/runs";

/** `digits/` and `adam` of `digits/adam`. */
export function splitName(run: string): { folder: string; leaf: string } {
  const start = run.lastIndexOf("/") + 1;
  return { folder: run.slice(0, start), leaf: run.slice(start) };
}

/** `Adam · convnet · batch 64`, as far as it is known. */
export function description({ optimizer, model, batch_size }: Run): string {
  const batch = batch_size === null ? null : `batch ${batch_size}`;
  return [optimizer, model, batch].filter((part) => part !== null && part !== "").join(" · ");
}

/** Behind a slash, an underscore, a space or a hyphen, but not that of `1e-3`. */
const PART_ENDS = /(?<=[/_ ]|(?<!\de)-)/;
/** Fewer common letters within a name are shown. */
const MIN_GAP = 4;

/**
 * The names without the parts that all of them share: `adam` and `sgd` of `digits/adam` and
 * `digits/sgd`. An ellipsis stands for a part that is not a whole folder.
 */
export function distinctNames(runs: readonly string[]): ReadonlyMap<string, string> {
  if (runs.length < 2) return new Map(runs.map((run) => [run, run]));
  const split = runs.map((run) => run.split(PART_ENDS));
  const shortest = Math.min(...split.map(({ length }) => length));
  const shared = (at: (parts: string[]) => string | undefined) => {
    const first = split[0] && at(split[0]);
    return split.every((parts) => at(parts) === first);
  };
  let start = 0;
  let end = 0;
  while (start < shortest - 1 && shared((parts) => parts[start])) start++;
  while (start + end < shortest - 1 && shared((parts) => parts.at(-1 - end))) end++;
  const aligned = split.every(({ length }) => length === shortest);
  const kept = Array.from({ length: shortest }, (_, i) => !shared((parts) => parts[i]));
  const names = split.map((parts) => {
    const middle = parts.slice(start, parts.length - end);
    const text = aligned ? withGaps(middle, kept.slice(start)) : middle.join("");
    const before = start > 0 && !parts[start - 1]?.endsWith("/") ? "…" : "";
    if (end === 0) return before + text;
    return before + (text.endsWith("/") ? text.slice(0, -1) : `${text}…`);
  });
  const distinct = new Set(names).size === runs.length;
  return new Map(runs.map((run, i) => [run, (distinct ? names[i] : run) ?? run]));
}

/** The parts in one text, with an ellipsis for each stretch that is not kept. */
function withGaps(parts: readonly string[], kept: readonly boolean[]): string {
  let text = "";
  let gap = "";
  parts.forEach((part, i) => {
    if (!kept[i]) {
      gap += part;
      return;
    }
    text += gap.length < MIN_GAP ? gap : "…";
    gap = "";
    text += part;
  });
  return text + gap;
}
