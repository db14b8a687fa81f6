import { useEffect, useState, useSyncExternalStore } from "react";

/** In narrower windows the run list is a drawer. */
const RUNS_BESIDE = "(min-width: 720px)";

/** Which side panels are open, and whether the help is. The run list is kept until the window crosses its threshold. */
export function usePanels() {
  const runsBeside = useMedia(RUNS_BESIDE);
  const [settings, setSettings] = useState(false);
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
