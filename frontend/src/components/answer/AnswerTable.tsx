import { useState } from "react";
import { NO_CURSOR } from "../../chart/cursor";
import { formatCount, formatLearningRate } from "../../format";
import { kerasSnippets } from "../../kerasCode";
import type { Answer } from "../../state/answers";
import { useCursorStore, useDispatch } from "../../state/context";
import { progressText } from "../../state/progress";
import { CopyButton } from "../CopyButton";
import { KerasMenu } from "../KerasMenu";
import { useNow } from "../useNow";
import { ConfidenceMark } from "./ConfidenceMark";
import { ProofText } from "./ProofText";
import { noRate, rangeText } from "./texts";
import { WhyLow } from "./WhyLow";

/** More rows than this would leave no space for the chart. */
const MAX_ROWS = 12;
const ROOMY_ROWS = 5;

/** A row for each configuration. */
export function AnswerTable({ answers }: { answers: readonly Answer[] }) {
  const [all, setAll] = useState(false);
  const rest = all ? 0 : answers.length - MAX_ROWS;
  const rows = rest > 0 ? answers.slice(0, MAX_ROWS) : answers;
  const tried = answers.some(({ proof }) => proof.kind !== "none");
  return (
    <>
      {/* With roles, since narrow windows lay the rows out as grids, which drops those of a table. */}
      <table className={rows.length > ROOMY_ROWS ? "answers compact" : "answers"} role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              Configuration
            </th>
            <th role="columnheader" scope="col">
              Learning rate
            </th>
            <th role="columnheader" scope="col">
              Confidence
            </th>
            <th role="columnheader" scope="col">
              Sweeps
            </th>
            {tried && (
              <th role="columnheader" scope="col">
                Proof
              </th>
            )}
            <th role="columnheader" scope="col">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((answer) => (
            <Row key={answer.key} answer={answer} tried={tried} />
          ))}
        </tbody>
      </table>
      {rest > 0 && (
        <button
          type="button"
          className="more link"
          onClick={() => {
            setAll(true);
          }}
        >
          Show {formatCount(rest)} more
        </button>
      )}
    </>
  );
}

function Row({ answer, tried }: { answer: Answer; tried: boolean }) {
  const dispatch = useDispatch();
  const cursor = useCursorStore();
  const { name, detail, color, suggested, confidence, range, typical, proof } = answer;
  const rate = suggested === null ? null : formatLearningRate(suggested);
  const full = `${name} ${detail}`.trim();
  const now = useNow(confidence === null);
  return (
    <>
      <tr
        role="row"
        onPointerEnter={() => {
          cursor.set({ ...NO_CURSOR, seriesId: typical.run.run });
        }}
        onPointerLeave={() => {
          cursor.set(NO_CURSOR);
        }}
      >
        <th role="rowheader" scope="row">
          <button
            type="button"
            title={`Details of ${typical.run.run}`}
            onClick={() => {
              dispatch({ type: "focus", id: typical.run.id });
            }}
          >
            <span className="dot" style={{ background: color }} />
            <span>
              <b>{name}</b> <span className="detail">{detail}</span>
            </span>
          </button>
        </th>
        {answer.provisional === null ? (
          <td role="cell" className={rate === null ? "rate none" : "rate"}>
            {rate ?? noRate(answer)}
          </td>
        ) : (
          <td role="cell" className="rate provisional">
            {formatLearningRate(answer.provisional)} <small>provisional</small>
          </td>
        )}
        <td role="cell">
          {confidence !== null ? (
            <ConfidenceMark confidence={confidence} />
          ) : (
            <small>{progressText(typical.run, now)}</small>
          )}
        </td>
        <td role="cell" className="sweeps">
          {sweepCount(answer)}
          <span className="unit"> {answer.entries.length === 1 ? "sweep" : "sweeps"}</span>{" "}
          {range !== null && <small>({rangeText(range)})</small>}
        </td>
        {tried && (
          <td role="cell" className="proof-cell">
            <ProofText proof={proof} />
          </td>
        )}
        <td role="cell" className="actions">
          {rate !== null && suggested !== null && (
            <>
              <CopyButton compact text={rate} label={`Copy ${rate} for ${full}`} />
              {typical.sweep && (
                <KerasMenu
                  compact
                  label={`Keras code for ${full}`}
                  run={typical.run.run}
                  snippets={kerasSnippets(suggested, typical.sweep)}
                />
              )}
            </>
          )}
        </td>
      </tr>
      {confidence === "low" && (
        <tr role="row" className="why">
          <td role="cell" colSpan={tried ? 6 : 5}>
            <WhyLow answer={answer} />
          </td>
        </tr>
      )}
    </>
  );
}

function sweepCount({ entries, ended, reliable }: Answer): string {
  const running = entries.length - ended;
  const count =
    reliable === ended || reliable === 0
      ? formatCount(entries.length)
      : `${formatCount(reliable)} of ${formatCount(ended)}`;
  return running > 0 && ended > 0 ? `${count}, ${formatCount(running)} running` : count;
}
