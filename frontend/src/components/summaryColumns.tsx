import { mdiAlert } from "@mdi/js";
import type { ReactNode } from "react";
import { formatCount, formatLearningRate } from "../format";
import type { Entry } from "../state/entries";
import type { ColumnId } from "../state/settings";
import { stopReason } from "../state/stopReason";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

/** A column of the summary after the name of the run. */
export interface Column {
  id: ColumnId | "run";
  name: string;
  numeric: boolean;
  /** The sort key; null is last in either direction. */
  key: (entry: Entry) => string | number | null;
  cell: (entry: Entry) => ReactNode;
}

const NONE = "–";

export const RUN_COLUMN: Column = {
  id: "run",
  name: "Run",
  numeric: false,
  key: ({ run }) => run.run,
  cell: ({ name }) => name,
};

export const COLUMNS: readonly Column[] = [
  {
    id: "optimizer",
    name: "Optimizer",
    numeric: false,
    key: ({ run }) => run.optimizer,
    cell: ({ run }) => run.optimizer ?? NONE,
  },
  {
    id: "model",
    name: "Model",
    numeric: false,
    key: ({ run }) => run.model,
    cell: ({ run }) => run.model ?? NONE,
  },
  {
    id: "batch_size",
    name: "Batch size",
    numeric: true,
    key: ({ run }) => run.batch_size,
    cell: ({ run }) => (run.batch_size === null ? NONE : formatCount(run.batch_size)),
  },
  {
    id: "suggested",
    name: "Suggested LR",
    numeric: true,
    key: ({ reliable, suggested }) => (reliable ? suggested : null),
    cell: suggestionCell,
  },
  {
    id: "minimum",
    name: "Lowest loss at",
    numeric: true,
    key: ({ sweep }) => sweep?.minimum_learning_rate ?? null,
    cell: ({ sweep }) => rateOrNone(sweep?.minimum_learning_rate),
  },
  {
    id: "divergence",
    name: "Diverges from",
    numeric: true,
    key: ({ sweep }) => sweep?.divergence_learning_rate ?? null,
    cell: ({ sweep }) => rateOrNone(sweep?.divergence_learning_rate),
  },
  {
    id: "steps",
    name: "Steps",
    numeric: true,
    key: ({ run }) => run.steps,
    cell: ({ run }) => formatCount(run.steps),
  },
  {
    id: "outcome",
    name: "Outcome",
    numeric: false,
    key: (entry) => outcome(entry).text,
    cell: outcomeCell,
  },
];

function suggestionCell({ run, suggested, reliable }: Entry): ReactNode {
  if (suggested === null || !reliable)
    return <span className="dim">{run.status === "running" ? NONE : "unclear"}</span>;
  const rate = formatLearningRate(suggested);
  return (
    <>
      <b>{rate}</b>
      <CopyButton compact text={rate} label={`Copy ${rate}`} />
    </>
  );
}

function rateOrNone(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : formatLearningRate(value);
}

function outcomeCell(entry: Entry): ReactNode {
  const { text, tone } = outcome(entry);
  return (
    <span className={`outcome ${tone}`} title={text}>
      {tone === "running" && <span className="running-dot" />}
      {tone === "bad" && <Icon path={mdiAlert} className="warning" />}
      {text}
    </span>
  );
}

function outcome(entry: Entry): { text: string; tone: "running" | "bad" | "plain" } {
  const { run, severity, error } = entry;
  if (run.status === "running") return { text: "running", tone: "running" };
  const bad = severity === "severe" || run.status === "failed" || run.status === "interrupted";
  if (error !== null && run.stop_reason === null) return { text: error, tone: "bad" };
  return { text: stopReason(run), tone: bad ? "bad" : "plain" };
}
