import { type Cursor, type CursorStore, useCursor } from "./cursor";
import { type Frame, inView } from "./frame";
import { nearestIndex, type Series } from "./series";

interface CrosshairProps {
  frame: Frame;
  series: readonly Series[];
  cursor: CursorStore;
}

/** The line at the pointer's learning rate, its value on the axis, and a dot on the lit curve. */
export function Crosshair({ frame, series, cursor }: CrosshairProps) {
  const { x, seriesId } = useCursor(cursor);
  if (x === null || !inView(frame, x)) return null;
  const px = frame.x(x);
  const lit = series.find((one) => one.id === seriesId);
  const label = frame.formatX(x);
  const width = label.length * 6.2 + 16;
  const middle = Math.min(frame.width - width / 2, Math.max(width / 2, px));
  return (
    <g className="crosshair">
      <line x1={px} x2={px} y1={frame.top} y2={frame.bottom} />
      {lit && <LitPoint frame={frame} series={lit} x={x} />}
      <rect x={middle - width / 2} y={frame.bottom + 3} width={width} height={20} rx={3} />
      <text x={middle} y={frame.bottom + 17} textAnchor="middle">
        {label}
      </text>
    </g>
  );
}

function LitPoint({ frame, series, x }: { frame: Frame; series: Series; x: number }) {
  const index = nearestIndex(series.x, x);
  const px = frame.x(series.x[index] ?? NaN);
  const py = frame.y(series.y[index] ?? NaN);
  if (!Number.isFinite(py) || py < frame.top - 1 || py > frame.bottom + 1) return null;
  return <circle fill={series.color} className="filled" cx={px} cy={py} r={5} />;
}

/** The range that a drag has marked so far. */
export function Brush({ frame, from, to }: { frame: Frame; from: number; to: number }) {
  return (
    <rect
      className="brush"
      x={Math.min(from, to)}
      width={Math.abs(to - from)}
      y={frame.top}
      height={frame.bottom - frame.top}
    />
  );
}

/** Whether this chart is the one that has the pointer. */
export function isHere(cursor: Cursor, chart: string): boolean {
  return cursor.chart === chart && cursor.x !== null;
}
