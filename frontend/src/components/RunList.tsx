import { mdiAlert, mdiMagnify } from "@mdi/js";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useId, useRef } from "react";
import { NO_CURSOR } from "../chart/cursor";
import { formatCount, formatExactRate, formatLearningRate } from "../format";
import { useCursorStore, useDispatch } from "../state/context";
import type { Entry } from "../state/entries";
import { description, splitName } from "../state/names";
import { Icon } from "./Icon";

interface RunListProps {
  entries: readonly Entry[];
  shown: ReadonlySet<string>;
  activeRun: string | null;
  filter: string;
  filterError: string | null;
}

const ROW_HEIGHT = 44;

const FILTER_HELP =
  "A regular expression on names, conditions, or both, separated by commas: " +
  "digits, lr > 0.001, optimizer = adam, batch = 64, confidence = low, status = failed";

/** The runs with checkbox, color and suggestion. Not rendered again by a zoom. */
export const RunList = memo(function RunList(props: RunListProps) {
  const { entries, shown, activeRun, filter, filterError } = props;
  return (
    <>
      <Filter filter={filter} error={filterError} />
      <SelectAll entries={entries} shown={shown} />
      {entries.length === 0 ? (
        <p className="no-match">No run matches the filter.</p>
      ) : (
        <Rows entries={entries} shown={shown} activeRun={activeRun} />
      )}
    </>
  );
});

function Filter({ filter, error }: { filter: string; error: string | null }) {
  const dispatch = useDispatch();
  const errorId = useId();
  return (
    <div className="filter">
      <Icon path={mdiMagnify} />
      <input
        type="search"
        value={filter}
        placeholder="Filter: name, or lr > 0.001"
        aria-label="Filter runs by a regular expression"
        title={FILTER_HELP}
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : errorId}
        spellCheck={false}
        onChange={(event) => {
          dispatch({ type: "filter", filter: event.target.value });
        }}
      />
      {error !== null && (
        <p id={errorId} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

function SelectAll({ entries, shown }: Pick<RunListProps, "entries" | "shown">) {
  const dispatch = useDispatch();
  const box = useRef<HTMLInputElement>(null);
  const count = entries.filter(({ run }) => shown.has(run.run)).length;
  const all = count === entries.length && count > 0;
  useEffect(() => {
    if (box.current) box.current.indeterminate = count > 0 && !all;
  }, [count, all]);
  return (
    <div className="select-all">
      <label>
        <input
          ref={box}
          type="checkbox"
          checked={all}
          aria-label="Show all runs"
          onChange={() => {
            dispatch({ type: "show", ids: entries.map(({ run }) => run.id), shown: !all });
          }}
        />
        <b>Run</b>
      </label>
      <span className="count">
        {formatCount(count)} of {formatCount(entries.length)} shown
      </span>
      <span className="column">Learning rate</span>
    </div>
  );
}

type RowsProps = Omit<RunListProps, "filter" | "filterError">;

function Rows({ entries, shown, activeRun }: RowsProps) {
  const cursor = useCursorStore();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    initialRect: { width: 288, height: 800 },
  });
  return (
    // Keyboard users scroll it by moving through its controls.
    <div
      ref={scroller}
      className="rows"
      onPointerLeave={() => {
        cursor.set(NO_CURSOR);
      }}
    >
      <ul style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const entry = entries[index];
          return (
            entry && (
              <li
                key={entry.run.run}
                style={{ transform: `translateY(${start}px)` }}
                aria-setsize={entries.length}
                aria-posinset={index + 1}
                className={entry.run.run === activeRun ? "active" : ""}
                onPointerEnter={() => {
                  cursor.set({ ...NO_CURSOR, seriesId: entry.run.run });
                }}
              >
                <RunRow entry={entry} shown={shown.has(entry.run.run)} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

function RunRow({ entry, shown }: { entry: Entry; shown: boolean }) {
  const dispatch = useDispatch();
  const { run, name, color } = entry;
  const { folder, leaf } = splitName(name);
  const kind = run.kind === "trial" ? "Trial · " : "";
  return (
    <>
      <input
        type="checkbox"
        checked={shown}
        style={{ accentColor: color }}
        aria-label={`Show ${run.run}`}
        onChange={() => {
          dispatch({ type: "show", ids: [run.id], shown: !shown });
        }}
      />
      <button
        type="button"
        title={run.run}
        onClick={() => {
          dispatch({ type: "focus", id: run.id });
        }}
      >
        <span className="name">
          {name !== run.run && <span className="sr-only">{run.run}</span>}
          <span className="title">
            {folder && <span className="folder">{folder}</span>}
            <span className="leaf">{leaf || "."}</span>
          </span>
          <span className="description">
            {kind}
            {description(run)}
          </span>
        </span>
        <Outcome entry={entry} />
      </button>
    </>
  );
}

function Outcome({ entry }: { entry: Entry }) {
  const { run, suggested, reliable } = entry;
  if (run.kind === "trial") return <TrialOutcome entry={entry} />;
  if (run.status === "running") {
    const progress = run.planned_steps ? Math.floor((100 * run.steps) / run.planned_steps) : null;
    return (
      <span className="outcome" title="This sweep is running">
        <span className="running-dot" />
        {suggested !== null && reliable
          ? formatLearningRate(suggested)
          : progress === null
            ? "running"
            : `${Math.min(progress, 100)} %`}
      </span>
    );
  }
  if (suggested !== null && reliable) {
    return <b className="outcome">{formatLearningRate(suggested)}</b>;
  }
  return (
    <span className="outcome unclear">
      <Icon path={mdiAlert} className="warning" />
      {run.status === "failed" ? "failed" : "unclear"}
    </span>
  );
}

/** The learning rate of a trial; not in bold, as it is not a suggestion. */
function TrialOutcome({ entry: { run } }: { entry: Entry }) {
  return (
    <span className={run.status === "failed" ? "outcome unclear" : "outcome trial"}>
      {run.status === "running" && <span className="running-dot" />}
      {run.status === "failed" && <Icon path={mdiAlert} className="warning" />}
      {run.learning_rate === null ? "trial" : formatExactRate(run.learning_rate)}
    </span>
  );
}
