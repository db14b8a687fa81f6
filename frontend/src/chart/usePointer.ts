import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { type CursorStore, NO_CURSOR } from "./cursor";
import type { Frame } from "./frame";
import { hitTest } from "./hit";
import type { Domain, Series } from "./series";
import { zoomAround } from "./zoom";

interface PointerOptions {
  chart: string;
  frame: Frame | null;
  series: readonly Series[];
  fullDomain: Domain;
  cursor: CursorStore;
  onZoom: ((domain: Domain) => void) | null;
  /** Called on Shift+click. */
  onMark: ((x: number) => void) | null;
  onReset: () => void;
  onPick: (seriesId: string) => void;
}

/** A shorter drag is a click; in pixels. */
const MIN_DRAG = 5;
/** The distance from a curve within which a click picks it, in pixels. */
const PICK_RADIUS = 24;

/** Crosshair, drag to zoom, click to pick, double-click to reset, Alt+wheel to zoom. */
export function usePointer(box: RefObject<HTMLDivElement | null>, options: PointerOptions) {
  const { chart, frame, series, fullDomain, cursor, onZoom, onMark } = options;
  const { onReset, onPick } = options;
  const [brush, setBrush] = useState<{ from: number; to: number } | null>(null);
  const start = useRef<number | null>(null);

  const at = (event: { clientX: number; clientY: number }) => {
    const bounds = box.current?.getBoundingClientRect();
    return { x: event.clientX - (bounds?.left ?? 0), y: event.clientY - (bounds?.top ?? 0) };
  };
  const clampX = (x: number) => (frame ? Math.min(frame.right, Math.max(frame.left, x)) : x);

  const onPointerMove = (event: PointerEvent) => {
    if (!frame) return;
    const { x, y } = at(event);
    if (onZoom && start.current !== null && Math.abs(x - start.current) >= MIN_DRAG) {
      setBrush({ from: start.current, to: clampX(x) });
      cursor.set(NO_CURSOR);
      return;
    }
    const outside = x < frame.left || x > frame.right || y < 0 || y > frame.bottom;
    if (outside) {
      cursor.set(NO_CURSOR);
      return;
    }
    const nearest = hitTest(series, frame, x, y)[0];
    cursor.set({ x: frame.x.invert(x), y, seriesId: nearest?.series.id ?? null, chart });
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || !frame) return;
    const { x, y } = at(event);
    if (x < frame.left || x > frame.right || y > frame.bottom) return;
    start.current = x;
    // A tap has no movement before it.
    if (event.pointerType === "touch") onPointerMove(event);
    // Also end drags that leave the chart.
    box.current?.setPointerCapture(event.pointerId);
  };

  const onPointerUp = (event: PointerEvent) => {
    const from = start.current;
    start.current = null;
    setBrush(null);
    if (from === null || !frame) return;
    const { x, y } = at(event);
    const to = clampX(x);
    if (onZoom && Math.abs(to - from) >= MIN_DRAG) {
      const [low, high] = from < to ? [from, to] : [to, from];
      onZoom([frame.x.invert(low), frame.x.invert(high)]);
      return;
    }
    if (onMark && event.shiftKey) {
      onMark(frame.x.invert(to));
      return;
    }
    // The thin lines of a group can be picked one by one.
    const single = series.flatMap((one) => (one.members.length > 0 ? one.members : [one]));
    const nearest = hitTest(single, frame, x, y)[0];
    if (nearest && nearest.distance <= PICK_RADIUS) onPick(nearest.series.id);
  };

  const onPointerCancel = () => {
    start.current = null;
    setBrush(null);
  };

  const onPointerLeave = (event: PointerEvent) => {
    // A finger leaves with every tap; what it showed stays until the chart loses the focus.
    if (event.pointerType !== "touch") cursor.set(NO_CURSOR);
  };

  // React's wheel listeners are passive: they cannot prevent scrolling.
  useEffect(() => {
    const element = box.current;
    if (!element || !frame || !onZoom) return;
    const onWheel = (event: WheelEvent) => {
      if (!event.altKey) return;
      event.preventDefault();
      const px = event.clientX - element.getBoundingClientRect().left;
      const [low = 1, high = 1] = frame.x.domain();
      const factor = 1.002 ** Math.max(-300, Math.min(300, event.deltaY));
      const next = zoomAround([low, high], frame.x.invert(px), factor, fullDomain);
      if (next) onZoom(next);
      else onReset();
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      element.removeEventListener("wheel", onWheel);
    };
  }, [box, frame, fullDomain, onZoom, onReset]);

  return {
    brush,
    handlers: {
      onPointerMove,
      onPointerDown,
      onPointerUp,
      onPointerCancel,
      onPointerLeave,
      onDoubleClick: onReset,
    },
  };
}
