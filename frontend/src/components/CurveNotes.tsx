import { useMemo } from "react";
import { formatCount } from "../format";
import { useDispatch, useView } from "../state/context";
import { initialLossRatio } from "../state/curves";
import type { DrawnEntry } from "../state/entries";

/** Says which curves are faint, and why. */
export function FaintRuns({
  entries,
  faint,
}: {
  entries: readonly DrawnEntry[];
  faint: ReadonlyMap<string, "unclear" | "large">;
}) {
  const named = (reason: "unclear" | "large") =>
    entries.filter(({ run }) => faint.get(run.run) === reason).map(({ name }) => name);
  const [unclear, large] = [named("unclear"), named("large")];
  const rest = entries.length - unclear.length - large.length;
  if (rest === 0 || rest === entries.length) return null;
  return (
    <p className="strip mild">
      <span>
        {unclear.length > 0 && `Faint, without a clear suggestion: ${list(unclear)}. `}
        {large.length > 0 && `Faint, with far larger losses than the others: ${list(large)}. `}
        The axis fits the {rest === 1 ? "other run" : "other runs"}.
      </span>
      {large.length > 0 && <RelativeLosses />}
    </p>
  );
}

function list(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${formatCount(more)} more` : "");
}

const NAMED = 3;

/** With a larger ratio of the initial losses, the smaller curves look flat. */
const MAX_LOSS_RATIO = 20;

/** Offers to compare losses of unlike sizes relative to their start. */
export function InitialLosses({
  entries,
  faint,
}: {
  entries: readonly DrawnEntry[];
  faint: ReadonlyMap<string, unknown>;
}) {
  const { relativeLoss, logLoss } = useView().settings;
  const ratio = useMemo(
    () => initialLossRatio(entries.filter(({ run }) => !faint.has(run.run))),
    [entries, faint],
  );
  if (ratio <= MAX_LOSS_RATIO || relativeLoss || logLoss) return null;
  return (
    <p className="strip mild">
      <span>
        The initial losses of the runs differ by a factor of up to {formatCount(Math.round(ratio))},
        so the smaller ones look flat.
      </span>
      <RelativeLosses />
    </p>
  );
}

function RelativeLosses() {
  const dispatch = useDispatch();
  return (
    <button
      type="button"
      className="link"
      onClick={() => {
        dispatch({ type: "set", settings: { relativeLoss: true } });
      }}
    >
      Show losses relative to their start
    </button>
  );
}
