import { useMemo, useRef } from "react";
import type { CursorStore } from "../chart/cursor";
import { Chart, type ChartHandle, type ChartProps } from "../chart/Chart";
import { fitY } from "../chart/domain";
import type { Domain, Series } from "../chart/series";
import { formatCount, formatLearningRate, formatLoss, plural } from "../format";
import type { ColorScale } from "../state/colors";
import {
  deltaSeries,
  type DrawnEntry,
  lossSeries,
  marksOf,
  startingLossRatio,
} from "../state/curves";
import type { Legend } from "../state/dashboard";
import { groupEntries, groupPoints, groupSeries, typicalOf } from "../state/groups";
import { markerOf, readAt } from "../state/marker";
import { type Settings, sweepSettings } from "../state/settings";
import { sameItems, useStable } from "../state/stable";
import type { Action, View } from "../state/view";
import { ChartCard } from "./ChartCard";
import { MarkerField } from "./MarkerField";
import { MarkerReadout } from "./MarkerReadout";

interface CurveCardsProps {
  entries: readonly DrawnEntry[];
  active: DrawnEntry | null;
  ruleLabel: string;
  scale: ColorScale | null;
  legend: Legend;
  fullDomain: Domain;
  xDomain: Domain;
  view: View;
  cursor: CursorStore;
  dispatch: (action: Action) => void;
}

const LOSS_HEIGHT = 284;
const DELTA_HEIGHT = 204;

/** Loss and loss delta against learning rate: one x axis, zoom and crosshair for both. */
export function CurveCards(props: CurveCardsProps) {
  const { entries, active, ruleLabel, scale, legend, view, cursor, dispatch } = props;
  const { fullDomain, xDomain } = props;
  const { settings, zoom } = view;
  const lossChart = useRef<ChartHandle>(null);
  const deltaChart = useRef<ChartHandle>(null);
  const activeRun = active?.run.run ?? null;
  const { showRaw, relativeLoss, delta } = settings;
  const { groups, singles } = useMemo(
    () => groupEntries(entries, settings.groupBy, activeRun),
    [entries, settings.groupBy, activeRun],
  );
  // Hundreds of curves are not drawn again for what does not change them.
  const losses = useStable(
    useMemo(() => {
      const of = (some: readonly DrawnEntry[]) =>
        lossSeries(some, activeRun, { showRaw, relativeLoss });
      return [...groupSeries(groups, of), ...of(singles)];
    }, [groups, singles, activeRun, showRaw, relativeLoss]),
    sameItems,
  );
  const deltas = useStable(
    useMemo(() => {
      const of = (some: readonly DrawnEntry[]) => deltaSeries(some, { delta, relativeLoss });
      return [...groupSeries(groups, of), ...of(singles)];
    }, [groups, singles, delta, relativeLoss]),
    sameItems,
  );
  const marks = useMemo(() => {
    const ofSingles = marksOf(singles, active, ruleLabel);
    return { ...ofSingles, points: [...groupPoints(groups), ...ofSingles.points] };
  }, [groups, singles, active, ruleLabel]);
  // A log axis needs something positive to show.
  const yLog = settings.logLoss && losses.some(({ y }) => y.some((value) => value > 0));
  const lossDomain = useMemo(
    () =>
      fitY(only(losses, activeRun), {
        xDomain,
        toDescent: settings.fitDescent,
        rise: 0.25,
        log: yLog,
      }),
    [losses, activeRun, xDomain, settings.fitDescent, yLog],
  );
  const deltaDomain = useMemo(
    () =>
      fitY(only(deltas, activeRun), {
        xDomain,
        toDescent: settings.fitDescent,
        rise: 0.6,
        log: false,
      }),
    [deltas, activeRun, xDomain, settings.fitDescent],
  );
  const byRun = useMemo(() => new Map(entries.map((entry) => [entry.run.run, entry])), [entries]);

  const readings = useMemo(() => {
    if (view.marker === null) return [];
    const rawOf = (run: string) =>
      relativeLoss ? null : (byRun.get(run)?.sweep.columns.loss ?? null);
    return readAt(view.marker, losses, deltas, activeRun, rawOf);
  }, [view.marker, losses, deltas, activeRun, byRun, relativeLoss]);
  const shared = {
    marks,
    marker: markerOf(view, dispatch, readings[0]),
    emphasis: entries.length > 1 ? activeRun : null,
    legend,
    fullDomain,
    xDomain,
    cursor,
    onZoom: (domain: Domain) => {
      dispatch({ type: "zoom", zoom: domain });
    },
    onReset: () => {
      dispatch({ type: "zoom", zoom: null });
    },
    onPick: (run: string) => {
      const group = groups.find(({ id }) => id === run);
      const entry = group ? typicalOf(group) : byRun.get(run);
      if (entry) dispatch({ type: "focus", id: entry.run.id });
    },
    onEscape: () => {
      dispatch({ type: "zoom", zoom: null });
      dispatch({ type: "focus", id: null });
    },
  } satisfies Partial<ChartProps>;
  const exported = {
    run: activeRun,
    shown: entries.map(({ run }) => run.run),
    settings: sweepSettings(settings),
  };
  const ratio = useMemo(() => startingLossRatio(entries), [entries]);
  const unequal = ratio > 20 && !active && !settings.relativeLoss && !settings.logLoss;
  const subject = active ? active.run.run : plural(entries.length, "run");
  const lossName = settings.relativeLoss ? "Loss relative to start" : "Loss";
  return (
    <>
      <ChartCard
        name="loss"
        title="Loss"
        subtitle={subject}
        {...exported}
        chart={lossChart}
        scale={scale}
        legend={legend}
        zoomed={zoom !== null}
        onReset={shared.onReset}
        tools={<MarkerField value={view.marker} onChange={shared.marker.onMove} />}
        height={LOSS_HEIGHT}
      >
        {(height) => (
          <>
            {unequal && (
              <p className="strip mild">
                <span>
                  The runs' losses start up to {formatCount(Math.round(ratio))}× apart, so the
                  smaller ones look flat.
                </span>
                <button
                  type="button"
                  className="link"
                  onClick={() => {
                    dispatch({ type: "set", settings: { relativeLoss: true } });
                  }}
                >
                  Show them relative to their start
                </button>
              </p>
            )}
            <Chart
              {...shared}
              ref={lossChart}
              name="loss"
              label={`Loss against learning rate, ${subject}`}
              height={height}
              series={losses}
              yDomain={lossDomain}
              yLog={yLog}
              yTitle={lossName}
              tooltip={{
                columns: groups.length > 0 ? BAND_COLUMNS : ["Smoothed", "Loss", "Step"],
                cells: (run, index) => {
                  if (groups.length > 0) return bandCells(losses, run, index);
                  const columns = byRun.get(run)?.sweep.columns;
                  return [columns?.smoothed_loss, columns?.loss, columns?.step].map(cellAt(index));
                },
              }}
              announce={(run, index) => announce(losses, run, index, "smoothed loss")}
            />
            {view.marker !== null && (
              <MarkerReadout
                learningRate={view.marker}
                readings={readings}
                deltaName={settings.delta === "slope" ? "Slope" : "Delta"}
              />
            )}
          </>
        )}
      </ChartCard>
      <ChartCard
        name="loss-delta"
        title="Loss delta"
        subtitle={deltaSubtitle(settings, active ?? entries[0])}
        {...exported}
        chart={deltaChart}
        scale={null}
        zoomed={zoom !== null}
        onReset={shared.onReset}
        height={DELTA_HEIGHT}
      >
        {(height) => (
          <Chart
            {...shared}
            ref={deltaChart}
            name="loss-delta"
            label={`Loss delta against learning rate, ${subject}`}
            height={height}
            series={deltas}
            yDomain={deltaDomain}
            yLog={false}
            yTitle={settings.delta === "slope" ? "Loss change per decade" : "Loss change per batch"}
            xTitle="Learning rate (log scale)"
            zeroLine
            marks={{ ...marks, ring: null }}
            tooltip={{
              columns:
                groups.length > 0
                  ? BAND_COLUMNS
                  : [settings.delta === "slope" ? "Slope" : "Delta", "Step"],
              cells: (run, index) => {
                if (groups.length > 0) return bandCells(deltas, run, index);
                const columns = byRun.get(run)?.sweep.columns;
                const delta = settings.delta === "slope" ? columns?.slope : columns?.loss_delta;
                return [delta, columns?.step].map(cellAt(index));
              },
            }}
            announce={(run, index) => announce(deltas, run, index, "loss delta")}
          />
        )}
      </ChartCard>
    </>
  );
}

