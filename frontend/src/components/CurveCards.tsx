import { useMemo } from "react";
import { Chart, type ChartActions } from "../chart/Chart";
import type { Series, XDomains } from "../chart/series";
import { formatCount, formatLoss, plural } from "../format";
import { useCursorStore, useDispatch, useView } from "../state/context";
import { initialLossRatio } from "../state/curves";
import type { DrawnEntry } from "../state/entries";
import { mostTypical } from "../state/groups";
import { markerOf, readAt } from "../state/marker";
import type { Settings } from "../state/settings";
import { useCurves } from "../state/useCurves";
import { type CardColors, ChartCard } from "./ChartCard";
import { describePoint } from "./describe";
import { MarkerField } from "./MarkerField";
import { MarkerReadout } from "./MarkerReadout";
import { useResetActions } from "./useResetActions";

interface CurveCardsProps {
  entries: readonly DrawnEntry[];
  active: DrawnEntry | null;
  /** The label of the chosen rule. */
  ruleLabel: string;
  colors: CardColors;
  x: XDomains;
}

const LOSS_HEIGHT = 284;
const DELTA_HEIGHT = 204;

/** Loss and loss delta against learning rate. Both share the x axis, the zoom and the crosshair. */
export function CurveCards({ entries, active, ruleLabel, colors, x }: CurveCardsProps) {
  const view = useView();
  const dispatch = useDispatch();
  const cursor = useCursorStore();
  const { settings } = view;
  const { relativeLoss, delta } = settings;
  const activeRun = active?.run.run ?? null;
  const { losses, deltas, marks, groups } = useCurves(entries, active, ruleLabel, x.visible);
  const byRun = useMemo(() => new Map(entries.map((entry) => [entry.run.run, entry])), [entries]);
  const readings = useMemo(() => {
    if (view.marker === null) return [];
    const rawOf = (run: string) =>
      relativeLoss ? null : (byRun.get(run)?.sweep.columns.loss ?? null);
    return readAt(view.marker, losses.series, deltas.series, activeRun, rawOf);
  }, [view.marker, losses.series, deltas.series, activeRun, byRun, relativeLoss]);
  const marker = markerOf(view, dispatch, readings[0]);
  const actions: ChartActions = {
    ...useResetActions(),
    onZoom: (zoom) => {
      dispatch({ type: "zoom", zoom });
    },
    onPick: (id) => {
      const group = groups.find((one) => one.id === id);
      const entry = group ? mostTypical(group) : byRun.get(id);
      if (entry) dispatch({ type: "focus", id: entry.run.id });
    },
  };
  const shared = { marker, cursor, actions };
  const drawn = { emphasis: entries.length > 1 ? activeRun : null, legend: colors.legend };
  const exported = { run: activeRun, shown: entries.map(({ run }) => run.run) };
  const subject = active ? active.run.run : plural(entries.length, "run");
  const deltaName = delta === "slope" ? "Slope" : "Delta";
  return (
    <>
      <ChartCard
        name="loss"
        title="Loss"
        subtitle={subject}
        exported={exported}
        colors={colors}
        tools={<MarkerField value={view.marker} onChange={marker.onMove} />}
        height={LOSS_HEIGHT}
      >
        {(chart) => (
          <>
            {active === null && <InitialLossHint entries={entries} />}
            <Chart
              {...shared}
              {...chart}
              name="loss"
              label={`Loss against learning rate, ${subject}`}
              drawing={{ ...drawn, series: losses.series, marks }}
              x={x}
              y={{ ...losses.y, title: relativeLoss ? "Loss relative to start" : "Loss" }}
              points={{
                tooltip: {
                  columns: groups.length > 0 ? BAND_COLUMNS : ["Smoothed", "Loss", "Step"],
                  cells: (run, index) => {
                    if (groups.length > 0) return bandCells(losses.series, run, index);
                    const columns = byRun.get(run)?.sweep.columns;
                    return [columns?.smoothed_loss, columns?.loss, columns?.step].map(
                      cellAt(index),
                    );
                  },
                },
                announce: (id, index) => announcement(losses.series, id, index, "smoothed loss"),
              }}
            />
            {view.marker !== null && (
              <MarkerReadout learningRate={view.marker} readings={readings} deltaName={deltaName} />
            )}
          </>
        )}
      </ChartCard>
      <ChartCard
        name="loss-delta"
        title="Loss delta"
        subtitle={deltaSubtitle(settings, active ?? entries[0])}
        exported={exported}
        height={DELTA_HEIGHT}
      >
        {(chart) => (
          <Chart
            {...shared}
            {...chart}
            name="loss-delta"
            label={`Loss delta against learning rate, ${subject}`}
            drawing={{ ...drawn, series: deltas.series, marks: { ...marks, ring: null } }}
            x={{ ...x, title: "Learning rate (log scale)" }}
            y={{
              ...deltas.y,
              title: delta === "slope" ? "Loss change per decade" : "Loss change per batch",
              zeroLine: true,
            }}
            points={{
              tooltip: {
                columns: groups.length > 0 ? BAND_COLUMNS : [deltaName, "Step"],
                cells: (run, index) => {
                  if (groups.length > 0) return bandCells(deltas.series, run, index);
                  const columns = byRun.get(run)?.sweep.columns;
                  const values = delta === "slope" ? columns?.slope : columns?.loss_delta;
                  return [values, columns?.step].map(cellAt(index));
                },
              },
              announce: (id, index) => announcement(deltas.series, id, index, "loss delta"),
            }}
          />
        )}
      </ChartCard>
    </>
  );
}

/** With a larger ratio of the initial losses, the smaller curves look flat. */
const MAX_LOSS_RATIO = 20;

function InitialLossHint({ entries }: { entries: readonly DrawnEntry[] }) {
  const { relativeLoss, logLoss } = useView().settings;
  const dispatch = useDispatch();
  const ratio = useMemo(() => initialLossRatio(entries), [entries]);
  if (ratio <= MAX_LOSS_RATIO || relativeLoss || logLoss) return null;
  return (
    <p className="strip mild">
      <span>
        The initial losses of the runs differ by a factor of up to {formatCount(Math.round(ratio))},
        so the smaller ones look flat.
      </span>
      <button
        type="button"
        className="link"
        onClick={() => {
          dispatch({ type: "set", settings: { relativeLoss: true } });
        }}
      >
        Show losses relative to their start
      </button>
    </p>
  );
}

function cellAt(index: number) {
  return (column: Float32Array | null | undefined) =>
    column ? formatLoss(column[index] ?? NaN) : "…";
}

function deltaSubtitle(settings: Settings, entry: DrawnEntry | undefined): string {
  if (settings.delta === "slope") return "slope of the smoothed loss per decade of learning rate";
  const window = settings.deltaWindow ?? entry?.sweep.settings.delta_window;
  if (window === undefined) return "";
  return `change of the loss per batch, over ${window === 1 ? "1 batch" : `${window} batches`}`;
}

const BAND_COLUMNS = ["Median", "Middle 80 %"];

function bandCells(series: readonly Series[], id: string, index: number): string[] {
  const curve = series.find((one) => one.id === id);
  const cell = cellAt(index);
  return [
    cell(curve?.y),
    curve?.band ? `${cell(curve.band.low)} to ${cell(curve.band.high)}` : "one sweep",
  ];
}

function announcement(
  series: readonly Series[],
  id: string,
  index: number,
  quantity: string,
): string {
  const curve = series.find((one) => one.id === id);
  if (!curve) return "";
  return describePoint(curve.label, curve.x[index] ?? NaN, quantity, curve.y[index] ?? NaN);
}
