import type { ChartActions } from "../chart/Chart";
import { useDispatch } from "../state/context";

/** The actions that all charts share: double-click resets the zoom, Escape the focus as well. */
export function useResetActions(): Pick<ChartActions, "onReset" | "onEscape"> {
  const dispatch = useDispatch();
  return {
    onReset: () => {
      dispatch({ type: "zoom", zoom: null });
    },
    onEscape: () => {
      dispatch({ type: "zoom", zoom: null });
      dispatch({ type: "focus", id: null });
    },
  };
}
