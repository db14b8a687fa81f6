import { type Ref, useId, useImperativeHandle, useMemo, useRef } from "react";
import { Axes, Grid } from "./Axes";
import { Brush, Crosshair } from "./Crosshair";
import { Curves } from "./Curves";
import { type CursorStore, useHoveredSeries } from "./cursor";
import { isAnyVisible } from "./domain";
import { createFrame, type Frame, type XQuantity } from "./frame";
import { MarkerHandle, MarkerLine } from "./OwnMarker";
import type { Marker } from "./marker";
import { Bands, MarksLayer } from "./Marks";
import { Pairs } from "./Pairs";
import type { Pair } from "./pair";
import { pictureOf } from "./picture";
import type { Domain, Legend, Marks, Series, XDomains } from "./series";
import { Tooltip, type TooltipContent } from "./Tooltip";
import { useKeyboard } from "./useKeyboard";
import { usePointer } from "./usePointer";
import { useWidth } from "./useSize";

export interface ChartHandle {
  /** An SVG of the chart as shown; null until it is laid out. */
  picture: (title: string, fontStyles: string) => SVGSVGElement | null;
}

/** What is drawn between the axes. */
export interface Drawing {
  series: readonly Series[];
  marks: Marks;
  /** Drawn on top of the curves. */
  pairs?: readonly Pair[];
  /** The emphasized curve. */
  emphasis: string | null;
  /** What the colors stand for, if not for the curves. */
  legend: Legend;
}

export interface XAxis extends XDomains {
  title?: string;
  quantity?: XQuantity;
}

export interface YAxis {
  domain: Domain;
  log: boolean;
  title: string;
  zeroLine?: boolean;
}

/** How single points are described. */
export interface PointDescriptions {
  tooltip: TooltipContent;
  /** For screen readers. */
  announce: (seriesId: string, index: number) => string;
}

export interface ChartActions {
  /** null if the axis cannot be zoomed. */
  onZoom: ((domain: Domain) => void) | null;
  /** Called on double-click. */
  onReset: () => void;
  onPick: (seriesId: string) => void;
  onEscape: () => void;
}

export interface ChartProps {
  ref?: Ref<ChartHandle>;
  /** Names the chart in test ids and in the cursor: `loss`, `loss-delta`. */
  name: string;
  /** The name for screen readers. */
  label: string;
  height: number;
  drawing: Drawing;
  x: XAxis;
  y: YAxis;
  /** The marker of the user; none if the axis has no place for it. */
  marker?: Marker;
  /** Space above the plot; by default that of the pills. */
  head?: number;
  cursor: CursorStore;
  points: PointDescriptions;
  actions: ChartActions;
}

/** Space above the plot for the pills of the guides. */
const HEAD = 28;

/**
 * Curves over a learning rate or epoch axis, with marks, crosshair, tooltip, zoom and keyboard control.
 *
 * The curves are on canvases, between an SVG with the grid and an SVG with everything that has text.
 */
