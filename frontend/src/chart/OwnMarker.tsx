import { type KeyboardEvent, type PointerEvent, type RefObject, useRef } from "react";
import { formatExactRate } from "../format";
import { type CursorStore, NO_CURSOR } from "./cursor";
import { type Frame, inView } from "./frame";
import { type Marker, moveByKey } from "./marker";
import type { Domain } from "./series";

/** The line of the marker, with its learning rate on the axis. */
export function MarkerLine({ frame, x }: { frame: Frame; x: number }) {
  if (!inView(frame, x)) return null;
  const px = frame.x(x);
  const label = formatExactRate(x);
  const width = label.length * 6.2 + 16;
  const middle = Math.min(frame.width - width / 2, Math.max(width / 2, px));
  return (
    <g className="own-marker" data-testid="own-marker" data-x={px}>
      <line x1={px} x2={px} y1={frame.top - 6} y2={frame.bottom + 3} />
      <circle cx={px} cy={frame.top - 6} r={4.5} />
      <rect x={middle - width / 2} y={frame.bottom + 3} width={width} height={20} rx={3} />
      <text x={middle} y={frame.bottom + 17} textAnchor="middle">
        {label}
      </text>
    </g>
  );
}

interface MarkerHandleProps {
  box: RefObject<HTMLDivElement | null>;
  frame: Frame;
  marker: Marker & { x: number };
  cursor: CursorStore;
}

/** Moves the marker by pointer and keyboard. */
export function MarkerHandle({ box, frame, marker, cursor }: MarkerHandleProps) {
  const dragged = useRef(false);
  const { x, text, onMove } = marker;
  if (!inView(frame, x)) return null;
  const domain = frame.x.domain() as unknown as Domain;

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    // Otherwise the chart would zoom.
    event.stopPropagation();
    dragged.current = true;
    event.currentTarget.setPointerCapture(event.pointerId);
  };

  const onPointerMove = (event: PointerEvent) => {
    if (!dragged.current) return;
    event.stopPropagation();
    cursor.set(NO_CURSOR);
    const px = event.clientX - (box.current?.getBoundingClientRect().left ?? 0);
    onMove(frame.x.invert(Math.min(frame.right, Math.max(frame.left, px))));
  };

  const onPointerEnd = () => {
    dragged.current = false;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const next = moveByKey(x, event, domain);
    // Other keys are for the page, not for the curves.
    event.stopPropagation();
    if (next === undefined) return;
    event.preventDefault();
    onMove(next);
    if (next === null) box.current?.focus();
  };

  return (
    <div
      className="marker-handle"
      role="slider"
      tabIndex={0}
      aria-label="Marker"
      aria-orientation="horizontal"
      aria-valuemin={domain[0]}
      aria-valuemax={domain[1]}
      aria-valuenow={x}
      aria-valuetext={text}
      title="Drag it or use the arrow keys; Delete removes it"
      style={{
        left: frame.x(x),
        top: frame.top - 12,
        height: frame.bottom - frame.top + 35,
      }}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerEnd}
      onPointerCancel={onPointerEnd}
      onDoubleClick={(event) => {
        event.stopPropagation();
      }}
      onKeyDown={onKeyDown}
    />
  );
}
