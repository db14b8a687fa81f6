import { type RefObject, useEffect, useState, useSyncExternalStore } from "react";

/** Whether a card fills the window, and the height of its chart, which is `initial` if it does not. */
export function useFullSize(card: RefObject<HTMLElement | null>, initial: number) {
  /** The height of the card apart from its chart; null if it does not fill the window. */
  const [outside, setOutside] = useState<number | null>(null);
  const full = outside !== null;
  const available = useSyncExternalStore(onResize, () =>
    outside === null ? 0 : window.innerHeight - outside,
  );
  useEffect(() => {
    if (!full) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOutside(null);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
    };
  }, [full]);
  return {
    full,
    height: full ? Math.max(MIN_HEIGHT, available) : initial,
    toggle: () => {
      setOutside(full ? null : (card.current?.offsetHeight ?? 0) - initial);
    },
  };
}

const MIN_HEIGHT = 160;

function onResize(changed: () => void): () => void {
  window.addEventListener("resize", changed);
  return () => {
    window.removeEventListener("resize", changed);
  };
}
