import { mdiClose, mdiRestore } from "@mdi/js";
import { type ReactNode, useId } from "react";
import type { Sweep } from "../api/sweeps";
import { type Field, FIELDS } from "../state/fields";
import { LIMITS, type Settings } from "../state/settings";
import { Icon } from "./Icon";
import { NumberField } from "./NumberField";

interface SettingsPanelProps {
  settings: Settings;
  /** A shown sweep, for the recorded settings. */
  sample: Sweep | null;
  onChange: (settings: Partial<Settings>) => void;
  onReset: () => void;
  onClose: () => void;
}

/** How the numbers are computed and drawn. */
export function SettingsPanel({
  settings,
  sample,
  onChange,
  onReset,
  onClose,
}: SettingsPanelProps) {
  const { smoothing, deltaWindow } = settings;
  const recordedSmoothing =
    numberOrUndefined(sample?.config["smoothing"]) ?? sample?.settings.smoothing ?? 0;
  const recordedWindow =
    numberOrUndefined(sample?.config["delta_window"]) ?? sample?.settings.delta_window;
  return (
    <>
      <header className="panel-title">
        <h2>Settings</h2>
        <button type="button" className="icon-button" aria-label="Close settings" onClick={onClose}>
          <Icon path={mdiClose} />
        </button>
      </header>
      <Group title="Suggestion">
        <div className="pair">
          <NumberField
            label="Skip start"
            value={settings.skipStart}
            {...LIMITS.skip}
            onChange={(skipStart) => {
              onChange({ skipStart: skipStart ?? 0 });
            }}
          />
          <NumberField
            label="Skip end"
            value={settings.skipEnd}
            {...LIMITS.skip}
            onChange={(skipEnd) => {
              onChange({ skipEnd: skipEnd ?? 0 });
            }}
          />
        </div>
        <p className="hint">Steps that the rules ignore. They are dashed in the chart.</p>
      </Group>
      <Group title="Curves">
        <Smoothing
          value={smoothing}
          recorded={recordedSmoothing}
          onChange={(next) => {
            onChange({ smoothing: next });
          }}
        />
        <Check
          label="Show the raw loss"
          checked={settings.showRaw}
          onChange={(showRaw) => {
            onChange({ showRaw });
          }}
        />
        <Choice
          label="Loss delta"
          value={settings.delta}
          options={[
            ["window", "Over a window of batches"],
            ["slope", "Slope per decade"],
          ]}
          onChange={(delta) => {
            onChange({ delta });
          }}
        />
        {settings.delta === "window" && (
          <NumberField
            label="Window in batches"
            value={deltaWindow}
            placeholder={recordedWindow === undefined ? "" : `${recordedWindow} (as recorded)`}
            {...LIMITS.deltaWindow}
            onChange={(next) => {
              onChange({ deltaWindow: next });
            }}
          />
        )}
        <Choice
          label="Color by"
          value={settings.colorBy}
          options={[
            ["automatic", "Automatic"],
            ["run", "Run"],
            ["suggestion", "Suggested learning rate"],
            ...FIELD_OPTIONS,
          ]}
          onChange={(colorBy) => {
            onChange({ colorBy });
          }}
        />
        <Choice
          label="Group by"
          value={settings.groupBy}
          options={[
            ["automatic", "Automatic"],
            ["none", "None, one curve per run"],
            ...FIELD_OPTIONS,
          ]}
          onChange={(groupBy) => {
            onChange({ groupBy });
          }}
        />
        {settings.groupBy !== "none" && (
          <>
            <Check
              label="Draw the sweeps of a group"
              checked={settings.showMembers ?? settings.groupBy === "automatic"}
              onChange={(showMembers) => {
                onChange({ showMembers });
              }}
            />
            <p className="hint">
              The line is the median of the sweeps with the same optimizer in a group. Without the
              sweeps, a tint shows the middle 80 % of them.
            </p>
          </>
        )}
      </Group>
      <Group title="Axes">
        <Check
          label="Fit to the descent, cut off the divergence"
          checked={settings.fitDescent}
          onChange={(fitDescent) => {
            onChange({ fitDescent });
          }}
        />
        <Check
          label="Log scale for the loss"
          checked={settings.logLoss}
          onChange={(logLoss) => {
            onChange({ logLoss });
          }}
        />
        <Check
          label="Loss relative to start"
          checked={settings.relativeLoss}
          onChange={(relativeLoss) => {
            onChange({ relativeLoss });
          }}
        />
      </Group>
      <div className="group">
        <button type="button" className="tool" onClick={onReset}>
          <Icon path={mdiRestore} />
          Reset all settings
        </button>
      </div>
    </>
  );
}

const FIELD_OPTIONS = (Object.keys(FIELDS) as Field[]).map(
  (field) => [field, FIELDS[field]] as const,
);

function numberOrUndefined(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="group" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** The number field goes up to the limit of the server. */
const SLIDER_MAX = 1;

interface SmoothingProps {
  value: number | null;
  recorded: number;
  onChange: (value: number | null) => void;
}

function Smoothing({ value, recorded, onChange }: SmoothingProps) {
  const id = useId();
  const shown = value ?? recorded;
  return (
    <div className="field">
      <label htmlFor={id}>Smoothing, decades of learning rate</label>
      <div className="slider">
        <input
          id={id}
          type="range"
          min={0}
          max={SLIDER_MAX}
          step={0.01}
          value={Math.min(shown, SLIDER_MAX)}
          onChange={(event) => {
            onChange(event.target.valueAsNumber);
          }}
        />
        <NumberField
          label="Smoothing in decades"
          hideLabel
          value={shown}
          step={0.01}
          {...LIMITS.smoothing}
          onChange={onChange}
        />
      </div>
      {value !== null && (
        <button
          type="button"
          className="link"
          onClick={() => {
            onChange(null);
          }}
        >
          As recorded ({recorded})
        </button>
      )}
    </div>
  );
}

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => {
          onChange(event.target.checked);
        }}
      />
      {label}
    </label>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <label className="field">
      {label}
      <select
        value={value}
        onChange={(event) => {
          const chosen = options.find(([option]) => option === event.target.value);
          if (chosen) onChange(chosen[0]);
        }}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
