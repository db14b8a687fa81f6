import type { FullSweep } from "./api/sweeps";
import type { Entry } from "./state/entries";

/** The columns of an export, in order. */
export const EXPORTED = [
  "step",
  "learning_rate",
  "loss",
  "smoothed_loss",
  "loss_delta",
  "slope",
] as const;

/** All rows of all sweeps, with a column for the run. */
export function asCsv(sweeps: readonly FullSweep[]): string {
  const lines = [["run", ...EXPORTED].join(",")];
  for (const { run, columns } of sweeps) {
    const name = quote(run);
    const lists = EXPORTED.map((column) => columns[column]);
    for (let row = 0; row < (lists[0]?.length ?? 0); row++) {
      lines.push([name, ...lists.map((list) => cell(list[row]))].join(","));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The columns of the summary, named as in the responses of the server, at full precision. */
export function summaryCsv(entries: readonly Entry[]): string {
  const lines = entries.map(({ run, sweep, suggested, reliable, severity }) => [
    quote(run.run),
    quote(run.optimizer ?? ""),
    quote(run.model ?? ""),
    run.batch_size ?? "",
    run.status,
    quote(run.stop_reason ?? ""),
    run.steps,
    reliable ? (suggested ?? "") : "",
    sweep?.minimum_learning_rate ?? "",
    sweep?.divergence_learning_rate ?? "",
    severity ?? "",
  ]);
  return `${[SUMMARY, ...lines].map((line) => line.join(",")).join("\n")}\n`;
}

const SUMMARY = [
  "run",
  "optimizer",
  "model",
  "batch_size",
  "status",
  "stop_reason",
  "steps",
  "suggested_learning_rate",
  "minimum_learning_rate",
  "divergence_learning_rate",
  "severity",
];

/** Non-finite numbers as in the CSV of the server. */
const NOT_FINITE: Record<string, string> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" };

function cell(value: number | string | undefined): string {
  return typeof value === "string" ? (NOT_FINITE[value] ?? "nan") : String(value ?? "nan");
}

/** As `csv_cells.py` has it: a text that a spreadsheet would take for a formula gets an apostrophe. */
const FORMULA = /(^|[,;\t\r\n])(?=[ ]*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20])/g;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function quote(name: string): string {
  const text = NUMBER.test(name) ? name : name.replace(FORMULA, "$1'");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
