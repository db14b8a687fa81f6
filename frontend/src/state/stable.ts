import { useState } from "react";

/** The value of an earlier call for as long as it is the `same` as `value`. */
export function useStable<T>(value: T, same: (a: T, b: T) => boolean): T {
  const [kept, keep] = useState(value);
  if (kept === value || same(kept, value)) return kept;
  keep(value);
  return value;
}

/** Whether two lists are equal, item by item and field by field (shallow). */
export function sameItems<T extends object>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => sameFields(item, b[i]));
}

function sameFields<T extends object>(a: T, b: T | undefined): boolean {
  if (a === b) return true;
  if (b === undefined) return false;
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key], b[key]));
}
