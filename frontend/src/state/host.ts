// Access to the TensorBoard page around the frame. The page also works on its own, and in hosts that
// block access (a sandboxed notebook), so every access is in a try block.

import type { LinkParts } from "./link";

const PREFIX = "p.lr_finder.";

/** The window of the TensorBoard page; null if there is none or access is denied. */
function hostWindow(): Window | null {
  try {
    if (window.parent === window) return null;
    // Reading the URL throws if the host is of another origin.
    return window.parent.location.href === "" ? null : window.parent;
  } catch {
    return null;
  }
}

/** The window whose URL links are made from. */
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
      // Not written by this page.
    }
  }
  return parts;
}

/** `hash` with the parts of this plugin replaced, and all others kept. */
export function replaceParts(hash: string, parts: LinkParts): string {
  const foreign = hash
    .replace(/^#/, "")
    .split("&")
    .filter((part) => part !== "" && !part.startsWith(PREFIX));
  const own = Object.entries(parts).map(
    // Commas are readable in a URL and need no escape.
    ([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`,
  );
  return `#${[...foreign, ...own].join("&")}`;
}

/** Writes the parts to the URL, with or without a new history entry. */
export function writeAddress(parts: LinkParts, newEntry: boolean): void {
  try {
    const target = addressWindow();
    const next = replaceParts(target.location.hash, parts);
    if (next === target.location.hash || (next === "#" && target.location.hash === "")) return;
    // The full URL: a relative one would be resolved against the frame's <base>.
    const url = target.location.href.replace(/#.*$/, "") + next;
    if (newEntry) target.history.pushState(target.history.state, "", url);
    else target.history.replaceState(target.history.state, "", url);
  } catch {
    // The view is then not in the URL; everything else works.
  }
}

export function currentAddress(): string {
  return addressWindow().location.href;
}

/** Calls back when the URL changes from outside: by the Back button or a pasted link. */
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

/** Calls back when the theme of the host may have changed. */
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

/** Calls back when TensorBoard reloads, by its button or its timer. */
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
