import type { Run } from "../api/runs";
import type { Configuration } from "./configurations";
import { splitName } from "./names";

/** What runs are colored and grouped by. */
export const FIELDS = {
  configuration: "Configuration",
  optimizer: "Optimizer",
  model: "Model",
  batch_size: "Batch size",
  folder: "Folder",
} as const;

export type Field = keyof typeof FIELDS;

/** The value of a field of a run. */
export type FieldValue = (run: Run) => string;

export function isField(text: string): text is Field {
  return Object.hasOwn(FIELDS, text);
}

/** How to read a field of a run; `configurations` are those of all runs, by name. */
export function fieldOf(
  field: Field,
  configurations: ReadonlyMap<string, Configuration>,
): FieldValue {
  switch (field) {
    case "configuration":
      return ({ run }) => {
        const { name = "", detail = "" } = configurations.get(run) ?? {};
        return [name, detail].filter((part) => part !== "").join(" · ");
      };
    case "optimizer":
      return ({ optimizer }) => optimizer ?? "unknown optimizer";
    case "model":
      return ({ model }) => model ?? "unknown model";
    case "batch_size":
      return ({ batch_size: size }) => (size === null ? "unknown batch size" : `batch ${size}`);
    case "folder":
      return ({ run }) => splitName(run).folder || "no folder";
  }
}

/** The distinct values of a field among the runs, in natural order. */
export function fieldValues(runs: readonly Run[], valueOf: FieldValue): string[] {
  return [...new Set(runs.map(valueOf))].sort((a, b) =>
    a.localeCompare(b, undefined, { numeric: true }),
  );
}
