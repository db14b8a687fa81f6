import { type CursorStore, useCursor } from "./cursor";
import type { Frame } from "./frame";
import { hitTest } from "./hit";
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
const WIDTH = 380;

/** The curves at the crosshair, the nearest first. */
export function Tooltip({ chart, frame, series, cursor, content }: TooltipProps) {
  const { x, y, seriesId, chart: here } = useCursor(cursor);
  if (here !== chart || x === null) return null;
  const px = frame.x(x);
  const py = y ?? (frame.top + frame.bottom) / 2;
  const hits = hitTest(series, frame, px, py);
  if (hits.length === 0) return null;
  const onRight = px + 18 + WIDTH <= frame.width;
  const place = onRight
    ? { left: px + 18 }
    : px - 18 - WIDTH >= 0
      ? { right: frame.width - px + 18 }
      : { left: Math.max(0, (frame.width - WIDTH) / 2) };
  return (
    <div className="tooltip" style={{ ...place, top: Math.max(0, py - 20), maxWidth: WIDTH }}>
      <table>
        <thead>
          <tr>
            <th>
              <span className="sr-only">Color</span>
            </th>
            <th>{content.heading ?? "Run"}</th>
            {content.columns.map((column) => (
              <th key={column}>{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {hits.slice(0, MAX_ROWS).map(({ series: one, index }) => (
            <tr key={one.id} className={one.id === seriesId ? "nearest" : ""}>
              <td>
                <span className="dot" style={{ background: one.color }} />
              </td>
              <td className="name">{one.label}</td>
              {content.cells(one.id, index).map((cell, i) => (
                <td key={content.columns[i]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {hits.length > MAX_ROWS && <p>{hits.length - MAX_ROWS} more</p>}
    </div>
  );
}
