import type { Frame } from "./frame";
import type { Domain } from "./series";
import { integerTicks, linearTicks, logTicks, type Tick } from "./ticks";

export function xTicks(frame: Frame): Tick[] {
  const domain = frame.x.domain() as unknown as Domain;
  const pixels = frame.right - frame.left;
  return frame.xLog ? logTicks(domain, pixels) : integerTicks(domain, pixels);
}

export function yTicks(frame: Frame, log: boolean): Tick[] {
  const domain = frame.y.domain() as unknown as Domain;
  const pixels = frame.bottom - frame.top;
  return log ? logTicks(domain, 2 * pixels) : linearTicks(domain, pixels);
}

/** The grid lines beneath the curves. */
export function Grid({
  frame,
  yLog,
  zeroLine,
}: {
  frame: Frame;
  yLog: boolean;
  zeroLine: boolean;
}) {
  const { left, right, top, bottom, x, y } = frame;
  return (
    <g className="grid">
      {xTicks(frame).map(({ value, label }) => (
        <line
          key={value}
          className={label ? "major" : "minor"}
          x1={x(value)}
          x2={x(value)}
          y1={top}
          y2={bottom}
        />
      ))}
      {yTicks(frame, yLog).map(({ value, label }) => (
        <line
          key={value}
          className={zeroLine && value === 0 ? "zero" : label ? "major" : "minor"}
          x1={left}
          x2={right}
          y1={y(value)}
          y2={y(value)}
        />
      ))}
    </g>
  );
}

interface AxesProps {
  frame: Frame;
  yLog: boolean;
  yTitle: string;
  xTitle: string | null;
}

/** The labels around the plot. */
export function Axes({ frame, yLog, yTitle, xTitle }: AxesProps) {
  const { left, right, top, bottom, x, y } = frame;
  return (
    <g className="axes">
      <line className="base" x1={left} x2={right} y1={bottom} y2={bottom} />
      {xTicks(frame)
        .filter(({ label }) => label)
        .map(({ value, label }) => (
          <text key={value} x={x(value)} y={bottom + 17} textAnchor="middle">
            {label}
          </text>
        ))}
      {yTicks(frame, yLog)
        .filter(({ label }) => label)
        .map(({ value, label }) => (
          <text key={value} x={left - 9} y={y(value) + 4} textAnchor="end">
            {label}
          </text>
        ))}
      <text
        className="title"
        textAnchor="middle"
        transform={`translate(13 ${(top + bottom) / 2}) rotate(-90)`}
      >
        {yTitle}
      </text>
      {xTitle !== null && (
        <text className="title" textAnchor="middle" x={(left + right) / 2} y={bottom + 38}>
          {xTitle}
        </text>
      )}
    </g>
  );
}
