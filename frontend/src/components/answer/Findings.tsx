import { mdiAlert, mdiAlertCircleOutline } from "@mdi/js";
import type { ReactNode } from "react";
import type { Finding } from "../../api/runs";
import type { Entry } from "../../state/entries";
import { Icon } from "../Icon";

interface FindingsProps {
  entry: Entry;
  worstOnly?: boolean;
}

/** What is wrong with a sweep, and what to change: the worst first. */
export function Findings({ entry, worstOnly = false }: FindingsProps) {
  const { sweep, suggested, run, error } = entry;
  const ended = run.status !== "running";
  const strips: Pick<Finding, "severity" | "message">[] = [
    ...(ended ? (sweep?.diagnosis ?? []) : []),
  ].sort((a, b) => Number(b.severity === "severe") - Number(a.severity === "severe"));
  const explained = strips.some(({ severity }) => severity === "severe");
  const reason = sweep?.suggestion?.reason ?? null;
  if (suggested === null && ended && reason !== null && !explained)
    strips.unshift({ severity: "severe", message: reason });
  if (error !== null) strips.unshift({ severity: "severe", message: error });
  return strips.slice(0, worstOnly ? 1 : strips.length).map(({ severity, message }) => (
    <Strip key={message} severity={severity}>
      {withCode(message)}
    </Strip>
  ));
}

export function Strip({
  severity,
  children,
}: {
  severity: Finding["severity"];
  children: ReactNode;
}) {
  return (
    <p className={`strip ${severity}`}>
      <Icon path={severity === "severe" ? mdiAlert : mdiAlertCircleOutline} />
      <span>{children}</span>
    </p>
  );
}

/** A sentence in which the server put names of code between backticks. */
function withCode(sentence: string): ReactNode[] {
  return sentence
    .split("`")
    .map((part, i) => (i % 2 === 0 ? part : <code key={`${i} ${part}`}>{part}</code>));
}
