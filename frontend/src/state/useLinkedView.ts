import { type Dispatch, useEffect, useReducer, useRef, useState } from "react";
import { onAddressChange, readAddress, writeAddress } from "./host";
import { fromLink, type KnownIds, toLink } from "./link";
import { type Action, INITIAL_VIEW, reduce, type View } from "./view";

/** The view, read from the URL of the host and written back to it. */
export function useLinkedView(): [View, Dispatch<Action>, (ids: KnownIds) => void] {
  const [view, dispatch] = useReducer(reduce, INITIAL_VIEW, () => fromLink(readAddress()));
  const [knownIds, setKnownIds] = useState<KnownIds>({ all: [], matches: [] });
  const written = useRef<string | null>(null);
  const hadMarker = useRef(view.marker !== null);
  useEffect(() => {
    // Until the list is loaded, the ids in a link cannot be told from those of deleted runs.
    if (knownIds.all.length === 0) return;
    const parts = toLink(view, knownIds);
    written.current = JSON.stringify(parts);
    const timer = setTimeout(() => {
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
        if (JSON.stringify(parts) === written.current) return;
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
