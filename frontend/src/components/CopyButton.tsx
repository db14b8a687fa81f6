import { mdiCheck, mdiContentCopy } from "@mdi/js";
import { useEffect, useState } from "react";
import { copyText } from "../clipboard";
import { Icon } from "./Icon";

interface CopyButtonProps {
  /** What is copied, at the moment of the click. */
  text: string | (() => string);
  label: string;
  /** Shows the icon only; the label is its name. */
  compact?: boolean;
  className?: string;
  icon?: string;
}

export function CopyButton({ text, label, compact, className, icon }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);
  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => {
      setOutcome(null);
    }, 2_000);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);
  const copy = async () => {
    const done = await copyText(typeof text === "string" ? text : text());
    setOutcome(done ? "copied" : "failed");
  };
  const says = outcome === "copied" ? "Copied" : outcome === "failed" ? "Copying failed" : label;
  return (
    <button
      type="button"
      className={className ?? (compact ? "icon-button small" : "button")}
      aria-label={compact ? says : undefined}
      title={compact ? says : undefined}
      onClick={() => {
        void copy();
      }}
    >
      <Icon path={outcome === "copied" ? mdiCheck : (icon ?? mdiContentCopy)} />
      {!compact && <span className="text">{says}</span>}
      <span className="sr-only" aria-live="polite">
        {outcome === null ? "" : says}
      </span>
    </button>
  );
}
