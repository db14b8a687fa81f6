import { mdiCheck, mdiContentCopy } from "@mdi/js";
import { useEffect, useState } from "react";
import { copyText } from "../clipboard";
import { Icon } from "./Icon";

interface CopyButtonProps {
  /** What is copied; a function is called on click. */
  text: string | (() => string);
  label: string;
  /** Show only the icon, with the label as its accessible name. */
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
    const copied = await copyText(typeof text === "string" ? text : text());
    setOutcome(copied ? "copied" : "failed");
  };
  const message = outcome === "copied" ? "Copied" : outcome === "failed" ? "Copying failed" : label;
  return (
    <button
      type="button"
      className={className ?? (compact ? "icon-button small" : "button")}
      aria-label={compact ? message : undefined}
      title={compact ? message : undefined}
      onClick={() => {
        void copy();
      }}
    >
      <Icon path={outcome === "copied" ? mdiCheck : (icon ?? mdiContentCopy)} />
      {!compact && <span className="text">{message}</span>}
      <span className="sr-only" aria-live="polite">
        {outcome === null ? "" : message}
      </span>
    </button>
  );
}
