import { useMemo } from "react";
import { Chart, type ChartActions } from "../chart/Chart";
import type { Legend, Marks, Series, XDomains } from "../chart/series";
import { formatLearningRate, plural } from "../format";
import type { Answer } from "../state/answers";
import type { Configuration } from "../state/configurations";
import { useCursorStore, useDispatch, useView } from "../state/context";
import type { DrawnEntry } from "../state/entries";
import { type Group, mostTypical } from "../state/groups";
import { markerOf, readAt } from "../state/marker";
import type { Settings } from "../state/settings";
import { useCurves } from "../state/useCurves";
import { Findings } from "./answer/Findings";
import { type CardColors, ChartCard } from "./ChartCard";
import { FaintRuns, InitialLosses } from "./CurveNotes";
import { announcement, curveTooltip, suggestedRate } from "./curveTooltip";
import { MarkerField } from "./MarkerField";
import { MarkerReadout } from "./MarkerReadout";
import { useResetActions } from "./useResetActions";

interface CurveCardsProps {
  entries: readonly DrawnEntry[];
  active: DrawnEntry | null;
  answers: readonly Answer[];
  configurations: ReadonlyMap<string, Configuration>;
  /** The label of the chosen rule. */
  ruleLabel: string;
  colors: CardColors;
  x: XDomains;
}

const LOSS_HEIGHT = 384;
const DELTA_HEIGHT = 184;
const X_TITLE = "Learning rate (log scale)";

/** Loss and loss delta against learning rate. Both share the x axis, the zoom and the crosshair. */
export function CurveCards(props: CurveCardsProps) {
  const { entries, active, answers, configurations, ruleLabel, colors, x } = props;
  const view = useView();
  const dispatch = useDispatch();
  const cursor = useCursorStore();
  const { settings } = view;
  const { relativeLoss, delta, showDelta } = settings;
  const activeRun = active?.run.run ?? null;
  const { losses, deltas, marks, groups, faint } = useCurves(entries, {
    active,
    answers,
    configurations,
    ruleLabel,
    xDomain: x.visible,
  });
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
  const drawn = {
    emphasis: entries.length > 1 ? activeRun : null,
    legend: legendOf(colors, losses.series, groups, byRun),
  };
  const exported = {
    subject: exportSubject(active, answers),
    run: activeRun,
    shown: entries.map(({ run }) => run.run),
  };
  const subject = active ? active.run.run : plural(entries.length, "run");
  const deltaName = delta === "slope" ? "Slope" : "Delta";
  return (
    <>
      <ChartCard
        name="loss"
        title="Loss"
        subtitle={active ? active.name : lossSubtitle(entries.length, groups.length, settings)}
        exported={exported}
        colors={colors}
        tools={<MarkerField value={view.marker} onChange={marker.onMove} />}
        height={LOSS_HEIGHT}
      >
        {(chart) => (
          <>
            <Chart
              {...shared}
              {...chart}
              name="loss"
              label={`Loss against learning rate, ${subject}`}
              drawing={{ ...drawn, series: losses.series, marks }}
              x={{ ...x, title: X_TITLE }}
              y={{ ...losses.y, title: relativeLoss ? "Loss relative to start" : "Loss" }}
              points={{
                tooltip: curveTooltip(losses.series, groups, byRun, "loss"),
                announce: (id, index) => announcement(losses.series, id, index, "smoothed loss"),
              }}
            />
            {view.marker !== null && (
              <MarkerReadout learningRate={view.marker} readings={readings} deltaName={deltaName} />
            )}
            {active && entries.length > 1 && <Findings entry={active} />}
            {active === null && <FaintRuns entries={entries} faint={faint} />}
            {active === null && <InitialLosses entries={entries} faint={faint} />}
          </>
        )}
      </ChartCard>
      <ChartCard
        name="loss-delta"
        title="Loss delta"
        subtitle={deltaSubtitle(settings, active ?? entries[0])}
        exported={exported}
        fold={{
          open: showDelta,
          onToggle: () => {
            dispatch({ type: "set", settings: { showDelta: !showDelta } });
          },
        }}
        height={DELTA_HEIGHT}
      >
        {(chart) => (
          <Chart
            {...shared}
            {...chart}
            name="loss-delta"
            label={`Loss delta against learning rate, ${subject}`}
            drawing={{ ...drawn, series: deltas.series, marks: withoutLabels(marks) }}
            head={12}
            x={{ ...x, title: X_TITLE }}
            y={{
              ...deltas.y,
              title: delta === "slope" ? "Change per decade" : "Change per batch",
              zeroLine: true,
            }}
            points={{
              tooltip: curveTooltip(
                deltas.series,
                groups,
                byRun,
                delta === "slope" ? "slope" : "delta",
              ),
              announce: (id, index) => announcement(deltas.series, id, index, "loss delta"),
            }}
          />
        )}
      </ChartCard>
    </>
  );
}

/** The marks of a chart below another that has their labels. */
function withoutLabels(marks: Marks): Marks {
  const { guides, limit } = marks;
  return {
    ...marks,
    guides: guides.map((guide) => ({ ...guide, text: "" })),
    ring: null,
    limit: limit && { ...limit, text: "" },
  };
}

/** More names than this would not fit a heading. */
const MAX_NAMES = 3;

function exportSubject(active: DrawnEntry | null, answers: readonly Answer[]): string {
  if (active) return active.run.run;
  const names = [...new Set(answers.map(({ name }) => name))];
  if (names.length <= MAX_NAMES) return names.join(", ");
  return plural(answers.length, "configuration");
}

/** The legend of an exported picture: the values that colors stand for, or the curves with their rates. */
function legendOf(
  { legend }: CardColors,
  series: readonly Series[],
  groups: readonly Group[],
  byRun: ReadonlyMap<string, DrawnEntry>,
): Legend {
  if (legend.length > 0) return legend;
  return series.map(({ id, label, color }) => {
    const rate = suggestedRate(id, groups, byRun);
    return { label: rate === null ? label : `${label}: ${formatLearningRate(rate)}`, color };
  });
}

function lossSubtitle(runs: number, groups: number, { groupBy }: Settings): string {
  const count = plural(runs, "run");
  if (groups === 0) return count;
  return `${count}, with the median of each ${groupBy === "automatic" ? "configuration" : "group"}`;
}

function deltaSubtitle(settings: Settings, entry: DrawnEntry | undefined): string {
  if (settings.delta === "slope") return "slope of the smoothed loss per decade of learning rate";
  const window = settings.deltaWindow ?? entry?.sweep.settings.delta_window;
  if (window === undefined) return "";
  return `change of the loss per batch, over ${window === 1 ? "1 batch" : `${window} batches`}`;
}
