import type { Rules } from "../../api/runs";
import type { Answer } from "../../state/answers";
import { drawable, type Entry } from "../../state/entries";
import { AnswerTable } from "./AnswerTable";
import { Findings } from "./Findings";
import { OneAnswer } from "./OneAnswer";
import { OtherRules } from "./OtherRules";
import { SelectedRun } from "./SelectedRun";

interface AnswerCardProps {
  answers: readonly Answer[];
  /** The shown sweeps. */
  entries: readonly Entry[];
  /** The one that was picked among several. */
  selected: Entry | null;
  rules: Rules | undefined;
  rule: string | null;
  onRule: (rule: string | null) => void;
}

/** Which learning rate to use, for each configuration: the first thing that the page says. */
export function AnswerCard({ answers, entries, selected, rules, rule, onRule }: AnswerCardProps) {
  const [only] = answers.length === 1 ? answers : [];
  const chosen = rules?.rules.find(({ name }) => name === rule);
  return (
    <section className="card answer" aria-label="Learning rate" data-testid="answer-card">
      <h2>
        Learning rate for a short training at a constant rate
        {chosen && <small> by the rule {chosen.label}</small>}
      </h2>
      {only ? <OneAnswer answer={only} /> : <AnswerTable answers={answers} />}
      {entries.length > 1 && <SelectedRun entry={selected} />}
      {/* Below the chart if there is one. */}
      {selected && drawable([selected]).length === 0 && <Findings entry={selected} />}
      {rules && (
        <OtherRules
          rules={rules}
          rule={rule}
          entries={selected ? [selected] : (only?.entries ?? null)}
          onRule={onRule}
        />
      )}
    </section>
  );
}
