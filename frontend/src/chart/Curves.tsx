import { useLayoutEffect, useRef } from "react";
import type { Frame } from "./frame";
import type { Series } from "./series";
import { segments, trace, traceBand } from "./trace";

/** Above this many curves lines are one device pixel wide: the main cost of drawing is their width. */
export const THIN_LINES_ABOVE = 24;
/** Above this many curves the raw forms would be a fog. */
export const RAW_UP_TO = 12;

interface CurvesProps {
  frame: Frame;
  series: readonly Series[];
  /** The curve that stands out; the others are faint. */
  emphasis?: string | null;
  /** Draw only this one, thick, with nothing beneath. */
  lit?: Series | null;
  className?: string;
  testId?: string;
}

/** A canvas with the curves. */
export function Curves({ frame, series, emphasis, lit, className, testId }: CurvesProps) {
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
    if (lit !== undefined) {
      if (lit !== null) strokeSeries(context, frame, lit, { width: 3, alpha: 1 });
    } else {
      drawAll(context, frame, series, emphasis ?? null, ratio);
    }
    context.restore();
  }, [frame, series, emphasis, lit, width, height]);
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

/** New memory for the pixels only where there are more or fewer of them. */
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

/** How each curve is stroked, in drawing order: the one that stands out comes last. */
export function strokesOf(
  series: readonly Series[],
  emphasis: string | null,
  ratio: number,
): { series: Series; line: Stroke; raw: Stroke | null }[] {
  const thin = series.length > THIN_LINES_ABOVE;
  const withRaw = series.length <= RAW_UP_TO;
  const ordered = [...series].sort((a, b) => Number(a.id === emphasis) - Number(b.id === emphasis));
  return ordered.map((one) => {
    const stands = one.id === emphasis;
    const faint = emphasis !== null && !stands;
    const width = stands || series.length === 1 ? 2.5 : thin ? 1 / ratio : 1.75;
    const raw =
      one.raw !== null && (stands || (withRaw && !faint)) ? { width: 1, alpha: 0.32 } : null;
    return { series: one, line: { width, alpha: faint ? 0.26 : 1 }, raw };
  });
}

/** Of the strength of the line. */
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
