import { useEffect, useState } from "react";

/** `value` once it has not changed for `milliseconds`. Equal content counts as no change. */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  const content = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled((before) =>
        JSON.stringify(before) === content ? before : (JSON.parse(content) as T),
      );
    }, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [content, milliseconds]);
  return settled;
}
