import { mdiArrowDown, mdiArrowUp, mdiDownload, mdiTableColumn } from "@mdi/js";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useMemo, useRef, useState } from "react";
import { saveFile } from "../files";
import { plural } from "../format";
import { useDispatch } from "../state/context";
import type { Entry } from "../state/entries";
import { COLUMN_IDS, type ColumnId } from "../state/settings";
import { summaryCsv } from "../table";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { COLUMNS, type Column, RUN_COLUMN } from "./summaryColumns";

/** Including its border. */
const ROW_HEIGHT = 35;

interface SummaryTableProps {
  entries: readonly Entry[];
  hidden: readonly ColumnId[];
  activeRun: string | null;
}

/** The results of all shown runs as a table. Not rendered again by a zoom. */
export const SummaryTable = memo(function SummaryTable(props: SummaryTableProps) {
  const { entries, hidden, activeRun } = props;
  const dispatch = useDispatch();
  const [order, setOrder] = useState<Order | null>(null);
  const columns = useMemo(
    () => COLUMNS.filter(({ id }) => id === "run" || !hidden.includes(id)),
    [hidden],
  );
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
  const sortBy = (column: Column["id"]) => {
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
        <ColumnMenu hidden={hidden} />
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
              {[RUN_COLUMN, ...columns].map(({ id: column, name, numeric }) => {
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
                    columns={columns}
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

interface Order {
  column: Column["id"];
  down: boolean;
}

export function sortEntries(entries: readonly Entry[], order: Order | null): readonly Entry[] {
  const key = order && [RUN_COLUMN, ...COLUMNS].find(({ id }) => id === order.column)?.key;
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
  columns: readonly Column[];
  index: number;
  active: boolean;
  onPick: (id: string) => void;
}

const Row = memo(function Row({ entry, columns, index, active, onPick }: RowProps) {
  const { run, name, color } = entry;
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
      {columns.map(({ id, numeric, cell }) => (
        <td key={id} className={numeric ? "numeric" : ""}>
          {cell(entry)}
        </td>
      ))}
    </tr>
  );
});

/** Which columns to show. */
function ColumnMenu({ hidden }: { hidden: readonly ColumnId[] }) {
  const dispatch = useDispatch();
  return (
    <Menu icon={mdiTableColumn} label="Columns" keepOpen>
      {COLUMN_IDS.map((id) => (
        <label key={id} className="check">
          <input
            type="checkbox"
            checked={!hidden.includes(id)}
            onChange={(event) => {
              const rest = hidden.filter((other) => other !== id);
              const hiddenColumns = event.target.checked ? rest : [...rest, id];
              dispatch({ type: "set", settings: { hiddenColumns } });
            }}
          />
          {COLUMNS.find((column) => column.id === id)?.name}
        </label>
      ))}
    </Menu>
  );
}
