import { useEffect, useRef, useState } from "react";

/**
 * `value` at once after a rest of `milliseconds`, and else once it has not changed for as long: one
 * click is followed without delay, and a slider in motion only where it rests. Equal content counts
 * as no change.
 */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  const lastChange = useRef(-Infinity);
  const content = JSON.stringify(value);
  useEffect(() => {
    const settle = () => {
      setSettled((before) =>
        JSON.stringify(before) === content ? before : (JSON.parse(content) as T),
      );
    };
    const now = performance.now();
    const rested = now - lastChange.current > milliseconds;
    lastChange.current = now;
    const timer = setTimeout(settle, rested ? 0 : milliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [content, milliseconds]);
  return settled;
}
