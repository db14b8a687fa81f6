import { type KeyboardEvent, useState } from "react";
import { type CursorStore, NO_CURSOR } from "./cursor";
import type { Frame } from "./frame";
import { bisect, nearestIndex, type Series } from "./series";

interface KeyboardOptions {
  chart: string;
  frame: Frame | null;
  series: readonly Series[];
  emphasis: string | null;
  cursor: CursorStore;
  /** What a screen reader announces for a point. */
  announce: (seriesId: string, index: number) => string;
  onPick: (seriesId: string) => void;
  onEscape: () => void;
}

/**
 * Left and right move along the points (10 with Shift), up and down between the curves; Enter picks,
 * Escape resets. Returns the announcement for screen readers.
 */
export function useKeyboard(options: KeyboardOptions) {
  const { chart, frame, series, emphasis, cursor, announce, onPick, onEscape } = options;
  const [announcement, setAnnouncement] = useState("");

  const moveTo = (one: Series, index: number) => {
    if (!frame) return;
    const x = one.x[index] ?? NaN;
    const y = frame.y(one.y[index] ?? NaN);
    cursor.set({
      x,
      y: Number.isFinite(y) ? Math.min(frame.bottom, Math.max(frame.top, y)) : null,
      seriesId: one.id,
      chart,
    });
    setAnnouncement(announce(one.id, index));
  };

  const current = (): { one: Series; index: number } | null => {
    const { x, seriesId } = cursor.get();
    const one = series.find(({ id }) => id === seriesId);
    return one && x !== null ? { one, index: nearestIndex(one.x, x) } : null;
  };

  const start = () => {
    const one = series.find(({ id }) => id === emphasis) ?? series[0];
    if (one && frame) moveTo(one, visibleRange(one, frame)[0]);
  };

  const step = (by: number) => {
    const now = current();
    if (!now || !frame) {
      start();
      return;
    }
    const [first, last] = visibleRange(now.one, frame);
    moveTo(now.one, Math.min(last, Math.max(first, now.index + by)));
  };

  const switchCurve = (direction: 1 | -1) => {
    const now = current();
    if (!now) {
      start();
      return;
    }
    const x = now.one.x[now.index] ?? NaN;
    const next = neighbour(series, now.one, x, direction);
    if (next) moveTo(next, nearestIndex(next.x, x));
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const stride = event.shiftKey ? 10 : 1;
    if (event.key === "ArrowRight") step(stride);
    else if (event.key === "ArrowLeft") step(-stride);
    else if (event.key === "ArrowUp") switchCurve(1);
    else if (event.key === "ArrowDown") switchCurve(-1);
    else if (event.key === "Enter") {
      const now = current();
      if (!now) return;
      onPick(now.one.id);
      setAnnouncement(`${now.one.label} is focused.`);
    } else if (event.key === "Escape") {
      cursor.set(NO_CURSOR);
      setAnnouncement("");
      onEscape();
    } else return;
    event.preventDefault();
  };

  const onBlur = () => {
    if (cursor.get().chart === chart) cursor.set(NO_CURSOR);
  };

  return { announcement, handlers: { onKeyDown, onBlur } };
}

function visibleRange(one: Series, frame: Frame): [number, number] {
  const [low = 0, high = 0] = frame.x.domain();
  const first = Math.min(bisect(one.x, low * (1 - 1e-6)), one.x.length - 1);
  const last = Math.max(first, bisect(one.x, high * (1 + 1e-6)) - 1);
  return [first, last];
}

/** The next curve above (1) or below (-1) at `x`; equal ones are in the order of the list. */
export function neighbour(
  series: readonly Series[],
  from: Series,
  x: number,
  direction: 1 | -1,
): Series | null {
  const level = (one: Series) => {
    const y = one.y[nearestIndex(one.x, x)] ?? NaN;
    return Number.isFinite(y) ? y : -Infinity;
  };
  const ordered = series
    .map((one, order) => ({ one, order, y: level(one) }))
    .sort((a, b) => a.y - b.y || a.order - b.order);
  const index = ordered.findIndex(({ one }) => one.id === from.id);
  return ordered[index + direction]?.one ?? null;
}
