import { useSyncExternalStore } from "react";
import { isDark, onThemeChange } from "./host";

/** Whether the host is dark at this moment. */
export function useDark(): boolean {
  return useSyncExternalStore(onThemeChange, isDark);
}
