import { mdiAlert, mdiChartBellCurveCumulative, mdiEyeOffOutline } from "@mdi/js";
import type { ReactNode } from "react";
import { ApiError } from "../api/http";
import { RETRY_SECONDS } from "../state/data";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

const SNIPPET = `from tb_lrfinder import LRFinder

finder = LRFinder("logs/my-sweep", start_lr=1e-7, end_lr=10.0)
model.fit(x, y, epochs=10, callbacks=[finder])
`;

/** Nothing has been recorded yet: how to start. */
export function Empty() {
  return (
    <Notice icon={mdiChartBellCurveCumulative} title="No learning rate sweeps yet">
      <p>
        Train with the callback and write to a subdirectory of this log directory. The sweep then
        appears here.
      </p>
      <pre tabIndex={0}>{SNIPPET}</pre>
      <CopyButton text={SNIPPET} label="Copy code" />
    </Notice>
  );
}

/** The list of runs could not be loaded. */
export function Failure({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Notice icon={mdiAlert} title="Could not load the sweeps" alert>
      <p>
        {error instanceof ApiError ? (
          <>
            {error.status === null
              ? "TensorBoard could not be reached for "
              : `TensorBoard responded with ${error.status} to `}
            <code>data/plugin/lr_finder/{error.url}</code>. Retrying every {RETRY_SECONDS} seconds.
          </>
        ) : (
          error.message
        )}
      </p>
      {error instanceof ApiError && error.detail !== "" && <p className="detail">{error.detail}</p>}
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </Notice>
  );
}

/** There are runs, but none is checked. */
export function AllHidden({ onShowAll }: { onShowAll: () => void }) {
  return (
    <Notice icon={mdiEyeOffOutline} title="All runs are hidden">
      <p>Check a run in the list or change the filter.</p>
      <button type="button" className="button" onClick={onShowAll}>
        Show all runs
      </button>
    </Notice>
  );
}

interface NoticeProps {
  icon: string;
  title: string;
  alert?: boolean;
  children: ReactNode;
}

function Notice({ icon, title, alert = false, children }: NoticeProps) {
  return (
    <div className="notice" role={alert ? "alert" : undefined}>
      <Icon path={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A failure, or a notice, while there is something to show. */
export function Banner({ message, onRetry }: { message: string; onRetry?: () => void }) {
  return (
    <div className="banner" role="alert">
      <Icon path={mdiAlert} />
      <span>{message}</span>
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The placeholder of the cards while they are loaded. */
export function Skeleton() {
  return (
    <div className="skeleton" role="status" aria-label="Loading the sweeps">
      <div className="card" style={{ height: 110 }} />
      <div className="card" style={{ height: 340 }} />
      <div className="card" style={{ height: 260 }} />
    </div>
  );
}
