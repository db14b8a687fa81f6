import { extent } from "d3-array";
import { useMemo, useState } from "react";
import { Chart } from "../chart/Chart";
import { CursorStore } from "../chart/cursor";
import { fitY } from "../chart/domain";
import { type Domain, NO_MARKS, type Series } from "../chart/series";
import { formatExactRate, formatLoss } from "../format";
import { useDispatch, useView } from "../state/context";
import { epochSeries, hasWideRange, quantityTitle, type TrialEntry } from "../state/trials";
import { type CardColors, ChartCard } from "./ChartCard";
import { valueOf } from "./describe";
import { focusedRun } from "./TrialFinalsCard";
import { useResetActions } from "./useResetActions";

interface EpochsCardProps {
  entries: readonly TrialEntry[];
  quantity: string;
  title: string;
  colors: CardColors;
}

const HEIGHT = 244;

/** The curve of each trial over its epochs. */
export function EpochsCard({ entries, quantity, title, colors }: EpochsCardProps) {
  const view = useView();
  const dispatch = useDispatch();
  const reset = useResetActions();
  // Not the cursor of the other charts: epochs are not learning rates.
  const [cursor] = useState(() => new CursorStore());
  const series = useMemo(() => epochSeries(entries, quantity), [entries, quantity]);
  const full = useMemo<Domain>(() => {
    const [low = 1, high = 1] = extent(series.flatMap(({ x }) => [x[0] ?? 1, x.at(-1) ?? 1]));
    return [low, Math.max(high, low + 1)];
  }, [series]);
  // A trial that diverged would flatten all others.
  const fitted = useMemo(() => withoutDiverged(entries, series), [entries, series]);
  const log = view.settings.logLoss || hasWideRange(fitted);
  const domain = useMemo(
    () => fitY(fitted, { xDomain: full, toDescent: false, rise: 0, log }),
    [fitted, full, log],
  );
  const focused = focusedRun(entries, view.focus);
  return (
    <ChartCard
      name="epochs"
      title="Epochs of the trials"
      subtitle={title.toLowerCase()}
      exported={{ subject: title.toLowerCase(), run: focused, shown: [] }}
      colors={colors}
      zoomable={false}
      height={HEIGHT}
    >
      {(chart) => (
        <Chart
          {...chart}
          name="epochs"
          label={`${title} of each trial over its epochs`}
          drawing={{ series, marks: NO_MARKS, emphasis: focused, legend: [] }}
          x={{ full, visible: full, title: "Epoch", quantity: "epoch" }}
          y={{ domain, log, title }}
          cursor={cursor}
          points={{
            tooltip: {
              heading: "Trial",
              columns: ["LR", quantityTitle(quantity, false), "Epoch"],
              cells: (run, index) => [
                formatExactRate(learningRateAt(entries, run, index)),
                formatLoss(valueOf(series, run, index)),
                String(index + 1),
              ],
            },
            announce: (run, index) =>
              `${run}: epoch ${index + 1}, ${title.toLowerCase()} ${formatLoss(valueOf(series, run, index))}`,
          }}
          actions={{
            ...reset,
            onZoom: null,
            onPick: (run) => {
              const entry = entries.find((one) => one.run.run === run);
              if (entry) dispatch({ type: "focus", id: entry.run.id });
            },
          }}
        />
      )}
    </ChartCard>
  );
}

/** The curves of the trials that did not diverge; all of them if every trial did. */
function withoutDiverged(entries: readonly TrialEntry[], series: readonly Series[]) {
  const diverged = new Set(entries.filter(({ trial }) => trial.diverged).map(({ run }) => run.run));
  const rest = series.filter(({ id }) => !diverged.has(id));
  return rest.length > 0 ? rest : series;
}

/** The learning rate at the end of an epoch. */
function learningRateAt(entries: readonly TrialEntry[], run: string, index: number): number {
  const entry = entries.find((one) => one.run.run === run);
  return entry?.trial.columns["learning_rate"]?.[index] ?? NaN;
}
