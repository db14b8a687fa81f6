import { useEffect, useState, useSyncExternalStore } from "react";

/** Below this the settings lie over the page, and are closed at first. */
const SETTINGS_BESIDE = "(min-width: 1200px)";
/** Below this the runs are a drawer. */
const RUNS_BESIDE = "(min-width: 720px)";

/** Which side panels are open, and whether the help is. What a person chose holds until the window passes a threshold. */
export function usePanels() {
  const settingsBeside = useMedia(SETTINGS_BESIDE);
  const runsBeside = useMedia(RUNS_BESIDE);
  const [settings, setSettings] = useChoice(settingsBeside);
  const [runs, setRuns] = useChoice(runsBeside);
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const writing = event.target instanceof Element && event.target.matches("input, select");
      if (event.key === "?" && !writing) setHelp(true);
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

function useChoice(byDefault: boolean): [boolean, (open: boolean) => void] {
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
