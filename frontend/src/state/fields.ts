import type { Run } from "../api/runs";
import { splitName } from "./names";

/** What runs are colored and grouped by. */
export const FIELDS = {
  optimizer: { name: "Optimizer", of: (run: Run) => run.optimizer ?? "unknown optimizer" },
  model: { name: "Model", of: (run: Run) => run.model ?? "unknown model" },
  batch_size: {
    name: "Batch size",
    of: (run: Run) => (run.batch_size === null ? "unknown batch size" : `batch ${run.batch_size}`),
  },
  folder: { name: "Folder", of: (run: Run) => splitName(run.run).folder || "no folder" },
  configuration: {
    name: "Configuration",
    of: (run: Run): string =>
      [FIELDS.optimizer, FIELDS.model, FIELDS.batch_size].map((field) => field.of(run)).join(" · "),
  },
} as const;

export type Field = keyof typeof FIELDS;

export function isField(text: string): text is Field {
  return Object.hasOwn(FIELDS, text);
}

/** The distinct values of a field among the runs, in natural order. */
export function fieldValues(runs: readonly Run[], field: Field): string[] {
  const values = new Set(runs.map((run) => FIELDS[field].of(run)));
  return [...values].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}
