import { mdiHelpCircleOutline, mdiLinkVariant, mdiMenu, mdiTune } from "@mdi/js";
import { plural } from "../format";
import { currentAddress } from "../state/host";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

interface ToolbarProps {
  running: number;
  runsOpen: boolean;
  settingsOpen: boolean;
  onToggleRuns: () => void;
  onToggleSettings: () => void;
  onHelp: () => void;
}

export function Toolbar(props: ToolbarProps) {
  const { running, runsOpen, settingsOpen, onToggleRuns, onToggleSettings, onHelp } = props;
  return (
    <header className="toolbar">
      <button
        type="button"
        className="icon-button"
        aria-label="Runs"
        title={runsOpen ? "Hide the run list" : "Show the run list"}
        aria-expanded={runsOpen}
        onClick={onToggleRuns}
      >
        <Icon path={mdiMenu} />
      </button>
      <h1>LR Finder</h1>
      <p className="status" role="status">
        {running > 0 && (
          <>
            <span className="running-dot" /> {plural(running, "sweep")} running
          </>
        )}
      </p>
      <CopyButton className="tool" icon={mdiLinkVariant} text={currentAddress} label="Copy link" />
      <button
        type="button"
        className="tool"
        aria-expanded={settingsOpen}
        onClick={onToggleSettings}
      >
        <Icon path={mdiTune} />
        <span className="text">Settings</span>
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Help"
        title="Help (?)"
        onClick={onHelp}
      >
        <Icon path={mdiHelpCircleOutline} />
      </button>
    </header>
  );
}
