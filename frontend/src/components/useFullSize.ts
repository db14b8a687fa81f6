import { type RefObject, useLayoutEffect, useState, useSyncExternalStore } from "react";

/** The height of the toolbar, the header of a card, and their margins. */
const OUTSIDE_CHART = 128;

/** Whether the chart of a card fills the height of the window, and its height. */
export function useFullSize(card: RefObject<HTMLElement | null>, initial: number) {
  const [full, setFull] = useState(false);
  const available = useSyncExternalStore(onResize, () =>
    full ? window.innerHeight - OUTSIDE_CHART : 0,
  );
  const height = Math.max(initial, available);
  useLayoutEffect(() => {
    if (full) card.current?.scrollIntoView({ block: "start" });
  }, [full, height, card]);
  return {
    full,
    height,
    toggle: () => {
      setFull(!full);
    },
  };
}

function onResize(changed: () => void): () => void {
  window.addEventListener("resize", changed);
  return () => {
    window.removeEventListener("resize", changed);
  };
}
