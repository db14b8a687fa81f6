import { useMemo } from "react";
import type { Marks, XDomains } from "../chart/series";
import type { ColorScale } from "../state/colors";
import { useView } from "../state/context";
import { anyValidated, quantities, quantityTitle, type TrialEntry } from "../state/trials";
import { EpochsCard } from "./EpochsCard";
import { TrialFinalsCard } from "./TrialFinalsCard";

interface TrialCardsProps {
  entries: readonly TrialEntry[];
  /** Lines at the suggestion of the active sweep. */
  guides: Marks["guides"];
  scale: ColorScale | null;
  x: XDomains;
}

/** The final values of the trials on the axis of the sweeps, and their epochs. */
export function TrialCards({ entries, guides, scale, x }: TrialCardsProps) {
  const view = useView();
  const names = useMemo(() => quantities(entries), [entries]);
  const quantity = names.includes(view.settings.quantity) ? view.settings.quantity : "loss";
  const shared = {
    entries,
    quantity,
    title: quantityTitle(quantity, anyValidated(entries, quantity)),
    colors: { scale, scaleName: "LR", legend: [] },
  };
  return (
    <>
      <TrialFinalsCard {...shared} names={names} guides={guides} x={x} />
      <EpochsCard {...shared} />
    </>
  );
}
