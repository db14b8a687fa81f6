import { useLayoutEffect, useRef } from "react";
import { MAX_CURVES_WITH_RAW, MAX_CURVES_WITH_THICK_LINES } from "./density";
import type { Frame } from "./frame";
import type { Series } from "./series";
import { segments, trace, traceBand } from "./trace";

interface CurvesProps {
  frame: Frame;
  series: readonly Series[];
  /** The emphasized curve; the others are faint. */
  emphasis?: string | null;
  /** Draw only this curve, with a thick line; null draws nothing. */
  hovered?: Series | null;
  className?: string;
  testId?: string;
}

/** A canvas with the curves. */
export function Curves({ frame, series, emphasis, hovered, className, testId }: CurvesProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  const { width, height } = frame;
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    resize(canvas, Math.round(width * ratio), Math.round(height * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.clip();
    context.lineJoin = "round";
    if (hovered === undefined) drawAll(context, frame, series, emphasis ?? null, ratio);
    else if (hovered) strokeSeries(context, frame, hovered, { width: 3, alpha: 1 });
    context.restore();
  }, [frame, series, emphasis, hovered, width, height]);
  return (
    <canvas
      ref={ref}
      className={className}
      data-testid={testId}
      style={{ width, height }}
      aria-hidden="true"
    />
  );
}

/** Reallocates the pixels only if their number has changed. */
function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

interface Stroke {
  width: number;
  alpha: number;
}

function drawAll(
  context: CanvasRenderingContext2D,
  frame: Frame,
  series: readonly Series[],
  emphasis: string | null,
  ratio: number,
): void {
  const strokes = strokesOf(series, emphasis, ratio);
  for (const { series: one, line } of strokes) fillBand(context, frame, one, line.alpha);
  for (const { series: one, raw } of strokes) if (raw) strokeRaw(context, frame, one, raw);
  for (const { series: one, line } of strokes) strokeSeries(context, frame, one, line);
}

/** How each curve is stroked, in drawing order: the emphasized one comes last. */
export function strokesOf(
  series: readonly Series[],
  emphasis: string | null,
  ratio: number,
): { series: Series; line: Stroke; raw: Stroke | null }[] {
  const thin = series.length > MAX_CURVES_WITH_THICK_LINES;
  const withRaw = series.length <= MAX_CURVES_WITH_RAW;
  const ordered = [...series].sort((a, b) => Number(a.id === emphasis) - Number(b.id === emphasis));
  const isFaint = (one: Series) =>
    one.id !== emphasis &&
    (emphasis !== null || (one.faint && series.some((other) => !other.faint)));
  const members = ordered.flatMap((one) =>
    one.members.map((member) => ({
      series: member,
      line: {
        width: one.members.length > MAX_CURVES_WITH_THICK_LINES ? 1 / ratio : 1,
        alpha: isFaint(one) ? 0.12 : 0.4,
      },
      raw: null,
    })),
  );
  const lines = ordered.map((one) => {
    const emphasized = one.id === emphasis;
    const faint = isFaint(one);
    const width = emphasized || one.members.length > 0 ? 2.5 : widthOfMany(series, thin, ratio);
    const raw =
      one.raw !== null && (emphasized || (withRaw && !faint)) ? { width: 1, alpha: 0.32 } : null;
    return { series: one, line: { width, alpha: faint ? 0.26 : 1 }, raw };
  });
  return [...members, ...lines];
}

function widthOfMany(series: readonly Series[], thin: boolean, ratio: number): number {
  return series.length === 1 ? 2.5 : thin ? 1 / ratio : 1.75;
}

/** The opacity of a band relative to that of its line. */
export const BAND_ALPHA = 0.18;

function fillBand(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { x, band, color }: Series,
  alpha: number,
): void {
  if (band === null) return;
  context.fillStyle = color;
  context.globalAlpha = BAND_ALPHA * alpha;
  context.beginPath();
  traceBand(context, frame, x, band);
  context.fill();
}

function strokeSeries(
  context: CanvasRenderingContext2D,
  frame: Frame,
  series: Series,
  stroke: Stroke,
): void {
  context.strokeStyle = series.color;
  context.lineWidth = stroke.width;
  context.globalAlpha = stroke.alpha;
  for (const { from, to, dashed } of segments(series)) {
    context.setLineDash(dashed ? DASH : []);
    context.beginPath();
    trace(context, frame, series.x, series.y, from, to);
    context.stroke();
  }
  context.setLineDash([]);
  strokePoints(context, frame, series);
}

/** With more points than this, the line shows them well enough. */
const MAX_DOTTED_POINTS = 12;

/** The points of a curve with few: a line through one point is none. */
function strokePoints(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { x, y, color }: Series,
): void {
  if (x.length > MAX_DOTTED_POINTS) return;
  context.fillStyle = color;
  x.forEach((value, i) => {
    const py = frame.y(y[i] ?? NaN);
    if (!Number.isFinite(py)) return;
    context.beginPath();
    context.arc(frame.x(value), py, 2.5, 0, 2 * Math.PI);
    context.fill();
  });
}

export const DASH = [2, 3];

function strokeRaw(
  context: CanvasRenderingContext2D,
  frame: Frame,
  series: Series,
  stroke: Stroke,
): void {
  if (series.raw === null) return;
  context.strokeStyle = series.color;
  context.lineWidth = stroke.width;
  context.globalAlpha = stroke.alpha;
  context.beginPath();
  trace(context, frame, series.x, series.raw);
  context.stroke();
}
