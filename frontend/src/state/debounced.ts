import { useEffect, useRef, useState } from "react";

/**
 * `value`, debounced: a change after a rest of `milliseconds` is returned at once, any other when
 * `value` has not changed for as long. So a click takes effect without delay, and a slider when it
 * rests. Values with equal content are the same.
 */
export function useDebounced<T>(value: T, milliseconds: number): T {
  const [debounced, setDebounced] = useState(value);
  const lastChange = useRef(-Infinity);
  const content = JSON.stringify(value);
  useEffect(() => {
    const update = () => {
      setDebounced((before) =>
        JSON.stringify(before) === content ? before : (JSON.parse(content) as T),
      );
    };
    const now = performance.now();
    const isFirst = now - lastChange.current > milliseconds;
    lastChange.current = now;
    const timer = setTimeout(update, isFirst ? 0 : milliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [content, milliseconds]);
  return debounced;
}
