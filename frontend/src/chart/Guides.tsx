import { textOn } from "./contrast";
import { type Frame, inView } from "./frame";
import { spread, textWidth } from "./labels";
import { type Guide, type Series, valueAt } from "./series";

interface GuidesProps {
  frame: Frame;
  guides: readonly Guide[];
  series: ReadonlyMap<string, Series>;
}

const PILL_PADDING = 22;
const GAP = 4;

/** Lines at learning rates, with pills above the plot that make room for each other. */
export function Guides({ frame, guides, series }: GuidesProps) {
  const visible = guides.filter(({ x }) => inView(frame, x));
  const row = pillsOf(frame, visible);
  return visible.map((guide, i) => {
    const pill = row?.[i] ?? null;
    const one = guide.seriesId === null ? undefined : series.get(guide.seriesId);
    return (
      <GuideMark
        key={`${guide.seriesId ?? ""} ${guide.text}`}
        frame={frame}
        guide={guide}
        pill={pill}
        series={one}
      />
    );
  });
}

interface Pill {
  text: string;
  center: number;
  width: number;
}

/** The pills with their texts, or with the short ones; null if there is no space for these either. */
function pillsOf(frame: Frame, guides: readonly Guide[]): Pill[] | null {
  if (guides.every(({ text }) => text === "")) return null;
  for (const form of ["text", "short"] as const) {
    const widths = guides.map((guide) => textWidth(guide[form]) + PILL_PADDING);
    const wanted = guides.map(({ x }) => frame.x(x));
    const centers = spread(wanted, widths, [2, frame.width - 2], GAP);
    if (centers) {
      return guides.map((guide, i) => ({
        text: guide[form],
        center: centers[i] ?? 0,
        width: widths[i] ?? 0,
      }));
    }
  }
  return null;
}

interface GuideMarkProps {
  frame: Frame;
  guide: Guide;
  pill: Pill | null;
  series: Series | undefined;
}

function GuideMark({ frame, guide, pill, series }: GuideMarkProps) {
  const x = frame.x(guide.x);
  const middle = frame.top - 15;
  // A line of several ends at its curve, so that the lines do not hide the curves below.
  const py = series ? frame.y(valueAt(series, guide.x)) : NaN;
  const end = py > frame.top && py < frame.bottom ? py : frame.bottom;
  const color = series?.color;
  return (
    <g className={`guide ${guide.tone}`} data-testid="suggestion-marker" data-x={x}>
      {pill && (
        <path d={`M${nearestOn(pill, x)},${middle + 10}L${x},${frame.top}`} {...strokeOf(color)} />
      )}
      <line x1={x} x2={x} y1={frame.top} y2={end} {...strokeOf(color)} />
      {pill && (
        <>
          <rect
            x={pill.center - pill.width / 2}
            y={middle - 10}
            width={pill.width}
            height={20}
            rx={10}
            style={color === undefined ? undefined : { fill: color }}
          />
          <text
            x={pill.center}
            y={middle + 4}
            textAnchor="middle"
            style={color === undefined ? undefined : { fill: textOn(color) }}
          >
            {pill.text}
          </text>
        </>
      )}
    </g>
  );
}

/** The place on the straight lower edge of a pill that is nearest to `x`. */
function nearestOn({ center, width }: Pill, x: number): number {
  const half = width / 2 - 10;
  return Math.min(center + half, Math.max(center - half, x));
}

function strokeOf(color: string | undefined) {
  return color === undefined ? {} : { style: { stroke: color } };
}
