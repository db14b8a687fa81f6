import { type RefObject, useLayoutEffect, useState, useSyncExternalStore } from "react";

/** The header of a card, the toolbar above it, and their margins. */
const AROUND = 128;

/** Whether a card's chart fills the window, and how high it is. */
export function useFullSize(card: RefObject<HTMLElement | null>, usual: number) {
  const [full, setFull] = useState(false);
  const room = useSyncExternalStore(onResize, () => (full ? window.innerHeight - AROUND : 0));
  const height = Math.max(usual, room);
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
