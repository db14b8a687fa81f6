import { formatCount, formatExactRate, formatLoss } from "../format";
import { useDispatch } from "../state/context";
import { stopReason } from "../state/stopReason";
import { finalOf, type TrialEntry } from "../state/trials";

interface TrialsTableProps {
  entries: readonly TrialEntry[];
  best: TrialEntry | null;
  /** The id of the run in focus. */
  focus: string | null;
}

/** The numbers of the trials, the best first. */
export function TrialsTable({ entries, best, focus }: TrialsTableProps) {
  const dispatch = useDispatch();
  const value = (entry: TrialEntry) => {
    const final = finalOf(entry, "loss");
    return entry.trial.diverged || !Number.isFinite(final) ? Infinity : final;
  };
  const ranked = [...entries].sort((a, b) => value(a) - value(b));
  return (
    <div className="table trials" tabIndex={0} role="region" aria-label="Trials table">
      <table>
        <thead>
          <tr>
            <th scope="col">Trial</th>
            <th scope="col" className="numeric">
              Learning rate
            </th>
            <th scope="col" className="numeric">
              Loss
            </th>
            <th scope="col" className="numeric">
              Validation loss
            </th>
            <th scope="col" className="numeric" title="Validation loss minus loss">
              Gap
            </th>
            <th
              scope="col"
              className="numeric"
              title="Share of the total variation of the loss that is a decrease"
            >
              Descent
            </th>
            <th scope="col" className="numeric">
              Epochs
            </th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {ranked.map((entry) => {
            const { run, name, trial, color, learningRate } = entry;
            const { loss, validation_loss, gap, descent } = trial.final;
            return (
              <tr key={run.run} className={run.id === focus ? "active" : ""}>
                <th scope="row">
                  <button
                    type="button"
                    title={run.run}
                    onClick={() => {
                      dispatch({ type: "focus", id: run.id });
                    }}
                  >
                    <span className="dot" style={{ background: color }} />
                    {name}
                  </button>
                  {entry === best && <span className="best">best</span>}
                </th>
                <td className="numeric">
                  {trial.schedule !== null && <span className="dim">{trial.schedule} from </span>}
                  <b>{formatExactRate(learningRate)}</b>
                </td>
                <td className="numeric">{lossOrDash(loss)}</td>
                <td className="numeric">{lossOrDash(validation_loss)}</td>
                <td className="numeric">{lossOrDash(gap)}</td>
                <td className="numeric">{percent(descent)}</td>
                <td className="numeric">{formatCount(run.steps)}</td>
                <td>{trial.diverged ? "diverged" : outcome(entry)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function lossOrDash(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "–" : formatLoss(value);
}

function percent(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? "–" : `${Math.round(100 * share)} %`;
}

function outcome({ run }: TrialEntry): string {
  if (run.status === "running") return "running";
  if (run.stop_reason === "completed") return "completed";
  if (run.stop_reason === "stopped") return "stopped early";
  return stopReason(run);
}
