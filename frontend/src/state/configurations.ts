import type { Run } from "../api/runs";
import { formatCount } from "../format";
import { decisiveSettings } from "../optimizer";
import { splitName } from "./names";

/** What a run trains with: a learning rate is only comparable among runs that share all of it. */
export interface Configuration {
  key: string;
  /** What distinguishes it first: usually the optimizer. */
  name: string;
  /** The rest of what it consists of. */
  detail: string;
}

/** The parts of a configuration as texts, by what they are; an empty one is unknown. */
interface Parts {
  optimizer: string;
  settings: string;
  model: string;
  weights: string;
  batch: string;
  folder: string;
}

/** A folder that counts repetitions, such as `seed3`, `run_2`, `2026-11-25` or `1`. */
const REPETITION =
  /^(seed|run|rep|repeat|repetition|trial|fold|sweep|version|try|attempt|v)?s?[-_. ]?\d[\d\-_:.T ]*$/i;

function partsOf(run: Run): Parts {
  const settings = decisiveSettings(run.optimizer_settings).map(([name, value]) =>
    value === true ? name.replace("_", " ") : `${name.replace("_", " ")} ${value}`,
  );
  const folders = splitName(run.run)
    .folder.split("/")
    .filter((part) => part !== "" && !REPETITION.test(part));
  return {
    optimizer: run.optimizer ?? "",
    settings: settings.join(", "),
    model: run.model ?? "",
    weights: run.parameters === null ? "" : `${formatCount(run.parameters)} weights`,
    batch: run.batch_size === null ? "" : `batch ${run.batch_size}`,
    folder: folders.length === 0 ? "" : `${folders.join("/")}/`,
  };
}

/**
 * The configuration of each run, by its name. Runs with all in common but their folders have different
 * configurations, unless the folders only count repetitions.
 */
export function configurationsOf(runs: readonly Run[]): ReadonlyMap<string, Configuration> {
  const parts = new Map(runs.map((run) => [run.run, partsOf(run)]));
  const all = [...parts.values()];
  const settingsVary =
    new Set(all.map(({ optimizer, settings }) => optimizer + settings)).size >
    new Set(all.map(({ optimizer }) => optimizer)).size;
  // Folders only name what is not named otherwise.
  const byRest = new Map<string, Set<string>>();
  for (const one of all) {
    const rest = JSON.stringify({ ...one, folder: "" });
    byRest.set(rest, (byRest.get(rest) ?? new Set()).add(one.folder));
  }
  const modelsOfOneName = hasSeveralWeights(all);
  return new Map(
    [...parts].map(([run, one]) => {
      const ambiguous = (byRest.get(JSON.stringify({ ...one, folder: "" }))?.size ?? 0) > 1;
      const listed = [
        one.model,
        modelsOfOneName.has(one.model) ? one.weights : "",
        settingsVary ? one.settings : "",
        one.batch,
        ambiguous ? one.folder || "no folder" : "",
      ].filter((part) => part !== "");
      const name = one.optimizer || "unknown optimizer";
      return [run, { key: JSON.stringify(one), name, detail: listed.join(" · ") }];
    }),
  );
}

/** The names that models with different numbers of weights have in common. */
function hasSeveralWeights(all: readonly Parts[]): ReadonlySet<string> {
  const weights = new Map<string, Set<string>>();
  for (const { model, weights: count } of all)
    weights.set(model, (weights.get(model) ?? new Set()).add(count));
  return new Set([...weights].filter(([, counts]) => counts.size > 1).map(([model]) => model));
}
