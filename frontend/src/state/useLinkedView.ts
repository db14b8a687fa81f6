import { type Dispatch, useEffect, useReducer, useRef, useState } from "react";
import { onAddressChange, readAddress, writeAddress } from "./host";
import { fromLink, type KnownIds, toLink } from "./link";
import { type Action, INITIAL_VIEW, reduce, type View } from "./view";

/** The view, read from the host's address and written back to it. */
export function useLinkedView(): [View, Dispatch<Action>, (ids: KnownIds) => void] {
  const [view, dispatch] = useReducer(reduce, INITIAL_VIEW, () => fromLink(readAddress()));
  const [knownIds, setKnownIds] = useState<KnownIds>({ all: [], matches: [] });
  const written = useRef<string | null>(null);
  const wasMarked = useRef(view.marker !== null);
  useEffect(() => {
    // Before the list is here, the ids in a link cannot be told from those of gone runs.
    if (knownIds.all.length === 0) return;
    const parts = toLink(view, knownIds);
    written.current = JSON.stringify(parts);
    const timer = setTimeout(() => {
      // Back takes a new marker away, and brings a removed one again.
      const marked = view.marker !== null;
      writeAddress(parts, marked !== wasMarked.current);
      wasMarked.current = marked;
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
        wasMarked.current = linked.marker !== null;
        dispatch({ type: "open link", view: linked });
      }),
    [],
  );
  return [view, dispatch, setKnownIds];
}

/** Browsers refuse an address that changes at every step of a slider. */
const WRITE_AFTER_MS = 200;
