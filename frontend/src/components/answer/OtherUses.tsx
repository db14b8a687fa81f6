import type { Ranges } from "../../api/runs";
import { formatLearningRate } from "../../format";
import { CopyButton } from "../CopyButton";

/** What the sweep suggests for other uses than a short training at a constant learning rate. */
export function OtherUses({ ranges }: { ranges: Ranges | null }) {
  if (ranges === null) return null;
  return (
    <dl className="other-uses" data-testid="other-uses">
      {USES.map(({ name, title, rates }) => {
        const shown = rates(ranges).map(formatLearningRate);
        return (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>
              {shown.join(" to ")}
              <CopyButton compact text={shown.join(", ")} label={`Copy ${shown.join(" to ")}`} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

interface Use {
  name: string;
  title: string;
  rates: (ranges: Ranges) => number[];
}

const USES: readonly Use[] = [
  {
    name: "Long training",
    title: "A constant learning rate for several times as many epochs",
    rates: ({ long_training }) => [long_training],
  },
  {
    name: "One-cycle peak",
    title: "The highest learning rate of a one-cycle schedule",
    rates: ({ one_cycle_max }) => [one_cycle_max],
  },
  {
    name: "Cyclical",
    title: "Base and maximum of a cyclical learning rate",
    rates: ({ cyclical }) => cyclical,
  },
];
