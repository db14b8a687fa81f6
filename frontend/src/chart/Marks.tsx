import { MAX_CURVES_WITH_THICK_LINES } from "./density";
import { type Frame, inView } from "./frame";
import { Guides } from "./Guides";
import { type Box, leastCovering, plotCost, textWidth } from "./labels";
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
  // Labels are only beside the marks of one curve, which is the emphasized one if there are others.
  const avoided = series.filter(({ id }) => emphasis === null || id === emphasis);
  const cost = plotCost(frame, avoided);
  const obstacles = obstaclesOf(frame, marks, byId);
  return (
    <g className="marks">
      {marks.limit && <Limit frame={frame} limit={marks.limit} obstacles={obstacles} cost={cost} />}
      <Guides frame={frame} guides={marks.guides} series={byId} />
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
        <Ring
          frame={frame}
          ring={marks.ring}
          series={byId.get(marks.ring.seriesId)}
          obstacles={obstacles}
          cost={cost}
        />
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

/** The lines and dots that a label must not be drawn over. */
function obstaclesOf(
  frame: Frame,
  { guides, points, limit, ring }: Marks,
  series: ReadonlyMap<string, Series>,
): Box[] {
  const lines = [...guides.map(({ x }) => x), ...(limit ? [limit.x] : [])].map((x) => ({
    x: frame.x(x) - 2,
    y: frame.top,
    width: 4,
    height: frame.bottom - frame.top,
  }));
  const dots = points.slice(0, MAX_CURVES_WITH_THICK_LINES).flatMap(({ seriesId, x }) => {
    const one = series.get(seriesId);
    return one ? [square(frame.x(x), frame.y(valueAt(one, x)), 8)] : [];
  });
  const minimum = ring && series.get(ring.seriesId);
  const at = ring && minimum && ringAt(frame, ring, minimum);
  return [...lines, ...dots, ...(at ? [square(at.px, at.py, 7)] : [])];
}

function square(x: number, y: number, radius: number): Box {
  return { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
}

function withinPlot(frame: Frame, py: number): boolean {
  return py >= frame.top - 1 && py <= frame.bottom + 1;
}

interface LabelProps {
  frame: Frame;
  /** What the label is not drawn over. */
  obstacles: readonly Box[];
  cost: (box: Box) => number;
}

const LABEL_HEIGHT = 14;

function Ring({
  frame,
  ring,
  series,
  obstacles,
  cost,
}: LabelProps & { ring: NonNullable<Marks["ring"]>; series: Series | undefined }) {
  const at = series && ringAt(frame, ring, series);
  if (!at) return null;
  const width = textWidth(ring.text);
  const size = { width, height: LABEL_HEIGHT };
  const [left, middle, right] = [at.px - width - 11, at.px - width / 2, at.px + 11];
  const candidates = [
    { ...size, x: middle, y: at.py + 9 },
    { ...size, x: middle, y: at.py - 10 - LABEL_HEIGHT },
    { ...size, x: right, y: at.py + 4 },
    { ...size, x: left, y: at.py + 4 },
    { ...size, x: right, y: at.py - LABEL_HEIGHT - 4 },
    { ...size, x: left, y: at.py - LABEL_HEIGHT - 4 },
    { ...size, x: middle, y: at.py + 26 },
  ];
  const box = leastCovering(candidates, obstacles, cost);
  return (
    <g className="ring">
      <circle cx={at.px} cy={at.py} r={5} />
      {box && (
        <text x={box.x + width / 2} y={box.y + 11} textAnchor="middle">
          {ring.text}
        </text>
      )}
    </g>
  );
}

function ringAt(frame: Frame, ring: NonNullable<Marks["ring"]>, series: Series) {
  if (!inView(frame, ring.x)) return null;
  const px = frame.x(ring.x);
  const py = frame.y(valueAt(series, ring.x));
  return withinPlot(frame, py) ? { px, py } : null;
}

function Limit({
  frame,
  limit,
  obstacles,
  cost,
}: LabelProps & { limit: NonNullable<Marks["limit"]> }) {
  if (!inView(frame, limit.x)) return null;
  const px = frame.x(limit.x);
  const width = textWidth(limit.text);
  const size = { width, height: LABEL_HEIGHT };
  const candidates = [frame.top + 2, frame.bottom - LABEL_HEIGHT - 14, frame.top + 20].flatMap(
    (y) => [
      { ...size, x: px + 6, y },
      { ...size, x: px - 6 - width, y },
    ],
  );
  const box = limit.text === "" ? null : leastCovering(candidates, obstacles, cost);
  return (
    <g className="limit">
      <line x1={px} x2={px} y1={frame.top} y2={frame.bottom} />
      {box && (
        <text
          x={box.x < px ? px - 6 : px + 6}
          y={box.y + 10}
          textAnchor={box.x < px ? "end" : "start"}
        >
          {limit.text}
        </text>
      )}
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
