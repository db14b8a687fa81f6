import { extent } from "d3-array";
import { useMemo, useRef, useState } from "react";
import type { ChartHandle } from "../chart/Chart";
import { Chart } from "../chart/Chart";
import { CursorStore } from "../chart/cursor";
import { fitY } from "../chart/domain";
import { NO_MARKS } from "../chart/series";
import type { Domain, Marks, Series } from "../chart/series";
import { formatLearningRate, formatLoss, plural } from "../format";
import type { ColorScale } from "../state/colors";
import { markerOf } from "../state/marker";
import { sweepSettings } from "../state/settings";
import {
  anyValidated,
  bestTrial,
  epochSeries,
  finalOf,
  finalPairs,
  finalSeries,
  quantities,
  quantityTitle,
  type TrialEntry,
} from "../state/trials";
import type { Action, View } from "../state/view";
import { ChartCard } from "./ChartCard";
import { TrialsTable } from "./TrialsTable";

interface TrialCardsProps {
  entries: readonly TrialEntry[];
  /** Where the sweep that the page is about suggests to train. */
  guide: Marks["guide"];
  scale: ColorScale | null;
  fullDomain: Domain;
  xDomain: Domain;
  view: View;
  cursor: CursorStore;
  dispatch: (action: Action) => void;
}

const FINAL_HEIGHT = 264;
const EPOCHS_HEIGHT = 244;

