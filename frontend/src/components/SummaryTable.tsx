import { mdiAlert, mdiArrowDown, mdiArrowUp } from "@mdi/js";
import { memo, useMemo, useState } from "react";
import { formatCount, formatLearningRate, plural } from "../format";
import { type Entry, stopSentence } from "../state/entries";
import type { Action } from "../state/view";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

interface Column {
  name: string;
  numeric: boolean;
  /** What the rows are ordered by; null goes last either way. */
  key: (entry: Entry) => string | number | null;
}

const COLUMNS: Column[] = [
  { name: "Run", numeric: false, key: ({ run }) => run.run },
  { name: "Optimizer", numeric: false, key: ({ run }) => run.optimizer },
  { name: "Model", numeric: false, key: ({ run }) => run.model },
  { name: "Suggested LR", numeric: true, key: (e) => (e.reliable ? e.suggested : null) },
  { name: "Lowest loss at", numeric: true, key: (e) => e.sweep?.minimum_learning_rate ?? null },
  { name: "Diverged at", numeric: true, key: (e) => e.sweep?.divergence_learning_rate ?? null },
  { name: "Steps", numeric: true, key: ({ run }) => run.steps },
  { name: "Outcome", numeric: false, key: (e) => outcome(e).text },
];

interface SummaryTableProps {
  entries: readonly Entry[];
  activeRun: string | null;
  dispatch: (action: Action) => void;
}

/** The numbers of all shown runs, for those who read rather than look. Not drawn again by a zoom. */
export const SummaryTable = memo(function SummaryTable(props: SummaryTableProps) {
  const { entries, activeRun, dispatch } = props;
  const [order, setOrder] = useState<{ column: number; down: boolean } | null>(null);
  const rows = useMemo(() => sortEntries(entries, order), [entries, order]);
  const sortBy = (column: number) => {
    setOrder((now) => {
      if (now?.column !== column) return { column, down: false };
      return now.down ? null : { column, down: true };
    });
  };
  return (
    <section className="card" aria-label="Summary" data-testid="summary-card">
      <header>
        <h2>Summary</h2>
        <span className="subtitle">{plural(entries.length, "run")}</span>
      </header>
      {/* A region that scrolls has to be reached by keyboard. */}
      <div className="table" tabIndex={0} role="region" aria-label="Summary of the shown runs">
        <table>
          <thead>
            <tr>
              {COLUMNS.map(({ name, numeric }, column) => {
                const down = order?.column === column ? order.down : null;
                return (
                  <th
                    key={name}
                    scope="col"
                    className={numeric ? "numeric" : ""}
                    aria-sort={down === null ? "none" : down ? "descending" : "ascending"}
                  >
                    <button
                      type="button"
                      onClick={() => {
                        sortBy(column);
                      }}
                    >
                      {name}
                      {down !== null && <Icon path={down ? mdiArrowDown : mdiArrowUp} />}
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows.map((entry) => (
              <Row
                key={entry.run.run}
                entry={entry}
                active={entry.run.run === activeRun}
                onPick={(id) => {
                  dispatch({ type: "focus", id });
                }}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
});

export function sortEntries(
  entries: readonly Entry[],
  order: { column: number; down: boolean } | null,
): readonly Entry[] {
  const key = order && COLUMNS[order.column]?.key;
  if (!key) return entries;
  return [...entries].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const difference =
      typeof x === "number" && typeof y === "number"
        ? x - y
        : String(x).localeCompare(String(y), undefined, { numeric: true });
    return order.down ? -difference : difference;
  });
}

function Row({
  entry,
  active,
  onPick,
}: {
  entry: Entry;
  active: boolean;
  onPick: (id: string) => void;
}) {
  const { run, sweep, color, suggested, reliable } = entry;
  const suggestion = suggested !== null && reliable ? formatLearningRate(suggested) : null;
  const { text, tone } = outcome(entry);
  return (
    <tr className={active ? "active" : ""}>
      <th scope="row">
        <button
          type="button"
          onClick={() => {
            onPick(run.id);
          }}
        >
          <span className="dot" style={{ background: color }} />
          {run.run}
        </button>
      </th>
      <td>{run.optimizer ?? "–"}</td>
      <td>{run.model ?? "–"}</td>
      <td className="numeric">
        {suggestion === null ? (
          <span className="dim">{run.status === "running" ? "–" : "unclear"}</span>
        ) : (
          <>
            <b>{suggestion}</b>
            <CopyButton compact text={suggestion} label={`Copy ${suggestion}`} />
          </>
        )}
      </td>
      <td className="numeric">{rate(sweep?.minimum_learning_rate)}</td>
      <td className="numeric">{rate(sweep?.divergence_learning_rate)}</td>
      <td className="numeric">{formatCount(run.steps)}</td>
      <td className={`outcome ${tone}`}>
        {tone === "running" && <span className="running-dot" />}
        {tone === "bad" && <Icon path={mdiAlert} className="warning" />}
        {text}
      </td>
    </tr>
  );
}

function rate(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : formatLearningRate(value);
}

function outcome(entry: Entry): { text: string; tone: "running" | "bad" | "plain" } {
  const { run, severity } = entry;
  if (run.status === "running") return { text: "running", tone: "running" };
  const bad = severity === "severe" || run.status === "failed" || run.status === "interrupted";
  return { text: stopSentence(run), tone: bad ? "bad" : "plain" };
}
