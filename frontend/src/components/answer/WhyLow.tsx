import { formatCount, formatNumber } from "../../format";
import type { Answer } from "../../state/answers";
import { Findings, Strip } from "./Findings";

/** Why several sweeps of a configuration, or its only one, have no answer. */
export function WhyLow({ answer }: { answer: Answer }) {
  const { typical, entries, ended, reliable, range } = answer;
  if (!typical.reliable || entries.length === 1) return <Findings entry={typical} worstOnly />;
  if (2 * reliable <= ended) {
    return (
      <Strip severity="severe">
        Only {formatCount(reliable)} of {formatCount(ended)} sweeps have a clear suggestion. Select
        one of the others to see why.
      </Strip>
    );
  }
  const [low, high] = range ?? [1, 1];
  return (
    <Strip severity="severe">
      The sweeps disagree: their suggestions differ by a factor of {formatNumber(high / low, 2)}.
      Check that they train the same model on the same data, or compare learning rates between them
      in short training runs.
    </Strip>
  );
}
