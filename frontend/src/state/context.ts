import { createContext, type Dispatch, useContext } from "react";
import { CursorStore } from "../chart/cursor";
import { type Action, INITIAL_VIEW, type View } from "./view";

// Three contexts: a component that only dispatches is not rendered again when the view changes.

export const ViewContext = createContext<View>(INITIAL_VIEW);
export const DispatchContext = createContext<Dispatch<Action>>(() => undefined);
/** The cursor of the charts with a learning rate axis, and of the run list. */
export const CursorContext = createContext(new CursorStore());

export function useView(): View {
  return useContext(ViewContext);
}

export function useDispatch(): Dispatch<Action> {
  return useContext(DispatchContext);
}

export function useCursorStore(): CursorStore {
  return useContext(CursorContext);
}
