import { useSyncExternalStore } from "react";

/** What the pointer or the keyboard is at; shared by all charts and the run list. */
export interface Cursor {
  /** The learning rate under the crosshair. */
  x: number | null;
  /** The curve that is lit. */
  seriesId: string | null;
  /** The chart that has the pointer or the focus: the one that shows the tooltip. */
  chart: string | null;
  /** Height of the pointer in that chart. */
  y: number | null;
}

export const NO_CURSOR: Cursor = { x: null, seriesId: null, chart: null, y: null };

/**
 * The cursor lives outside React's state: it changes with every movement of the pointer, and only
 * crosshairs, tooltips and lit curves may be drawn again for it.
 */
export class CursorStore {
  #cursor = NO_CURSOR;
  readonly #listeners = new Set<() => void>();

  get = (): Cursor => this.#cursor;

  set = (cursor: Cursor): void => {
    const now = this.#cursor;
    const same =
      now.x === cursor.x &&
      now.y === cursor.y &&
      now.seriesId === cursor.seriesId &&
      now.chart === cursor.chart;
    if (same) return;
    this.#cursor = cursor;
    for (const listener of this.#listeners) listener();
  };

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export function useCursor(store: CursorStore): Cursor {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Only the lit curve, for what need not know where the pointer is. */
export function useLitSeries(store: CursorStore): string | null {
  return useSyncExternalStore(store.subscribe, () => store.get().seriesId);
}
