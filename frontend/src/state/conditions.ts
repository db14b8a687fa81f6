import type { Run } from "../api/runs";
import { confidenceOf } from "./confidence";

/** Whether a run meets a condition of the filter, such as `lr > 0.001`. */
export type Condition = (run: Run) => boolean;

type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** What conditions can be about: a number, or a text. */
const VALUES: Record<string, (run: Run) => number | string | null> = {
  lr: rateOf,
  batch: ({ batch_size }) => batch_size,
  steps: ({ steps }) => steps,
  optimizer: ({ optimizer }) => optimizer,
  model: ({ model }) => model,
  status: ({ status }) => status,
  kind: ({ kind }) => kind,
  confidence: (run) =>
    run.kind === "trial" || run.status === "running"
      ? null
      : confidenceOf([{ severity: run.severity, reliable: rateOf(run) !== null }], null),
};

const CONDITION = new RegExp(
  `^(${Object.keys(VALUES).join("|")})\\s*(<=|>=|!=|=|<|>)\\s*(\\S.*)$`,
  "i",
);

/** The learning rate of a trial, or the reliable suggestion of a sweep. */
function rateOf({ kind, learning_rate, severity, suggestion }: Run): number | null {
  if (kind === "trial") return learning_rate;
  return severity === "severe" ? null : (suggestion?.learning_rate ?? null);
}

/**
 * The conditions of a filter, and what is left of it: the regular expression on names. Parts are
 * separated by commas: `digits, lr > 0.001, optimizer = adam`.
 */
export function parseConditions(filter: string): {
  conditions: Condition[];
  rest: string;
  error: string | null;
} {
  const conditions: Condition[] = [];
  const rest: string[] = [];
  let error: string | null = null;
  for (const part of filter.split(",")) {
    const [, name, operator, text] = CONDITION.exec(part.trim()) ?? [];
    if (name === undefined || operator === undefined || text === undefined) {
      rest.push(part);
      continue;
    }
    const condition = conditionOf(name.toLowerCase(), operator as Operator, text.trim());
    if (condition) conditions.push(condition);
    else error = `\`${name} ${operator}\` needs a number. Received: ${text.trim()}`;
  }
  // Without a condition, a comma is part of the regular expression.
  return { conditions, rest: conditions.length > 0 ? rest.join(",").trim() : filter, error };
}

function conditionOf(name: string, operator: Operator, text: string): Condition | null {
  const valueOf = VALUES[name];
  if (!valueOf) return null;
  const number = Number(text);
  const isNumeric = name === "lr" || name === "batch" || name === "steps";
  if (isNumeric && !Number.isFinite(number)) return null;
  if (!isNumeric && operator !== "=" && operator !== "!=") return null;
  return (run) => {
    const value = valueOf(run);
    if (value === null) return operator === "!=";
    if (typeof value === "number") return compare(value, operator, number);
    // A part of the text is enough: "adam" finds Adam and AdamW.
    return value.toLowerCase().includes(text.toLowerCase()) === (operator === "=");
  };
}

/** Learning rates are equal if they are equal to the digits that are shown. */
function compare(value: number, operator: Operator, other: number): boolean {
  const equal = Math.abs(value - other) <= 0.05 * Math.abs(other);
  switch (operator) {
    case "=":
      return equal;
    case "!=":
      return !equal;
    case "<":
      return value < other;
    case "<=":
      return value <= other;
    case ">":
      return value > other;
    case ">=":
      return value >= other;
  }
}
