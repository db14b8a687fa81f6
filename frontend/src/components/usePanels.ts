import { useEffect, useState, useSyncExternalStore } from "react";

/** In narrower windows the settings overlay the page and are initially closed. */
const SETTINGS_BESIDE = "(min-width: 1200px)";
/** In narrower windows the run list is a drawer. */
const RUNS_BESIDE = "(min-width: 720px)";

/** Which side panels are open, and whether the help is. A choice holds until the window crosses a threshold. */
export function usePanels() {
  const settingsBeside = useMedia(SETTINGS_BESIDE);
  const runsBeside = useMedia(RUNS_BESIDE);
  const [settings, setSettings] = usePanel(settingsBeside);
  const [runs, setRuns] = usePanel(runsBeside);
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.matches("input, select");
      if (event.key === "?" && !typing) setHelp(true);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
    };
  }, []);
  return {
    settings,
    runs,
    help,
    setHelp,
    runsAreDrawer: !runsBeside,
    toggleSettings: () => {
      setSettings(!settings);
    },
    toggleRuns: () => {
      setRuns(!runs);
    },
  };
}

function usePanel(byDefault: boolean): [boolean, (open: boolean) => void] {
  const [choice, setChoice] = useState<{ open: boolean; when: boolean } | null>(null);
  const open = choice?.when === byDefault ? choice.open : byDefault;
  return [
    open,
    (next) => {
      setChoice({ open: next, when: byDefault });
    },
  ];
}

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", listener);
      return () => {
        media.removeEventListener("change", listener);
      };
    },
    () => window.matchMedia(query).matches,
  );
}
