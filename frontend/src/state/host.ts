// TensorBoard around the frame. The page also works by itself, and inside hosts that do not let it
// look out (a notebook's sandbox): every access is in a try.

import type { LinkParts } from "./link";

const PREFIX = "p.lr_finder.";

/** The window of TensorBoard's own page; null when there is none or it may not be touched. */
function hostWindow(): Window | null {
  try {
    if (window.parent === window) return null;
    // Reading the address throws where the host is of another origin.
    return window.parent.location.href === "" ? null : window.parent;
  } catch {
    return null;
  }
}

/** The window whose address the links are about. */
function addressWindow(): Window {
  return hostWindow() ?? window;
}

export function readAddress(): LinkParts {
  return parseHash(addressWindow().location.hash);
}

export function parseHash(hash: string): LinkParts {
  const parts: LinkParts = {};
  for (const part of hash.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    if (!part.startsWith(PREFIX) || equals < 0) continue;
    try {
      parts[part.slice(PREFIX.length, equals)] = decodeURIComponent(part.slice(equals + 1));
    } catch {
      // Not ours after all: we write nothing that does not decode.
    }
  }
  return parts;
}

/** `hash` with this plugin's parts replaced, and everybody else's kept. */
export function replaceParts(hash: string, parts: LinkParts): string {
  const others = hash
    .replace(/^#/, "")
    .split("&")
    .filter((part) => part !== "" && !part.startsWith(PREFIX));
  const ours = Object.entries(parts).map(
    // Commas are legible in an address and need no escape.
    ([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`,
  );
  return `#${[...others, ...ours].join("&")}`;
}

/** Writes the parts into the address, with or without a new entry in the history. */
export function writeAddress(parts: LinkParts, newEntry: boolean): void {
  try {
    const target = addressWindow();
    const next = replaceParts(target.location.hash, parts);
    if (next === target.location.hash || (next === "#" && target.location.hash === "")) return;
    // The full address, since the frame's <base> would bend a relative one.
    const url = target.location.href.replace(/#.*$/, "") + next;
    if (newEntry) target.history.pushState(target.history.state, "", url);
    else target.history.replaceState(target.history.state, "", url);
  } catch {
    // The view is not in the address then; everything else works.
  }
}

export function currentAddress(): string {
  return addressWindow().location.href;
}

/** Calls back when somebody else changes the address: the Back button, or a pasted link. */
export function onAddressChange(listener: (parts: LinkParts) => void): () => void {
  const target = addressWindow();
  const onChange = () => {
    listener(readAddress());
  };
  target.addEventListener("hashchange", onChange);
  return () => {
    target.removeEventListener("hashchange", onChange);
  };
}

export function isDark(): boolean {
  const host = hostWindow();
  if (host) return host.document.body.classList.contains("dark-mode");
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Calls back when the host's theme may have changed. */
export function onThemeChange(listener: () => void): () => void {
  const host = hostWindow();
  if (host) {
    const observer = new MutationObserver(listener);
    observer.observe(host.document.body, { attributes: true, attributeFilter: ["class"] });
    return () => {
      observer.disconnect();
    };
  }
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", listener);
  return () => {
    query.removeEventListener("change", listener);
  };
}

/** Calls back when TensorBoard's reload button is pressed, or its own timer reloads. */
export function onHostReload(listener: () => void): () => void {
  const host = hostWindow();
  if (!host) return () => undefined;
  const channel = new MessageChannel();
  channel.port1.onmessage = (event: MessageEvent<unknown>) => {
    if (isReload(event.data)) listener();
  };
  host.postMessage("experimental.bootstrap", "*", [channel.port2]);
  return () => {
    channel.port1.close();
  };
}

function isReload(data: unknown): boolean {
  if (typeof data !== "string") return false;
  try {
    const message = JSON.parse(data) as { type?: unknown } | null;
    return message?.type === "experimental.DataReloaded";
  } catch {
    return false;
  }
}
