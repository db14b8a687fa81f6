import type { Marker } from "../chart/marker";
import { nearestIndex, type Series } from "../chart/series";
import { formatExactRate, formatLoss } from "../format";
import type { Action, View } from "./view";

/** The marker for the charts. Screen readers announce its learning rate and `reading`. */
export function markerOf(
  { marker }: View,
  dispatch: (action: Action) => void,
  reading?: Reading,
): Marker {
  const place = marker === null ? "" : `learning rate ${formatExactRate(marker)}`;
  const value = reading && `${reading.label}: smoothed loss ${formatLoss(reading.smoothed)}`;
  return {
    x: marker,
    text: value ? `${place}, ${value}` : place,
    onMove: (x) => {
      dispatch({ type: "marker", marker: x });
    },
  };
}

/** The values of a curve at the marker: of the nearest row on the log axis. */
export interface Reading {
  id: string;
  label: string;
  color: string;
  learningRate: number;
  smoothed: number;
  /** null until the raw losses are loaded. */
  raw: number | null;
  delta: number | null;
}

/**
 * The readings of all curves that include `x`, the lowest first but `first` before all others. `rawOf`
 * returns the raw losses that are not drawn.
 */
export function readAt(
  x: number,
  losses: readonly Series[],
  deltas: readonly Series[],
  first: string | null,
  rawOf: (id: string) => Float32Array | null,
): Reading[] {
  const deltaById = new Map(deltas.map((one) => [one.id, one]));
  const readings = losses
    .filter((one) => includes(one, x))
    .map((one) => {
      const index = nearestIndex(one.x, x);
      const at = (values: Float32Array | null | undefined) => values?.[index] ?? null;
      return {
        id: one.id,
        label: one.label,
        color: one.color,
        learningRate: one.x[index] ?? NaN,
        smoothed: one.y[index] ?? NaN,
        raw: at(one.raw ?? rawOf(one.id)),
        delta: at(deltaById.get(one.id)?.y),
      };
    });
  const height = ({ smoothed }: Reading) => (Number.isFinite(smoothed) ? smoothed : Infinity);
  const rank = ({ id }: Reading) => (id === first ? 0 : 1);
  return readings.sort((a, b) => {
    const [low, high] = [height(a), height(b)];
    return rank(a) - rank(b) || (low === high ? 0 : low - high);
  });
}

function includes({ x: xs }: Series, x: number): boolean {
  const first = xs[0] ?? NaN;
  const last = xs[xs.length - 1] ?? NaN;
  return x >= first * (1 - 1e-6) && x <= last * (1 + 1e-6);
}
