import { type CursorStore, useCursor } from "./cursor";
import { type Frame, inView } from "./frame";
import { nearestIndex, type Series } from "./series";

interface CrosshairProps {
  frame: Frame;
  series: readonly Series[];
  cursor: CursorStore;
}

/** A line at the learning rate of the pointer, its value on the axis, and a dot on the hovered curve. */
export function Crosshair({ frame, series, cursor }: CrosshairProps) {
  const { x, seriesId } = useCursor(cursor);
  if (x === null || !inView(frame, x)) return null;
  const px = frame.x(x);
  const hovered = series.find((one) => one.id === seriesId);
  const label = frame.formatX(x);
  const width = label.length * 6.2 + 16;
  const middle = Math.min(frame.width - width / 2, Math.max(width / 2, px));
  return (
    <g className="crosshair">
      <line x1={px} x2={px} y1={frame.top} y2={frame.bottom} />
      {hovered && <HoveredPoint frame={frame} series={hovered} x={x} />}
      <rect x={middle - width / 2} y={frame.bottom + 3} width={width} height={20} rx={3} />
      <text x={middle} y={frame.bottom + 17} textAnchor="middle">
        {label}
      </text>
    </g>
  );
}

function HoveredPoint({ frame, series, x }: { frame: Frame; series: Series; x: number }) {
  const index = nearestIndex(series.x, x);
  const px = frame.x(series.x[index] ?? NaN);
  const py = frame.y(series.y[index] ?? NaN);
  if (!Number.isFinite(py) || py < frame.top - 1 || py > frame.bottom + 1) return null;
  return <circle fill={series.color} className="filled" cx={px} cy={py} r={5} />;
}

/** The range selected by a drag. */
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
