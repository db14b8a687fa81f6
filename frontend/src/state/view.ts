import { DEFAULT_SETTINGS, type Settings } from "./settings";

/**
 * Which sweeps are shown. A link that names some sweeps shows only those, also when others appear
 * later; otherwise everything is shown but what was unchecked.
 */
export interface Selection {
  mode: "all-but" | "only";
  ids: ReadonlySet<string>;
}

/** What a link carries: two people with the same view see the same picture. */
export interface View {
  selection: Selection;
  /** The sweep (by id) that the answer card is about. */
  focus: string | null;
  /** A regular expression on run names. */
  filter: string;
  /**
   * The sweeps (by id) that the filter let through where a link was made. They are listed here, too:
   * below another root their names are others.
   */
  linkedMatches: ReadonlySet<string> | null;
  /** The visible learning rates; null is all. */
  zoom: readonly [number, number] | null;
  /** The learning rate of the reader's own marker. */
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
