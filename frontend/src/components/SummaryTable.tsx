import { mdiAlert, mdiArrowDown, mdiArrowUp, mdiDownload } from "@mdi/js";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useMemo, useRef, useState } from "react";
import { saveFile } from "../files";
import { formatCount, formatLearningRate, plural } from "../format";
import { useDispatch } from "../state/context";
import type { Entry } from "../state/entries";
import { stopReason } from "../state/stopReason";
import { summaryCsv } from "../table";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

interface Column {
  name: string;
  numeric: boolean;
  /** The sort key; null is last in either direction. */
  key: (entry: Entry) => string | number | null;
}

const COLUMNS: Column[] = [
  { name: "Run", numeric: false, key: ({ run }) => run.run },
  { name: "Optimizer", numeric: false, key: ({ run }) => run.optimizer },
  { name: "Model", numeric: false, key: ({ run }) => run.model },
  { name: "Batch size", numeric: true, key: ({ run }) => run.batch_size },
  { name: "Suggested LR", numeric: true, key: (e) => (e.reliable ? e.suggested : null) },
  { name: "Lowest loss at", numeric: true, key: (e) => e.sweep?.minimum_learning_rate ?? null },
  { name: "Diverges from", numeric: true, key: (e) => e.sweep?.divergence_learning_rate ?? null },
  { name: "Steps", numeric: true, key: ({ run }) => run.steps },
  { name: "Outcome", numeric: false, key: (e) => outcome(e).text },
];

/** Including its border. */
const ROW_HEIGHT = 35;

interface SummaryTableProps {
  entries: readonly Entry[];
  activeRun: string | null;
}

/** The results of all shown runs as a table. Not rendered again by a zoom. */
export const SummaryTable = memo(function SummaryTable(props: SummaryTableProps) {
  const { entries, activeRun } = props;
  const dispatch = useDispatch();
  const [order, setOrder] = useState<{ column: number; down: boolean } | null>(null);
  const rows = useMemo(() => sortEntries(entries, order), [entries, order]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    initialRect: { width: 800, height: 480 },
  });
  const visible = virtual.getVirtualItems();
  const onPick = useCallback(
    (id: string) => {
      dispatch({ type: "focus", id });
    },
    [dispatch],
  );
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
        <button
          type="button"
          className="icon-button"
          aria-label="Summary as CSV"
          title="Summary as CSV"
          onClick={() => {
            saveFile(summaryCsv(rows), "summary.csv");
          }}
        >
          <Icon path={mdiDownload} />
        </button>
      </header>
      {/* A scrollable region has to be focusable by keyboard. */}
      <div
        ref={scroller}
        className="table"
        tabIndex={0}
        role="region"
        aria-label="Summary of the shown runs"
      >
        <table aria-rowcount={rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
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
            <Spacer height={visible[0]?.start ?? 0} />
            {visible.map(({ index }) => {
              const entry = rows[index];
              return (
                entry && (
                  <Row
                    key={entry.run.run}
                    entry={entry}
                    index={index}
                    active={entry.run.run === activeRun}
                    onPick={onPick}
                  />
                )
              );
            })}
            <Spacer height={virtual.getTotalSize() - (visible.at(-1)?.end ?? 0)} />
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

/** Takes the place of the rows that are scrolled out of view. */
function Spacer({ height }: { height: number }) {
  return height > 0 ? <tr aria-hidden="true" className="space" style={{ height }} /> : null;
}

interface RowProps {
  entry: Entry;
  index: number;
  active: boolean;
  onPick: (id: string) => void;
}

const Row = memo(function Row({ entry, index, active, onPick }: RowProps) {
  const { run, name, sweep, color, suggested, reliable } = entry;
  const suggestion = suggested !== null && reliable ? formatLearningRate(suggested) : null;
  const { text, tone } = outcome(entry);
  return (
    <tr aria-rowindex={index + 2} className={active ? "active" : ""}>
      <th scope="row">
        <button
          type="button"
          title={run.run}
          onClick={() => {
            onPick(run.id);
          }}
        >
          <span className="dot" style={{ background: color }} />
          {name}
        </button>
      </th>
      <td>{run.optimizer ?? "–"}</td>
      <td>{run.model ?? "–"}</td>
      <td className="numeric">{run.batch_size === null ? "–" : formatCount(run.batch_size)}</td>
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
      <td className={`outcome ${tone}`} title={text}>
        {tone === "running" && <span className="running-dot" />}
        {tone === "bad" && <Icon path={mdiAlert} className="warning" />}
        {text}
      </td>
    </tr>
  );
});

function rate(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : formatLearningRate(value);
}

function outcome(entry: Entry): { text: string; tone: "running" | "bad" | "plain" } {
  const { run, severity, error } = entry;
  if (run.status === "running") return { text: "running", tone: "running" };
  const bad = severity === "severe" || run.status === "failed" || run.status === "interrupted";
  if (error !== null && run.stop_reason === null) return { text: error, tone: "bad" };
  return { text: stopReason(run), tone: bad ? "bad" : "plain" };
}
