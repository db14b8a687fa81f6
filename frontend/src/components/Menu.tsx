import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Icon } from "./Icon";

interface MenuProps {
  icon: string;
  label: string;
  /** Shown beside the icon. */
  text?: string;
  /** Whether the list stays open when something in it is clicked. */
  keepOpen?: boolean;
  /** Buttons and links, or other controls. */
  children: ReactNode;
}

/** A button that discloses a short list of actions. */
export function Menu({ icon, label, text, keepOpen = false, children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const listId = useId();
  useEffect(() => {
    if (!open) return;
    const onPointerDown = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointerDown);
    return () => {
      document.removeEventListener("pointerdown", onPointerDown);
    };
  }, [open]);
  return (
    <div
      ref={box}
      className="menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        setOpen(false);
        box.current?.querySelector("button")?.focus();
      }}
    >
      <button
        type="button"
        className={text === undefined ? "icon-button" : "button"}
        aria-label={label}
        title={label}
        aria-expanded={open}
        aria-controls={open ? listId : undefined}
        onClick={() => {
          setOpen(!open);
        }}
      >
        <Icon path={icon} />
        {text !== undefined && <span className="text">{text}</span>}
      </button>
      {open && (
        <div
          id={listId}
          className="menu-list"
          onClick={() => {
            if (!keepOpen) setOpen(false);
          }}
        >
          {children}
        </div>
      )}
    </div>
  );
}
