import { useMemo } from "react";
import { Chart } from "../chart/Chart";
import { fitY } from "../chart/domain";
import { type Marks, NO_MARKS, type Series, type XDomains } from "../chart/series";
import { formatExactRate, formatLoss, plural } from "../format";
import { useCursorStore, useDispatch, useView } from "../state/context";
import { markerOf } from "../state/marker";
import {
  bestTrial,
  finalOf,
  finalPairs,
  finalSeries,
  hasWideRange,
  quantityTitle,
  type TrialEntry,
} from "../state/trials";
import { type CardColors, ChartCard } from "./ChartCard";
import { describePoint, valueOf } from "./describe";
import { TrialsTable } from "./TrialsTable";
import { useResetActions } from "./useResetActions";

interface TrialFinalsCardProps {
  entries: readonly TrialEntry[];
  /** What the trials are compared by, and its title. */
  quantity: string;
  title: string;
  /** What the trials can be compared by. */
  names: readonly string[];
  colors: CardColors;
  guides: Marks["guides"];
  x: XDomains;
}

const HEIGHT = 264;

/** The final value of each trial against its learning rate. */
export function TrialFinalsCard(props: TrialFinalsCardProps) {
  const { entries, quantity, names, title, colors, guides, x } = props;
  const view = useView();
  const dispatch = useDispatch();
  const cursor = useCursorStore();
  const reset = useResetActions();
  const best = useMemo(() => bestTrial(entries), [entries]);
  const finals = useMemo(() => finalSeries(entries, quantity), [entries, quantity]);
  const pairs = useMemo(
    () => finalPairs(entries, quantity, best, view.focus),
    [entries, quantity, best, view.focus],
  );
  const fixed = useMemo(() => entries.filter(({ trial }) => trial.schedule === null), [entries]);
  const fitted = useMemo(() => withoutDiverged(fixed, finals), [fixed, finals]);
  const log = view.settings.logLoss || hasWideRange(fitted);
  const domain = useMemo(
    () => fitY(fitted, { xDomain: x.visible, toDescent: false, rise: 0, log }),
    [fitted, x.visible, log],
  );
  const count = plural(entries.length, "trial");
  return (
    <ChartCard
      name="trials"
      title="Trials"
      subtitle={best === null ? count : `${count}, best ${describeBest(best)}`}
      exported={{ subject: count, run: focusedRun(entries, view.focus), shown: [] }}
      colors={colors}
      height={HEIGHT}
    >
      {(chart) => (
        <>
          {names.length > 1 && <QuantityChoice names={names} quantity={quantity} />}
          <Chart
            {...chart}
            name="trials"
            label={`${title} at the end of each trial against its learning rate`}
            drawing={{
              series: finals,
              marks: { ...NO_MARKS, guides },
              pairs,
              emphasis: null,
              legend: [],
            }}
            x={{ ...x, title: "Learning rate (log scale)" }}
            y={{ domain, log, title: `Final ${title.charAt(0).toLowerCase()}${title.slice(1)}` }}
            marker={markerOf(view, dispatch)}
            cursor={cursor}
            points={{
              tooltip: {
                heading: "Data",
                columns: ["Final", "Trial"],
                cells: (id, index) => [
                  formatLoss(valueOf(finals, id, index)),
                  fixed[index]?.name ?? "",
                ],
              },
              announce: (id, index) =>
                describePoint(
                  fixed[index]?.run.run ?? "",
                  fixed[index]?.learningRate ?? NaN,
                  `${id} ${quantity}`,
                  valueOf(finals, id, index),
                ),
            }}
            actions={{
              ...reset,
              onZoom: (zoom) => {
                dispatch({ type: "zoom", zoom });
              },
              onPick: () => undefined,
            }}
          />
          <TrialsTable entries={entries} best={best} focus={view.focus} />
        </>
      )}
    </ChartCard>
  );
}

function QuantityChoice({ names, quantity }: { names: readonly string[]; quantity: string }) {
  const dispatch = useDispatch();
  return (
    <label className="quantity">
      Compare by
      <select
        value={quantity}
        onChange={(event) => {
          dispatch({ type: "set", settings: { quantity: event.target.value } });
        }}
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {quantityTitle(name, false)}
          </option>
        ))}
      </select>
    </label>
  );
}

function describeBest(best: TrialEntry): string {
  const rate = formatExactRate(best.learningRate);
  const { schedule } = best.trial;
  return `${schedule === null ? "" : `${schedule} from `}${rate} (loss ${formatLoss(finalOf(best, "loss"))})`;
}

export function focusedRun(entries: readonly TrialEntry[], focus: string | null): string | null {
  return entries.find(({ run }) => run.id === focus)?.run.run ?? null;
}

/** The values that the y axis fits: a trial that diverged would flatten all others. */
function withoutDiverged(fixed: readonly TrialEntry[], finals: readonly Series[]): Series[] {
  return finals.map((one) => ({
    ...one,
    y: one.y.map((value, i) => (fixed[i]?.trial.diverged ? NaN : value)),
  }));
}
