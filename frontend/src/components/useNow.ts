import { useEffect, useState } from "react";

/** The time in seconds since the epoch, updated every second while it is `needed`. */
export function useNow(needed: boolean): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    if (!needed) return;
    const timer = setInterval(() => {
      setNow(Date.now() / 1000);
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, [needed]);
  return now;
}
