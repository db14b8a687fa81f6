import { MAX_CURVES_WITH_THICK_LINES } from "./density";
import { type Frame, inView } from "./frame";
import { type Marks, type Series, valueAt } from "./series";

/** The tints beneath the curves. */
export function Bands({ frame, marks }: { frame: Frame; marks: Marks }) {
  const { left, right, top, bottom, x } = frame;
  const clamp = (px: number) => Math.min(right, Math.max(left, px));
  const bands = marks.shaded.map(([low, high]) => ({
    className: "shaded",
    from: clamp(x(low)),
    to: clamp(x(high)),
  }));
  if (marks.limit) bands.push({ className: "beyond", from: clamp(x(marks.limit.x)), to: right });
  return (
    <g className="bands">
      {bands
        .filter(({ from, to }) => to > from)
        .map(({ className, from, to }) => (
          <rect
            key={`${className}${from}`}
            className={className}
            x={from}
            y={top}
            width={to - from}
            height={bottom - top}
          />
        ))}
    </g>
  );
}

interface MarksProps {
  frame: Frame;
  series: readonly Series[];
  marks: Marks;
  emphasis: string | null;
}

/** The marks on top of the curves. */
export function MarksLayer({ frame, series, marks, emphasis }: MarksProps) {
  const byId = new Map(series.map((one) => [one.id, one]));
  return (
    <g className="marks">
      {marks.limit && <Limit frame={frame} limit={marks.limit} />}
      {marks.guide && <Guide frame={frame} guide={marks.guide} />}
      {marks.points.map((point) => {
        const one = byId.get(point.seriesId);
        return (
          one && (
            <PointMark
              key={point.seriesId}
              frame={frame}
              series={one}
              x={point.x}
              hollow={point.hollow}
              weight={emphasis === null ? "normal" : emphasis === one.id ? "strong" : "faint"}
              small={series.length > MAX_CURVES_WITH_THICK_LINES}
            />
          )
        );
      })}
      {marks.ring && (
        <Ring frame={frame} ring={marks.ring} series={byId.get(marks.ring.seriesId)} />
      )}
      {series
        .filter((one) => one.live && (emphasis === null || emphasis === one.id))
        .map((one) => (
          <LiveEnd key={one.id} frame={frame} series={one} />
        ))}
    </g>
  );
}

interface PointMarkProps {
  frame: Frame;
  series: Series;
  x: number;
  hollow: boolean;
  weight: "normal" | "strong" | "faint";
  small: boolean;
}

function PointMark({ frame, series, x, hollow, weight, small }: PointMarkProps) {
  if (!inView(frame, x)) return null;
  const px = frame.x(x);
  const py = frame.y(valueAt(series, x));
  const radius = weight === "strong" ? 7 : small ? 3 : 5;
  return (
    <g className={`point ${weight}`}>
      <line
        className="tick"
        stroke={series.color}
        x1={px}
        x2={px}
        y1={frame.bottom - (weight === "strong" ? 10 : 7)}
        y2={frame.bottom}
      />
      {weight !== "faint" && withinPlot(frame, py) && (
        <circle
          data-testid="suggestion-dot"
          data-series={series.id}
          className={hollow ? "hollow" : "filled"}
          {...(hollow ? { stroke: series.color } : { fill: series.color })}
          cx={px}
          cy={py}
          r={hollow ? radius - 1 : radius}
        />
      )}
    </g>
  );
}

function withinPlot(frame: Frame, py: number): boolean {
  return py >= frame.top - 1 && py <= frame.bottom + 1;
}

const CHARACTER_WIDTH = 6.2;

function Guide({ frame, guide }: { frame: Frame; guide: NonNullable<Marks["guide"]> }) {
  if (!inView(frame, guide.x)) return null;
  const x = frame.x(guide.x);
  const width = guide.text.length * CHARACTER_WIDTH + 22;
  // The pill stays inside the box, the line at its learning rate.
  const pill = Math.min(frame.width - width / 2 - 2, Math.max(width / 2 + 2, x));
  const middle = frame.top - 15;
  return (
    <g className={`guide ${guide.tone}`} data-testid="suggestion-marker" data-x={x}>
      <line x1={x} x2={x} y1={middle + 10} y2={frame.bottom} />
      <rect x={pill - width / 2} y={middle - 10} width={width} height={20} rx={10} />
      <text x={pill} y={middle + 4} textAnchor="middle">
        {guide.text}
      </text>
    </g>
  );
}

function Ring({
  frame,
  ring,
  series,
}: {
  frame: Frame;
  ring: NonNullable<Marks["ring"]>;
  series: Series | undefined;
}) {
  if (!series || !inView(frame, ring.x)) return null;
  const px = frame.x(ring.x);
  const py = frame.y(valueAt(series, ring.x));
  if (!withinPlot(frame, py)) return null;
  const below = py + 19 <= frame.bottom - 2;
  return (
    <g className="ring">
      <circle cx={px} cy={py} r={5} />
      <text x={px} y={below ? py + 19 : py - 12} textAnchor="middle">
        {ring.text}
      </text>
    </g>
  );
}

function Limit({ frame, limit }: { frame: Frame; limit: NonNullable<Marks["limit"]> }) {
  if (!inView(frame, limit.x)) return null;
  const px = frame.x(limit.x);
  const fits = px + 6 + limit.text.length * CHARACTER_WIDTH < frame.right;
  return (
    <g className="limit">
      <line x1={px} x2={px} y1={frame.top} y2={frame.bottom} />
      <text x={fits ? px + 6 : px - 6} y={frame.top + 12} textAnchor={fits ? "start" : "end"}>
        {limit.text}
      </text>
    </g>
  );
}

function LiveEnd({ frame, series }: { frame: Frame; series: Series }) {
  let last = series.x.length - 1;
  while (last >= 0 && !Number.isFinite(series.y[last] ?? NaN)) last--;
  const x = series.x[last];
  if (x === undefined || !inView(frame, x)) return null;
  const px = frame.x(x);
  const py = frame.y(series.y[last] ?? NaN);
  if (!withinPlot(frame, py)) return null;
  return (
    <g className="live-end">
      <circle className="pulse" fill={series.color} cx={px} cy={py} r={7} />
      <circle fill={series.color} className="filled" cx={px} cy={py} r={4} />
    </g>
  );
}
