import { type Dispatch, useEffect, useReducer, useRef, useState } from "react";
import { onAddressChange, readAddress, writeAddress } from "./host";
import { fromLink, type KnownIds, toLink } from "./link";
import { type Action, INITIAL_VIEW, reduce, type View } from "./view";

/** The view, read from the URL of the host and written back to it. */
export function useLinkedView(): [View, Dispatch<Action>, (ids: KnownIds) => void] {
  const [view, dispatch] = useReducer(reduce, INITIAL_VIEW, () => fromLink(readAddress()));
  const [knownIds, setKnownIds] = useState<KnownIds>({ all: [], matches: [] });
  const inAddress = useRef<string | null>(null);
  const hadMarker = useRef(view.marker !== null);
  useEffect(() => {
    // Until the list is loaded, the ids in a link cannot be told from those of deleted runs.
    if (knownIds.all.length === 0) return;
    const parts = toLink(view, knownIds);
    const timer = setTimeout(() => {
      inAddress.current = JSON.stringify(parts);
      // Setting or removing the marker can be undone by the Back button.
      const hasMarker = view.marker !== null;
      writeAddress(parts, hasMarker !== hadMarker.current);
      hadMarker.current = hasMarker;
    }, WRITE_AFTER_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [view, knownIds]);
  useEffect(
    () =>
      onAddressChange((parts) => {
        const text = JSON.stringify(parts);
        // happy-dom, for one, reports changes by the page itself.
        if (text === inAddress.current) return;
        inAddress.current = text;
        const linked = fromLink(parts);
        hadMarker.current = linked.marker !== null;
        dispatch({ type: "open link", view: linked });
      }),
    [],
  );
  return [view, dispatch, setKnownIds];
}

/** Browsers reject a URL that changes at every step of a slider. */
const WRITE_AFTER_MS = 200;
