import { useSyncExternalStore } from "react";

/**
 * Whether anybody can see the page.
 *
 * TensorBoard keeps the frame of another tab alive with no height, and the browser calls it visible.
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
