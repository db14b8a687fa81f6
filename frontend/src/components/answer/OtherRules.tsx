import type { Rules } from "../../api/runs";
import { formatLearningRate } from "../../format";
import { suggestionsByRule } from "../../state/answers";
import type { Entry } from "../../state/entries";
import { OtherUses } from "./OtherUses";
import { RuleButtons } from "./RuleButtons";

interface OtherRulesProps {
  rules: Rules;
  rule: string | null;
  /** The sweeps of one configuration; null if there are several configurations. */
  entries: readonly Entry[] | null;
  onRule: (rule: string | null) => void;
}

/** How many rules are named while the list is folded. */
const NAMED = 3;

/** The rules to choose from, folded. */
export function OtherRules({ rules, rule, entries, onRule }: OtherRulesProps) {
  const values = entries === null ? null : suggestionsByRule(entries, rules.rules);
  const chosen = rule ?? rules.default;
  const others = rules.rules.filter(({ name }) => name !== chosen);
  const named = others.flatMap(({ name, label }) => {
    const value = values?.get(name);
    return value === undefined ? [] : [`${label.toLowerCase()} ${formatLearningRate(value)}`];
  });
  const more = named.length - NAMED;
  const [single] = entries?.length === 1 ? entries : [];
  return (
    <details className="other-rules">
      <summary>
        Other rules
        {named.length > 0 && (
          <small>
            {named.slice(0, NAMED).join(" · ")}
            {more > 0 && ` · ${more} more`}
          </small>
        )}
      </summary>
      <RuleButtons
        rules={rules.rules}
        chosen={chosen}
        values={values}
        onChoose={(name) => {
          onRule(name === rules.default ? null : name);
        }}
      />
      {chosen === rules.default && single?.reliable && (
        <OtherUses ranges={single.sweep?.suggestion?.ranges ?? null} />
      )}
    </details>
  );
}
