import type { Run } from "../api/runs";
// The same as STOP_REASONS in Python, which a test compares.
import STOP_REASONS from "./stopReasons.json";

/** Why a sweep ended, e.g. `the loss diverged`. An unknown reason is shown as it is. */
export function stopReason({ stop_reason: reason, status }: Run): string {
  if (reason !== null) {
    return Object.hasOwn(STOP_REASONS, reason)
      ? STOP_REASONS[reason as keyof typeof STOP_REASONS]
      : reason;
  }
  return status === "interrupted" ? "no heartbeat for a minute" : "–";
}
