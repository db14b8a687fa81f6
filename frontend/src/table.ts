import type { SweepInFull } from "./api";

/** The columns of an export, in order. */
export const EXPORTED = [
  "step",
  "learning_rate",
  "loss",
  "smoothed_loss",
  "loss_delta",
  "slope",
] as const;

/** All rows of all sweeps under one another, named by their run. */
export function asCsv(sweeps: readonly SweepInFull[]): string {
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

/** As the server's own CSV has what is no finite number. */
const NOT_FINITE: Record<string, string> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" };

function cell(value: number | string | undefined): string {
  return typeof value === "string" ? (NOT_FINITE[value] ?? "nan") : String(value ?? "nan");
}

function quote(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