/** What training at each learning rate came to, on the sweep's own axis, and how it went there. */
export function TrialCards(props: TrialCardsProps) {
  const { entries, guide, scale, fullDomain, xDomain, view, cursor, dispatch } = props;
  const finalChart = useRef<ChartHandle>(null);
  const epochsChart = useRef<ChartHandle>(null);
  // Epochs are not learning rates: the crosshair of the other charts means nothing here.
  const [epochCursor] = useState(() => new CursorStore());
  const names = useMemo(() => quantities(entries), [entries]);
  const quantity = names.includes(view.settings.quantity) ? view.settings.quantity : "loss";
  const best = useMemo(() => bestTrial(entries), [entries]);
  const focused = entries.find(({ run }) => run.id === view.focus) ?? null;
  const finals = useMemo(() => finalSeries(entries, quantity), [entries, quantity]);
  const pairs = useMemo(
    () => finalPairs(entries, quantity, best, view.focus),
    [entries, quantity, best, view.focus],
  );
  const epochs = useMemo(() => epochSeries(entries, quantity), [entries, quantity]);
  const title = quantityTitle(quantity, anyValidated(entries, quantity));
  const kept = useMemo(() => withoutLost(entries, finals), [entries, finals]);
  const yLog = view.settings.logLoss || farApart(kept);
  const fit = { toDescent: false, rise: 0, log: yLog };
  const finalDomain = useMemo(
    () => fitY(kept, { xDomain, toDescent: false, rise: 0, log: yLog }),
    [kept, xDomain, yLog],
  );
  const epochDomain = useMemo<Domain>(() => {
    const [low = 1, high = 1] = extent(epochs.flatMap(({ x }) => [x[0] ?? 1, x.at(-1) ?? 1]));
    return [low, Math.max(high, low + 1)];
  }, [epochs]);
  const lost = new Set(entries.filter(({ trial }) => trial.diverged).map(({ run }) => run.run));
  const courses = epochs.filter(({ id }) => !lost.has(id));
  const fixed = entries.filter(({ trial }) => trial.schedule === null);
  const shared = {
    legend: [],
    onReset: () => {
      dispatch({ type: "zoom", zoom: null });
    },
    onEscape: () => {
      dispatch({ type: "zoom", zoom: null });
      dispatch({ type: "focus", id: null });
    },
  };
  const subtitle =
    best === null
      ? plural(entries.length, "trial")
      : `${plural(entries.length, "trial")}, best ${nameOf(best)}`;
  return (
    <>
      <ChartCard
        name="trials"
        title="Trials"
        subtitle={subtitle}
        run={focused?.run.run ?? null}
        shown={[]}
        settings={sweepSettings(view.settings)}
        chart={finalChart}
        scale={scale}
        scaleName="LR"
        zoomed={view.zoom !== null}
        onReset={shared.onReset}
        height={FINAL_HEIGHT}
      >
        {(height) => (
          <>
            {names.length > 1 && (
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
            )}
            <Chart
              {...shared}
              ref={finalChart}
              name="trials"
              label={`${title} at the end of each trial against its learning rate`}
              height={height}
              series={finals}
              marks={{ ...NO_MARKS, guide }}
              pairs={pairs}
              marker={markerOf(view, dispatch)}
              emphasis={null}
              fullDomain={fullDomain}
              xDomain={xDomain}
              yDomain={finalDomain}
              yLog={yLog}
              yTitle={`Final ${title.charAt(0).toLowerCase()}${title.slice(1)}`}
              xTitle="Learning rate (log scale)"
              cursor={cursor}
              onZoom={(zoom) => {
                dispatch({ type: "zoom", zoom });
              }}
              onPick={() => undefined}
              tooltip={{
                heading: "Data",
                columns: ["Final", "Trial"],
                cells: (id, index) => [
                  formatLoss(finals.find((one) => one.id === id)?.y[index] ?? NaN),
                  fixed[index]?.run.run ?? "",
                ],
              }}
              announce={(id, index) =>
                `${fixed[index]?.run.run ?? ""}: learning rate ${formatLearningRate(
                  fixed[index]?.learningRate ?? NaN,
                )}, ${id} ${quantity} ${formatLoss(finals.find((one) => one.id === id)?.y[index] ?? NaN)}`
              }
            />
            <TrialsTable entries={entries} best={best} focus={view.focus} dispatch={dispatch} />
          </>
        )}
      </ChartCard>
      <ChartCard
        name="epochs"
        title="Epochs of the trials"
        subtitle={title.toLowerCase()}
        run={focused?.run.run ?? null}
        shown={[]}
        settings={sweepSettings(view.settings)}
        chart={epochsChart}
        scale={scale}
        scaleName="LR"
        zoomed={false}
        onReset={shared.onReset}
        height={EPOCHS_HEIGHT}
      >
        {(height) => (
          <Chart
            {...shared}
            ref={epochsChart}
            name="epochs"
            label={`${title} of each trial over its epochs`}
            height={height}
            series={epochs}
            marks={NO_MARKS}
            emphasis={focused?.run.run ?? null}
            fullDomain={epochDomain}
            xDomain={epochDomain}
            yDomain={fitY(courses.length > 0 ? courses : epochs, {
              ...fit,
              log: view.settings.logLoss || farApart(courses),
              xDomain: epochDomain,
            })}
            yLog={view.settings.logLoss || farApart(courses)}
            yTitle={title}
            xTitle="Epoch"
            xIs="epoch"
            cursor={epochCursor}
            onZoom={null}
            onPick={(run) => {
              const entry = entries.find((one) => one.run.run === run);
              if (entry) dispatch({ type: "focus", id: entry.run.id });
            }}
            tooltip={{
              heading: "Trial",
              columns: ["LR", quantityTitle(quantity, false), "Epoch"],
              cells: (run, index) => [
                formatLearningRate(rateAt(entries, run, index)),
                formatLoss(epochs.find(({ id }) => id === run)?.y[index] ?? NaN),
                String(index + 1),
              ],
            }}
            announce={(run, index) =>
              `${run}: epoch ${index + 1}, ${title.toLowerCase()} ${formatLoss(
                epochs.find(({ id }) => id === run)?.y[index] ?? NaN,
              )}`
            }
          />
        )}
      </ChartCard>
    </>
  );
}

function nameOf(best: TrialEntry): string {
  const rate = formatLearningRate(best.learningRate);
  const value = formatLoss(finalOf(best, "loss"));
  return `${best.trial.schedule === null ? rate : `${best.trial.schedule} from ${rate}`} (loss ${value})`;
}

/** The learning rate that acted at the end of an epoch. */
function rateAt(entries: readonly TrialEntry[], run: string, index: number): number {
  const entry = entries.find((one) => one.run.run === run);
  return entry?.trial.columns["learning_rate"]?.[index] ?? NaN;
}

/** What the y axis has to show: a trial that diverged would flatten all others. */
function withoutLost(entries: readonly TrialEntry[], finals: readonly Series[]): Series[] {
  const fixed = entries.filter(({ trial }) => trial.schedule === null);
  return finals.map((one) => ({
    ...one,
    y: one.y.map((value, i) => (fixed[i]?.trial.diverged ? NaN : value)),
  }));
}

/** Whether a linear axis would show the smaller values as zero. */
function farApart(series: readonly Series[]): boolean {
  const [low = 1, high = 1] = extent(
    series.flatMap(({ y }) => [...y].filter((value) => Number.isFinite(value))),
  );
  return low > 0 && high / low > 20;
}
