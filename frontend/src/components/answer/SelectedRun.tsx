import { mdiClose } from "@mdi/js";
import { formatLearningRate } from "../../format";
import { kerasSnippets } from "../../kerasCode";
import { useDispatch } from "../../state/context";
import type { Entry } from "../../state/entries";
import { CopyButton } from "../CopyButton";
import { Icon } from "../Icon";
import { KerasMenu } from "../KerasMenu";
import { RunFacts } from "./OneAnswer";

/**
 * The selected run in one line. The line is there without one as well: a selection must not move the
 * chart under the finger that made it.
 */
export function SelectedRun({ entry }: { entry: Entry | null }) {
  const dispatch = useDispatch();
  if (!entry) {
    return <p className="selected-run dim">Click a curve or a run for its details.</p>;
  }
  const { run, sweep, suggested, reliable } = entry;
  const rate = suggested !== null && reliable ? formatLearningRate(suggested) : null;
  return (
    <div className="selected-run" data-testid="selected-run">
      <span className="dot" style={{ background: entry.color }} />
      <span className="of" title={run.run}>
        {entry.name}
      </span>
      {rate === null ? (
        <span className="dim">
          {run.status === "running" ? "The sweep is running" : "No clear suggestion"}
        </span>
      ) : (
        <>
          <output data-testid="suggested-lr">{rate}</output>
          <CopyButton text={rate} label="Copy" />
          {sweep && suggested !== null && (
            <KerasMenu run={run.run} snippets={kerasSnippets(suggested, sweep)} />
          )}
        </>
      )}
      <dl className="facts inline">
        <RunFacts entry={entry} />
      </dl>
      <button
        type="button"
        className="icon-button"
        aria-label="Show all runs"
        title="Show all runs (Esc)"
        onClick={() => {
          dispatch({ type: "focus", id: null });
        }}
      >
        <Icon path={mdiClose} />
      </button>
    </div>
  );
}
