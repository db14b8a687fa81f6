import { type Ref, useId, useImperativeHandle, useMemo, useRef } from "react";
import { Axes, Grid } from "./Axes";
import { Brush, Crosshair } from "./Crosshair";
import { Curves } from "./Curves";
import { type CursorStore, useLitSeries } from "./cursor";
import { createFrame, type Frame } from "./frame";
import { MarkerHandle, MarkerLine } from "./OwnMarker";
import type { Marker } from "./marker";
import { Bands, MarksLayer } from "./Marks";
import { Pairs } from "./Pairs";
import type { Pair } from "./pair";
import { pictureOf } from "./picture";
import type { Domain, Marks, Series } from "./series";
import { Tooltip, type TooltipContent } from "./Tooltip";
import { useKeyboard } from "./useKeyboard";
import { usePointer } from "./usePointer";
import { useWidth } from "./useSize";

export interface ChartHandle {
  /** An SVG of what is on the screen; null until the chart is laid out. */
  picture: (title: string, fontStyles: string) => SVGSVGElement | null;
}

export interface ChartProps {
  ref?: Ref<ChartHandle>;
  /** Names the chart in test ids and in the cursor: `loss`, `loss-delta`. */
  name: string;
  /** What a screen reader calls it. */
  label: string;
  height: number;
  series: readonly Series[];
  marks: Marks;
  /** What the colours stand for, where that is not the curves' names. */
  legend: readonly { label: string; color: string }[];
  /** The curve that stands out. */
  emphasis: string | null;
  /** All of the x axis, and the part of it that is in view. */
  fullDomain: Domain;
  xDomain: Domain;
  yDomain: Domain;
  yLog: boolean;
  yTitle: string;
  xTitle?: string;
  xIs?: "learning rate" | "epoch";
  zeroLine?: boolean;
  /** Drawn on top of the curves. */
  pairs?: readonly Pair[];
  /** The reader's own; none on an axis that has no place for it. */
  marker?: Marker;
  cursor: CursorStore;
  tooltip: TooltipContent;
  announce: (seriesId: string, index: number) => string;
  /** null where the axis shows all there is. */
  onZoom: ((domain: Domain) => void) | null;
  /** Double click. */
  onReset: () => void;
  onPick: (seriesId: string) => void;
  onEscape: () => void;
}

/** Room above the plot for the pill of the guide. */
const HEAD = 28;

/**
 * Curves over a logarithmic x axis, with marks, crosshair, tooltip, zoom and keyboard.
 *
 * Curves are on canvases, between an SVG with the grid and an SVG with everything that has text.
 */
export function Chart({ ref, ...props }: ChartProps) {
  const { name, height, series, marks, legend, emphasis, cursor } = props;
  const {
    xDomain,
    yDomain,
    yLog,
    yTitle,
    xTitle,
    xIs,
    zeroLine = false,
    pairs = [],
    marker,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const titled = xTitle !== undefined;
  const frame = useMemo<Frame | null>(
    () =>
      width === 0
        ? null
        : createFrame({
            width,
            height,
            top: HEAD,
            titled,
            xDomain,
            yDomain,
            yLog,
            xIs: xIs ?? "learning rate",
          }),
    [width, height, titled, xDomain, yDomain, yLog, xIs],
  );
  const markedX = marker?.x ?? null;
  const onMark = marker?.onMove ?? null;
  const pointer = usePointer(box, { ...props, chart: name, frame, onMark });
  const keyboard = useKeyboard({ ...props, chart: name, frame });
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
      {/* A chart that is read by arrow keys is an application. */}
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
              <Grid frame={frame} yLog={yLog} zeroLine={zeroLine} />
            </svg>
            <Curves frame={frame} series={series} emphasis={emphasis} testId={`${name}-canvas`} />
            <LitCurve frame={frame} series={series} cursor={cursor} />
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
              <Axes frame={frame} yLog={yLog} yTitle={yTitle} xTitle={xTitle ?? null} />
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
      {frame && (
        <Tooltip
          chart={name}
          frame={frame}
          series={series}
          cursor={cursor}
          content={props.tooltip}
        />
      )}
      <p id={help} className="sr-only">
        Left and right arrow keys move along the points, up and down between the runs, Enter focuses
        a run, Escape resets. {marker && "Shift and a click, or the field Marker, put a marker. "}
        The summary table below holds the same numbers.
      </p>
      <p className="sr-only" aria-live="polite">
        {keyboard.announcement}
      </p>
    </div>
  );
}

interface LitCurveProps {
  frame: Frame;
  series: readonly Series[];
  cursor: CursorStore;
}

function LitCurve({ frame, series, cursor }: LitCurveProps) {
  const litId = useLitSeries(cursor);
  // A single curve is not lit: there is nothing that it could stand out from.
  const lit = series.length > 1 ? (series.find((one) => one.id === litId) ?? null) : null;
  return <Curves className="lit" frame={frame} series={series} lit={lit} />;
}