/** The y axes fit the run that the page is about, or all of them. */
function only(series: readonly Series[], activeRun: string | null): readonly Series[] {
  const one = series.filter(({ id }) => id === activeRun);
  return one.length > 0 ? one : series;
}

function cellAt(index: number) {
  return (column: Float32Array | null | undefined) =>
    column ? formatLoss(column[index] ?? Number.NaN) : "…";
}

function deltaSubtitle(settings: Settings, entry: DrawnEntry | undefined): string {
  if (settings.delta === "slope") return "slope of the smoothed loss per decade of learning rate";
  const window = settings.deltaWindow ?? entry?.sweep.settings.delta_window;
  if (window === undefined) return "";
  return `change of the loss per batch, over ${window === 1 ? "1 batch" : `${window} batches`}`;
}

const BAND_COLUMNS = ["Median", "Middle 80 %"];

function bandCells(series: readonly Series[], id: string, index: number): string[] {
  const one = series.find((candidate) => candidate.id === id);
  const at = cellAt(index);
  return [at(one?.y), one?.band ? `${at(one.band.low)} to ${at(one.band.high)}` : "one sweep"];
}

function announce(series: readonly Series[], id: string, index: number, what: string): string {
  const one = series.find((candidate) => candidate.id === id);
  if (!one) return "";
  const lr = one.x[index] ?? Number.NaN;
  const value = one.y[index] ?? Number.NaN;
  return `${one.label}: learning rate ${formatLearningRate(lr)}, ${what} ${formatLoss(value)}`;
}
