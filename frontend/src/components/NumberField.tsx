import { useId, useState } from "react";

interface NumberFieldProps {
  label: string;
  hideLabel?: boolean;
  /** null if the field is empty. */
  value: number | null;
  min: number;
  max: number;
  step?: number;
  placeholder?: string;
  onChange: (value: number | null) => void;
}

/**
 * A number field. Only valid numbers are passed on; an invalid input stays in the field until it loses
 * focus.
 */
export function NumberField(props: NumberFieldProps) {
  const { label, hideLabel = false, value, min, max, step = 1, placeholder, onChange } = props;
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const integer = Number.isInteger(step);
  const change = (text: string) => {
    setDraft(text);
    const number = text.trim() === "" ? null : Number(text);
    if (number === null) onChange(null);
    else if (number >= min && number <= max && (!integer || Number.isInteger(number)))
      onChange(number);
  };
  const rejected = draft !== null && draft.trim() !== "" && Number(draft) !== value;
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? "sr-only" : ""}>
        {label}
      </label>
      <input
        id={id}
        type="number"
        inputMode={integer ? "numeric" : "decimal"}
        min={min}
        max={max}
        step={step}
        placeholder={placeholder}
        aria-invalid={rejected}
        value={draft ?? (value === null ? "" : String(value))}
        onChange={(event) => {
          change(event.target.value);
        }}
        onBlur={() => {
          setDraft(null);
        }}
      />
    </div>
  );
}
