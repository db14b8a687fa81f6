import { formatCount, formatExactRate, formatLoss } from "../format";
import type { Reading } from "../state/marker";

interface MarkerReadoutProps {
  learningRate: number;
  readings: readonly Reading[];
  deltaName: string;
}

const MAX_ROWS = 8;

/** The values of all curves at the marker. */
export function MarkerReadout({ learningRate, readings, deltaName }: MarkerReadoutProps) {
  const rate = formatExactRate(learningRate);
  if (readings.length === 0)
    return (
      <p className="marker-readout" data-testid="marker-readout">
        No shown sweep includes the learning rate of the marker, {rate}.
      </p>
    );
  const more = readings.length - MAX_ROWS;
  return (
    <div className="marker-readout" data-testid="marker-readout">
      <table>
        <caption>Values at the marker, {rate}</caption>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">LR of the step</th>
            <th scope="col">Smoothed</th>
            <th scope="col">Loss</th>
            <th scope="col">{deltaName}</th>
          </tr>
        </thead>
        <tbody>
          {readings.slice(0, MAX_ROWS).map((one) => (
            <tr key={one.id} data-run={one.id}>
              <th scope="row">
                <span className="dot" style={{ background: one.color }} />
                {one.label}
              </th>
              <td>{formatExactRate(one.learningRate)}</td>
              <td>{formatLoss(one.smoothed)}</td>
              <td>{one.raw === null ? "–" : formatLoss(one.raw)}</td>
              <td>{one.delta === null ? "–" : formatLoss(one.delta)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <p>{formatCount(more)} more</p>}
    </div>
  );
}
