import { mdiClose } from "@mdi/js";
import { useId, useState } from "react";
import { formatLearningRate } from "../format";
import { Icon } from "./Icon";

interface MarkerFieldProps {
  value: number | null;
  onChange: (value: number | null) => void;
}

/** Where the reader's own marker stands: typed, taken by Enter or on leaving the field. */
export function MarkerField({ value, onChange }: MarkerFieldProps) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const number = Number(draft);
  const empty = draft !== null && draft.trim() === "";
  const wrong = draft !== null && !empty && !(number > 0 && Number.isFinite(number));
  const take = () => {
    if (draft === null) return;
    if (empty) onChange(null);
    else if (!wrong) onChange(number);
  };
  return (
    <span className="marker-field">
      <label htmlFor={id}>Marker</label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        autoComplete="off"
        placeholder="e.g. 1e-3"
        title={
          wrong
            ? "A learning rate is a number above zero, such as 1e-3"
            : "Read every curve at this learning rate; or Shift+click on a chart"
        }
        aria-invalid={wrong}
        value={draft ?? (value === null ? "" : formatLearningRate(value))}
        onChange={(event) => {
          setDraft(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            take();
            if (!wrong) setDraft(null);
          } else if (event.key === "Escape") {
            if (draft === null) onChange(null);
            setDraft(null);
          }
        }}
        onBlur={() => {
          take();
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
