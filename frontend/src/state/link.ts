import { isField } from "./fields";
import { COLUMN_IDS, DEFAULT_SETTINGS, LIMITS, type Settings } from "./settings";
import { INITIAL_VIEW, type Selection, type View } from "./view";

/** The parts of the host's URL fragment that belong to this plugin, without their prefix. */
export type LinkParts = Record<string, string>;

/** The ids of the runs in this log directory. */
export interface KnownIds {
  all: readonly string[];
  /** Those that match the filter. */
  matches: readonly string[];
}

/** A URL may have thousands of characters, and a run takes 17. */
const MAX_MATCHES = 200;

/** The differences from the initial view, as short texts. */
export function toLink(view: View, { all, matches }: KnownIds): LinkParts {
  const parts: LinkParts = {};
  const { selection, focus, filter, zoom, marker, settings } = view;
  Object.assign(parts, selectionToLink(selection, all));
  if (focus !== null) parts["focus"] = focus;
  if (filter !== "") {
    parts["filter"] = filter;
    if (matches.length <= MAX_MATCHES) parts["matches"] = writeIds(matches);
  }
  if (zoom !== null) parts["zoom"] = zoom.map(writeRate).join(",");
  if (marker !== null) parts["marker"] = writeRate(marker);
  for (const { key, write } of SETTINGS_IN_LINK) {
    const text = write(settings);
    if (text !== write(DEFAULT_SETTINGS)) parts[key] = text;
  }
  return parts;
}

/** Reads what `toLink` wrote. Invalid parts are ignored: anyone can write a link. */
export function fromLink(parts: LinkParts): View {
  let settings = DEFAULT_SETTINGS;
  for (const { key, read } of SETTINGS_IN_LINK) {
    const text = parts[key];
    if (text !== undefined) settings = { ...settings, ...read(text) };
  }
  return {
    selection: selectionFromLink(parts),
    focus: parts["focus"] ?? null,
    filter: parts["filter"] ?? "",
    linkedMatches: parts["matches"] === undefined ? null : readIds(parts["matches"]),
    zoom: zoomFromLink(parts["zoom"]),
    marker: rateFromLink(parts["marker"]),
    settings,
  };
}

function selectionToLink(selection: Selection, allIds: readonly string[]): LinkParts {
  const listed = allIds.filter((id) => selection.ids.has(id));
  if (selection.mode === "only") return { runs: writeIds(listed) };
  if (listed.length === 0) return {};
  if (listed.length <= allIds.length / 2) return { hidden: writeIds(listed) };
  return { runs: writeIds(allIds.filter((id) => !selection.ids.has(id))) };
}

/** Ids are usually hexadecimal, but that of a run without one is its name, which may contain commas. */
function writeIds(ids: readonly string[]): string {
  return ids.map(encodeURIComponent).join(",");
}

function readIds(text: string): Set<string> {
  const parts = text.split(",").filter((part) => part !== "");
  try {
    return new Set(parts.map(decodeURIComponent));
  } catch {
    return new Set(parts);
  }
}

function selectionFromLink(parts: LinkParts): Selection {
  if (parts["runs"] !== undefined) return { mode: "only", ids: readIds(parts["runs"]) };
  if (parts["hidden"] !== undefined) return { mode: "all-but", ids: readIds(parts["hidden"]) };
  return INITIAL_VIEW.selection;
}

/** A learning rate to five digits. */
function writeRate(rate: number): string {
  return rate.toExponential(4).replace(/\.?0*e\+?/, "e");
}

function rateFromLink(text: string | undefined): number | null {
  const rate = Number(text ?? "");
  return rate > 0 && Number.isFinite(rate) ? rate : null;
}

function zoomFromLink(text: string | undefined): View["zoom"] {
  const [low = NaN, high = NaN] = (text ?? "").split(",").map(Number);
  return low > 0 && high > low && Number.isFinite(high) ? [low, high] : null;
}

interface SettingInLink {
  key: string;
  write: (settings: Settings) => string;
  read: (text: string) => Partial<Settings>;
}

const SETTINGS_IN_LINK: SettingInLink[] = [
  {
    key: "rule",
    write: ({ rule }) => rule ?? "",
    read: (text) => ({ rule: text === "" ? null : text }),
  },
  {
    key: "smoothing",
    write: ({ smoothing }) => textOrEmpty(smoothing),
    read: (text) => ({ smoothing: numberWithin(text, LIMITS.smoothing, false) }),
  },
  {
    key: "delta",
    write: ({ delta, deltaWindow }) => (delta === "slope" ? "slope" : textOrEmpty(deltaWindow)),
    read: (text) =>
      text === "slope"
        ? { delta: "slope" }
        : { deltaWindow: numberWithin(text, LIMITS.deltaWindow, true) },
  },
  {
    key: "skip",
    write: ({ skipStart, skipEnd }) => `${skipStart},${skipEnd}`,
    read: (text) => {
      const [start = "", end = ""] = text.split(",");
      return {
        skipStart: numberWithin(start, LIMITS.skip, true) ?? 0,
        skipEnd: numberWithin(end, LIMITS.skip, true) ?? 0,
      };
    },
  },
  {
    key: "color",
    write: ({ colorBy }) => colorBy,
    read: (text) =>
      text === "automatic" || text === "run" || text === "suggestion" || isField(text)
        ? { colorBy: text }
        : {},
  },
  {
    key: "group",
    write: ({ groupBy }) => groupBy,
    read: (text) => (text === "none" || isField(text) ? { groupBy: text } : {}),
  },
  {
    key: "members",
    write: ({ showMembers }) => (showMembers === null ? "" : showMembers ? "1" : "0"),
    read: (text) => ({ showMembers: text === "" ? null : text === "1" }),
  },
  {
    key: "compare",
    write: ({ quantity }) => quantity,
    read: (text) => (text === "" ? {} : { quantity: text }),
  },
  {
    key: "without",
    write: ({ hiddenColumns }) => hiddenColumns.join(","),
    read: (text) => {
      const listed = text.split(",");
      return { hiddenColumns: COLUMN_IDS.filter((id) => listed.includes(id)) };
    },
  },
  flag("raw", "showRaw"),
  flag("delta_chart", "showDelta"),
  flag("fit", "fitDescent"),
  flag("log_loss", "logLoss"),
  flag("relative", "relativeLoss"),
];

function flag(
  key: string,
  name: "showRaw" | "showDelta" | "fitDescent" | "logLoss" | "relativeLoss",
): SettingInLink {
  return {
    key,
    write: (settings) => (settings[name] ? "1" : "0"),
    read: (text) => ({ [name]: text === "1" }),
  };
}

function textOrEmpty(value: number | null): string {
  return value === null ? "" : String(value);
}

/** The number in `text`; null if it is not one, or not in the range that the server accepts. */
function numberWithin(text: string, { min, max }: { min: number; max: number }, integer: boolean) {
  const value = text.trim() === "" ? NaN : Number(text);
  return value >= min && value <= max && (!integer || Number.isInteger(value)) ? value : null;
}