export function Chart({ ref, ...props }: ChartProps) {
  const { name, height, drawing, x, y, marker, head = HEAD, cursor, points, actions } = props;
  const { series, marks, pairs = [], emphasis, legend } = drawing;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { visible: xDomain, title: xTitle, quantity: xQuantity = "learning rate" } = x;
  const { domain: yDomain, log: yLog } = y;
  const titled = xTitle !== undefined;
  const frame = useMemo<Frame | null>(
    () =>
      width === 0
        ? null
        : createFrame({ width, height, top: head, titled, xDomain, yDomain, yLog, xQuantity }),
    [width, height, head, titled, xDomain, yDomain, yLog, xQuantity],
  );
  const markedX = marker?.x ?? null;
  const common = { chart: name, frame, series, cursor };
  const pointer = usePointer(box, {
    ...common,
    ...actions,
    fullDomain: x.full,
    onMark: marker?.onMove ?? null,
  });
  const keyboard = useKeyboard({ ...common, ...actions, emphasis, announce: points.announce });
  const help = useId();
  useImperativeHandle(
    ref,
    () => ({
      picture: (title, fontStyles) =>
        frame && box.current
          ? pictureOf(box.current, { frame, series, legend, emphasis, title, fontStyles })
          : null,
    }),
    [frame, series, legend, emphasis],
  );
  return (
    <div className="chart-frame">
      {/* An application, since the arrow keys move along the curves. */}
      <div
        ref={box}
        className="chart"
        style={{ height }}
        role="application"
        aria-label={props.label}
        aria-describedby={help}
        tabIndex={0}
        {...pointer.handlers}
        {...keyboard.handlers}
      >
        {frame && (
          <>
            <svg className="under" width={width} height={height} aria-hidden="true">
              <Bands frame={frame} marks={marks} />
              <Grid frame={frame} yLog={yLog} zeroLine={y.zeroLine ?? false} />
            </svg>
            <Curves frame={frame} series={series} emphasis={emphasis} testId={`${name}-canvas`} />
            <HoveredCurve frame={frame} series={series} cursor={cursor} />
            <svg
              className="over"
              width={width}
              height={height}
              data-testid={`${name}-chart`}
              data-x-domain={JSON.stringify(frame.x.domain())}
              data-x-range={JSON.stringify(frame.x.range())}
              data-y-domain={JSON.stringify(frame.y.domain())}
              data-y-range={JSON.stringify(frame.y.range())}
              data-y-log={yLog}
            >
              <Axes frame={frame} yLog={yLog} yTitle={y.title} xTitle={xTitle ?? null} />
              <MarksLayer frame={frame} series={series} marks={marks} emphasis={emphasis} />
              {pairs.length > 0 && <Pairs frame={frame} pairs={pairs} />}
              {markedX !== null && <MarkerLine frame={frame} x={markedX} />}
              <Crosshair frame={frame} series={series} cursor={cursor} />
              {pointer.brush && <Brush frame={frame} {...pointer.brush} />}
            </svg>
            {marker && markedX !== null && (
              <MarkerHandle
                box={box}
                frame={frame}
                marker={{ ...marker, x: markedX }}
                cursor={cursor}
              />
            )}
          </>
        )}
      </div>
      {frame && series.length > 0 && !isAnyVisible(series, xDomain) && (
        <EmptyNote frame={frame} zoomed={xDomain !== x.full} onReset={actions.onReset} />
      )}
      {frame && (
        <Tooltip
          chart={name}
          frame={frame}
          series={series}
          cursor={cursor}
          content={points.tooltip}
        />
      )}
      <p id={help} className="sr-only">
        The left and right arrow keys move along the points, up and down between the curves. Enter
        focuses a run, Escape resets. {marker && "Shift+click or the Marker field place a marker. "}
        The summary table below contains the same numbers.
      </p>
      <p className="sr-only" aria-live="polite">
        {keyboard.announcement}
      </p>
    </div>
  );
}

interface EmptyNoteProps {
  frame: Frame;
  /** Whether there may be something in another part of the axis. */
  zoomed: boolean;
  onReset: () => void;
}

/** Says why there is nothing in the plot. */
function EmptyNote({ frame, zoomed, onReset }: EmptyNoteProps) {
  const [low = 1, high = 1] = frame.x.domain();
  return (
    <p
      className="empty-note"
      style={{ top: (frame.top + frame.bottom) / 2 - 20, left: frame.left, right: 26 }}
    >
      {zoomed
        ? `Nothing was recorded between ${frame.formatX(low)} and ${frame.formatX(high)}.`
        : "No finite values yet."}
      {zoomed && (
        <button type="button" className="link" onClick={onReset}>
          Show everything
        </button>
      )}
    </p>
  );
}

interface HoveredCurveProps {
  frame: Frame;
  series: readonly Series[];
  cursor: CursorStore;
}

function HoveredCurve({ frame, series, cursor }: HoveredCurveProps) {
  const id = useHoveredSeries(cursor);
  // A single curve has nothing to stand out from.
  const all = series.flatMap((one) => [one, ...one.members]);
  const hovered = all.length > 1 ? (all.find((one) => one.id === id) ?? null) : null;
  return <Curves className="hovered" frame={frame} series={series} hovered={hovered} />;
}
