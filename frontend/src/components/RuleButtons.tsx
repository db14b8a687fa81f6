import type { Rule } from "../api";
import { formatLearningRate } from "../format";

interface RuleButtonsProps {
  rules: readonly Rule[];
  chosen: string;
  /** What each rule says, by name; null where no one number would be true. */
  values: ReadonlyMap<string, number> | null;
  /** Stands before each value: `~` for medians. */
  prefix: string;
  onChoose: (rule: string) => void;
}

/** The rules with what each says; the pressed one is the one that is shown. */
export function RuleButtons({ rules, chosen, values, prefix, onChoose }: RuleButtonsProps) {
  return (
    // A fieldset cannot be laid out as one row of buttons
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
              <span className="value">
                {value === undefined ? "–" : `${prefix}${formatLearningRate(value)}`}
              </span>
            )}
          </button>
        );
      })}
    </div>
  );
}
