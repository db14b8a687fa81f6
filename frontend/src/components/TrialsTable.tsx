import { formatCount, formatLearningRate, formatLoss } from "../format";
import { stopSentence } from "../state/entries";
import { finalOf, type TrialEntry } from "../state/trials";
import type { Action } from "../state/view";

interface TrialsTableProps {
  entries: readonly TrialEntry[];
  best: TrialEntry | null;
  focus: string | null;
  dispatch: (action: Action) => void;
}

/** The numbers of the trials, the best first. */
export function TrialsTable({ entries, best, focus, dispatch }: TrialsTableProps) {
  const value = (entry: TrialEntry) => {
    const final = finalOf(entry, "loss");
    return entry.trial.diverged || !Number.isFinite(final) ? Infinity : final;
  };
  const ranked = [...entries].sort((a, b) => value(a) - value(b));
  return (
    <div className="table trials" tabIndex={0} role="region" aria-label="The trials in numbers">
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
            <th scope="col" className="numeric" title="Validation loss less loss">
              Gap
            </th>
            <th
              scope="col"
              className="numeric"
              title="Share of the loss' total variation that goes down"
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
            const { run, trial, color, learningRate } = entry;
            const { loss, validation_loss, gap, descent } = trial.final;
            return (
              <tr key={run.run} className={run.id === focus ? "active" : ""}>
                <th scope="row">
                  <button
                    type="button"
                    onClick={() => {
                      dispatch({ type: "focus", id: run.id });
                    }}
                  >
                    <span className="dot" style={{ background: color }} />
                    {run.run}
                  </button>
                  {entry === best && <span className="best">best</span>}
                </th>
                <td className="numeric">
                  {trial.schedule !== null && <span className="dim">{trial.schedule} from </span>}
                  <b>{formatLearningRate(learningRate)}</b>
                </td>
                <td className="numeric">{number(loss)}</td>
                <td className="numeric">{number(validation_loss)}</td>
                <td className="numeric">{number(gap)}</td>
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

function number(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "–" : formatLoss(value);
}

function percent(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? "–" : `${Math.round(100 * share)} %`;
}

function outcome({ run }: TrialEntry): string {
  if (run.status === "running") return "running";
  if (run.stop_reason === "completed") return "completed";
  if (run.stop_reason === "stopped") return "stopped early";
  return stopSentence(run);
}
