import { DEFAULT_SETTINGS, type Settings } from "./settings";

/**
 * Which runs are shown. A link that names runs shows only those, even if others appear later;
 * otherwise all runs are shown except the unchecked ones.
 */
export interface Selection {
  mode: "all-but" | "only";
  ids: ReadonlySet<string>;
}

/** Everything that a link restores. */
export interface View {
  selection: Selection;
  /** The id of the run in focus. */
  focus: string | null;
  /** A regular expression on run names. */
  filter: string;
  /**
   * The ids of the runs that matched the filter when the link was made. They are listed as well: in
   * another log directory, they may have other names.
   */
  linkedMatches: ReadonlySet<string> | null;
  /** The visible range of learning rates; null is all. */
  zoom: readonly [number, number] | null;
  /** The learning rate of the user's marker. */
  marker: number | null;
  settings: Settings;
}

export const INITIAL_VIEW: View = {
  selection: { mode: "all-but", ids: new Set() },
  focus: null,
  filter: "",
  linkedMatches: null,
  zoom: null,
  marker: null,
  settings: DEFAULT_SETTINGS,
};

export type Action =
  | { type: "show"; ids: readonly string[]; shown: boolean }
  | { type: "focus"; id: string | null }
  | { type: "filter"; filter: string }
  | { type: "zoom"; zoom: View["zoom"] }
  | { type: "marker"; marker: number | null }
  | { type: "set"; settings: Partial<Settings> }
  | { type: "reset settings" }
  | { type: "open link"; view: View };

export function reduce(view: View, action: Action): View {
  switch (action.type) {
    case "show":
      return { ...view, selection: select(view.selection, action.ids, action.shown) };
    case "focus":
      return {
        ...view,
        focus: action.id,
        selection: action.id === null ? view.selection : select(view.selection, [action.id], true),
      };
    case "filter":
      return { ...view, filter: action.filter, linkedMatches: null };
    case "zoom":
      return { ...view, zoom: action.zoom };
    case "marker":
      return { ...view, marker: action.marker };
    case "set":
      return { ...view, settings: { ...view.settings, ...action.settings } };
    case "reset settings":
      return { ...view, settings: DEFAULT_SETTINGS };
    case "open link":
      return action.view;
  }
}

function select(selection: Selection, ids: readonly string[], shown: boolean): Selection {
  const listed = shown === (selection.mode === "only");
  const next = new Set(selection.ids);
  for (const id of ids) {
    if (listed) next.add(id);
    else next.delete(id);
  }
  return { mode: selection.mode, ids: next };
}

export function isChecked(selection: Selection, id: string): boolean {
  return selection.ids.has(id) === (selection.mode === "only");
}
