import { type CursorStore, useCursor } from "./cursor";
import { type Frame, inView } from "./frame";
import { type Hit, hitTest } from "./hit";
import { type Box, leastCovering, textWidth } from "./labels";
import type { Series } from "./series";

/** The columns of the tooltip after the name of the curve. */
export interface TooltipContent {
  /** What a curve is called; `Run` by default. */
  heading?: string;
  columns: readonly string[];
  cells: (seriesId: string, index: number) => readonly string[];
}

interface TooltipProps {
  chart: string;
  frame: Frame;
  series: readonly Series[];
  cursor: CursorStore;
  content: TooltipContent;
}

const MAX_ROWS = 8;
const MAX_WIDTH = 320;
const ROW_HEIGHT = 19;
/** The distance of the tooltip from the pointer. */
const GAP = 18;

/** The curves at the crosshair: the nearest ones, in the order in which the chart shows them. */
export function Tooltip({ chart, frame, series, cursor, content }: TooltipProps) {
  const { x, y, seriesId, chart: here } = useCursor(cursor);
  if (here !== chart || x === null) return null;
  const px = frame.x(x);
  const py = y ?? (frame.top + frame.bottom) / 2;
  const hits = hitTest(series, frame, px, py);
  if (hits.length === 0) return null;
  const rows = hits.slice(0, MAX_ROWS).sort((a, b) => valueOf(b) - valueOf(a));
  const size = sizeOf(rows, content.columns.length, hits.length > MAX_ROWS);
  const nearest = hits.find((hit) => hit.series.id === seriesId) ?? hits[0];
  const { x: left, y: top } = placeOf(frame, { x: px, y: py }, size, nearest?.series);
  return (
    <div className="tooltip" style={{ left, top, maxWidth: MAX_WIDTH }}>
      <table>
        <thead>
          <tr>
            <th>
              <span className="sr-only">Color</span>
            </th>
            <th>{content.heading ?? "Run"}</th>
            {content.columns.map((column) => (
              <th key={column} className="value">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ series: one, index }) => (
            <tr key={one.id} className={one.id === seriesId ? "nearest" : ""}>
              <td>
                <span className="dot" style={{ background: one.color }} />
              </td>
              <td className="name">{one.label}</td>
              {content.cells(one.id, index).map((cell, i) => (
                <td key={content.columns[i]} className="value">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {hits.length > MAX_ROWS && <p>{hits.length - MAX_ROWS} more</p>}
    </div>
  );
}

function valueOf({ series, index }: Hit): number {
  return series.y[index] ?? NaN;
}

function sizeOf(rows: readonly Hit[], columns: number, more: boolean) {
  const name = Math.max(0, ...rows.map(({ series }) => textWidth(series.label)));
  return {
    width: Math.min(MAX_WIDTH, 46 + Math.min(name, 176) + 66 * columns),
    height: ROW_HEIGHT * (rows.length + 1 + Number(more)) + 14,
  };
}

/** Beside the pointer, where it does not cover the minimum of the nearest curve. */
function placeOf(
  frame: Frame,
  { x, y }: { x: number; y: number },
  size: { width: number; height: number },
  series: Series | undefined,
): Box {
  const right = x + GAP;
  const left = x - GAP - size.width;
  const heights = [y - 20, frame.top, frame.bottom - size.height].map((top) => Math.max(0, top));
  const candidates = heights.flatMap((top) => [
    { ...size, x: right, y: top },
    { ...size, x: left, y: top },
  ]);
  const minimum = series && minimumOf(frame, series);
  const best = leastCovering(candidates, minimum ? [minimum] : [], (box) => {
    const outside = Math.max(0, -box.x) + Math.max(0, box.x + box.width - frame.width);
    return OUTSIDE * outside;
  });
  const box = best ?? { ...size, x: right, y };
  return { ...box, x: Math.max(0, Math.min(box.x, frame.width - size.width)) };
}

const OUTSIDE = 1000;

/** A box around the lowest point that is fitted; null if it is not in view. */
function minimumOf(frame: Frame, { x, y, fitFrom, fitTo }: Series): Box | null {
  let lowest: number | null = null;
  for (let i = fitFrom; i < fitTo; i++) {
    if ((y[i] ?? NaN) < (lowest === null ? Infinity : (y[lowest] ?? NaN))) lowest = i;
  }
  if (lowest === null || !inView(frame, x[lowest] ?? NaN)) return null;
  const [px, py] = [frame.x(x[lowest] ?? NaN), frame.y(y[lowest] ?? NaN)];
  return { x: px - 24, y: py - 16, width: 48, height: 36 };
}
