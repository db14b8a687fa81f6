import { useSyncExternalStore } from "react";
import { isDark, onThemeChange } from "./host";

/** Whether the host is in dark mode. */
export function useDark(): boolean {
  return useSyncExternalStore(onThemeChange, isDark);
}
