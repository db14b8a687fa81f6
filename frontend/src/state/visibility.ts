import { useSyncExternalStore } from "react";

/**
 * Whether the page is visible.
 *
 * TensorBoard keeps the frame of a hidden tab alive with no height, which the browser reports as
 * visible.
 */
export function useVisible(): boolean {
  return useSyncExternalStore(subscribe, isVisible);
}

function isVisible(): boolean {
  return document.visibilityState === "visible" && window.innerHeight > 0;
}

function subscribe(listener: () => void): () => void {
  const observer = new ResizeObserver(listener);
  observer.observe(document.documentElement);
  window.addEventListener("resize", listener);
  document.addEventListener("visibilitychange", listener);
  return () => {
    observer.disconnect();
    window.removeEventListener("resize", listener);
    document.removeEventListener("visibilitychange", listener);
  };
}
