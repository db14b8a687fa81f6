import { type Frame, inView } from "./frame";
import type { Pair } from "./pair";

/** The two values of each pair, and the bar between them. */
export function Pairs({ frame, pairs }: { frame: Frame; pairs: readonly Pair[] }) {
  return (
    <g className="pairs">
      {pairs
        .filter(({ x }) => inView(frame, x))
        .map((pair) =>
          pair.diverged ? (
            <DivergedPair key={pair.id} frame={frame} pair={pair} />
          ) : (
            <ValuePair key={pair.id} frame={frame} pair={pair} />
          ),
        )}
    </g>
  );
}

function ValuePair({ frame, pair }: { frame: Frame; pair: Pair }) {
  const { id, color, hollow, emphasized, label } = pair;
  const px = frame.x(pair.x);
  const inPlot = (value: number) => Math.min(frame.bottom, Math.max(frame.top, frame.y(value)));
  const y = inPlot(pair.y);
  const other = inPlot(pair.other);
  const high = Math.min(y, Number.isFinite(other) ? other : y);
  return (
    <g data-testid="trial" data-run={id} data-x={px} data-y={frame.y(pair.y)}>
      {Number.isFinite(other) && (
        <>
          <line className="gap" stroke={color} x1={px} x2={px} y1={y} y2={other} />
          <line className="foot" stroke={color} x1={px - 4} x2={px + 4} y1={other} y2={other} />
        </>
      )}
      <circle
        className={hollow ? "hollow" : "filled"}
        {...(hollow ? { stroke: color } : { fill: color })}
        cx={px}
        cy={y}
        r={emphasized ? 7.5 : 5.5}
      />
      {label !== "" && (
        <text x={px} y={Math.max(frame.top + 10, high - 11)} textAnchor="middle">
          {label}
        </text>
      )}
    </g>
  );
}

function DivergedPair({ frame, pair }: { frame: Frame; pair: Pair }) {
  const px = frame.x(pair.x);
  const y = frame.top + 8;
  return (
    <g className="diverged" data-testid="diverged-trial" data-run={pair.id} data-x={px}>
      <path d={`M${px - 5},${y - 5}l10,10m0,-10l-10,10`} />
      <text x={px} y={y + 20} textAnchor="middle">
        diverged
      </text>
    </g>
  );
}
