import { useSyncExternalStore } from "react";

/** The position of the pointer or the keyboard; shared by all charts and the run list. */
export interface Cursor {
  /** The learning rate under the crosshair. */
  x: number | null;
  /** The hovered curve. */
  seriesId: string | null;
  /** The chart that has the pointer or the focus, i.e. that shows the tooltip. */
  chart: string | null;
  /** The y position of the pointer in that chart, in pixels. */
  y: number | null;
}

export const NO_CURSOR: Cursor = { x: null, seriesId: null, chart: null, y: null };

/**
 * The cursor is not React state: it changes with every movement of the pointer, and only crosshairs,
 * tooltips and hovered curves may be rendered again.
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

/** The hovered curve only, for components that do not depend on the position. */
export function useHoveredSeries(store: CursorStore): string | null {
  return useSyncExternalStore(store.subscribe, () => store.get().seriesId);
}
