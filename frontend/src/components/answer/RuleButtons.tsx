import type { Rule } from "../../api/runs";
import { formatLearningRate } from "../../format";

interface RuleButtonsProps {
  rules: readonly Rule[];
  chosen: string;
  /** The suggestion of each rule, by its name; null where one number for all runs would be wrong. */
  values: ReadonlyMap<string, number> | null;
  onChoose: (rule: string) => void;
}

/** The rules with their suggestions; the pressed one is shown in the charts. */
export function RuleButtons({ rules, chosen, values, onChoose }: RuleButtonsProps) {
  return (
    // Not a fieldset, which cannot be laid out as one row.
    <div className="rules" role="group" aria-label="Suggestion rule">
      {rules.map(({ name, label, description }) => {
        const value = values?.get(name);
        return (
          <button
            type="button"
            key={name}
            aria-pressed={name === chosen}
            title={description}
            onClick={() => {
              onChoose(name);
            }}
          >
            <span className="label">{label}</span>
            {values && (
              <span className="value">{value === undefined ? "–" : formatLearningRate(value)}</span>
            )}
          </button>
        );
      })}
    </div>
  );
}
