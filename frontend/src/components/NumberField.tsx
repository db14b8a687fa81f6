import { useId, useState } from "react";

interface NumberFieldProps {
  label: string;
  hideLabel?: boolean;
  /** null is an empty field. */
  value: number | null;
  min: number;
  max: number;
  step?: number;
  placeholder?: string;
  onChange: (value: number | null) => void;
}

/**
 * A number that is passed on when it is one that the server takes. What is typed on the way there
 * stays in the field, and is put right when the field is left.
 */
export function NumberField(props: NumberFieldProps) {
  const { label, hideLabel = false, value, min, max, step = 1, placeholder, onChange } = props;
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const whole = Number.isInteger(step);
  const take = (text: string) => {
    setDraft(text);
    const number = text.trim() === "" ? null : Number(text);
    if (number === null) onChange(null);
    else if (number >= min && number <= max && (!whole || Number.isInteger(number)))
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
        inputMode={whole ? "numeric" : "decimal"}
        min={min}
        max={max}
        step={step}
        placeholder={placeholder}
        aria-invalid={rejected}
        value={draft ?? (value === null ? "" : String(value))}
        onChange={(event) => {
          take(event.target.value);
        }}
        onBlur={() => {
          setDraft(null);
        }}
      />
    </div>
  );
}
