import { mdiClose } from "@mdi/js";
import { useId, useState } from "react";
import { formatExactRate } from "../format";
import { Icon } from "./Icon";

interface MarkerFieldProps {
  value: number | null;
  onChange: (value: number | null) => void;
}

/** The learning rate of the marker; an input takes effect on Enter or when the field loses focus. */
export function MarkerField({ value, onChange }: MarkerFieldProps) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const number = Number(draft);
  const empty = draft !== null && draft.trim() === "";
  const invalid = draft !== null && !empty && !(number > 0 && Number.isFinite(number));
  const apply = () => {
    if (draft === null) return;
    if (empty) onChange(null);
    else if (!invalid) onChange(number);
  };
  return (
    <span className="marker-field">
      <label htmlFor={id}>Marker</label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        autoComplete="off"
        placeholder="e.g. 0.001"
        title={
          invalid
            ? "The learning rate must be a positive number, e.g. 0.001"
            : "Show the values of all curves at this learning rate; or Shift+click a chart"
        }
        aria-invalid={invalid}
        value={draft ?? (value === null ? "" : formatExactRate(value))}
        onChange={(event) => {
          setDraft(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            apply();
            if (!invalid) setDraft(null);
          } else if (event.key === "Escape") {
            if (draft === null) onChange(null);
            setDraft(null);
          }
        }}
        onBlur={() => {
          apply();
          setDraft(null);
        }}
      />
      <button
        type="button"
        className="icon-button small"
        aria-label="Remove the marker"
        title="Remove the marker"
        disabled={value === null}
        onClick={() => {
          setDraft(null);
          onChange(null);
        }}
      >
        <Icon path={mdiClose} />
      </button>
    </span>
  );
}
