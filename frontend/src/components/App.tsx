import { useEffect, useMemo, useState } from "react";
import { CursorStore } from "../chart/cursor";
import { useLearningRateAxis } from "../state/axis";
import {
  CursorContext,
  DispatchContext,
  useDispatch,
  useView,
  ViewContext,
} from "../state/context";
import { guidesOf } from "../state/curves";
import { type Dashboard, useDashboard } from "../state/dashboard";
import { drawable } from "../state/entries";
import type { KnownIds } from "../state/link";
import { useDark } from "../state/theme";
import { useLinkedView } from "../state/useLinkedView";
import { AnswerCard } from "./answer/AnswerCard";
import { CurveCards } from "./CurveCards";
import { HelpDialog } from "./HelpDialog";
import { AllHidden, Banner, Empty, Failure, Skeleton } from "./Notices";
import { RunList } from "./RunList";
import { SettingsPanel } from "./SettingsPanel";
import { SummaryTable } from "./SummaryTable";
import { Toolbar } from "./Toolbar";
import { TrialCards } from "./TrialCards";
import { usePanels } from "./usePanels";

export function App() {
  const [view, dispatch, setKnownIds] = useLinkedView();
  const [cursor] = useState(() => new CursorStore());
  return (
    <ViewContext value={view}>
      <DispatchContext value={dispatch}>
        <CursorContext value={cursor}>
          <Page setKnownIds={setKnownIds} />
        </CursorContext>
      </DispatchContext>
    </ViewContext>
  );
}

function Page({ setKnownIds }: { setKnownIds: (ids: KnownIds) => void }) {
  const view = useView();
  const dispatch = useDispatch();
  const dashboard = useDashboard(view);
  const { runs, runsQuery, entries, shownEntries, shownTrials, isFiltering } = dashboard;
  const panels = usePanels();
  const dark = useDark();
  useEffect(() => {
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  }, [dark]);
  useEffect(() => {
    if (isFiltering) return;
    setKnownIds({
      all: runs.map(({ id }) => id),
      matches: entries.map(({ run }) => run.id),
    });
  }, [runs, entries, isFiltering, setKnownIds]);
  const shown = useMemo(
    () => new Set([...shownEntries, ...shownTrials].map(({ run }) => run.run)),
    [shownEntries, shownTrials],
  );
  const sample = (dashboard.active ?? shownEntries[0])?.sweep ?? null;
  return (
    <div className="app">
      {panels.runs && runs.length > 0 && !isFiltering && (
        <nav className="runs-panel" aria-label="Runs">
          <RunList
            entries={entries}
            shown={shown}
            activeRun={dashboard.active?.run.run ?? null}
            filter={view.filter}
            filterError={dashboard.filterError}
          />
        </nav>
      )}
      {panels.runsAreDrawer && panels.runs && (
        <button
          type="button"
          className="scrim"
          aria-label="Close the run list"
          onClick={panels.toggleRuns}
        />
      )}
      <div className="page">
        <Toolbar
          running={runs.filter(({ status }) => status === "running").length}
          runsOpen={panels.runs}
          settingsOpen={panels.settings}
          onToggleRuns={panels.toggleRuns}
          onToggleSettings={panels.toggleSettings}
          onHelp={() => {
            panels.setHelp(true);
          }}
        />
        <main>
          {runsQuery.error && runs.length > 0 && (
            <Banner
              message={runsQuery.error.message}
              onRetry={() => {
                void runsQuery.refetch();
              }}
            />
          )}
          {runsQuery.data?.notice && <Banner message={runsQuery.data.notice} />}
          <Content dashboard={dashboard} />
        </main>
      </div>
      {panels.settings && (
        <aside className="settings-panel" aria-label="Settings">
          <SettingsPanel
            settings={view.settings}
            sample={sample}
            onChange={(settings) => {
              dispatch({ type: "set", settings });
            }}
            onReset={() => {
              dispatch({ type: "reset settings" });
            }}
            onClose={panels.toggleSettings}
          />
        </aside>
      )}
      {panels.help && (
        <HelpDialog
          rules={dashboard.rules}
          onClose={() => {
            panels.setHelp(false);
          }}
        />
      )}
    </div>
  );
}

function Content({ dashboard }: { dashboard: Dashboard }) {
  const view = useView();
  const dispatch = useDispatch();
  const { runs, runsQuery, sweepsQuery, rules, shownEntries, active, focused, scale, legend } =
    dashboard;
  const { shownTrials, trials, trialScale, trialsQuery } = dashboard;
  const drawn = useMemo(() => drawable(shownEntries), [shownEntries]);
  const selectedRun = focused !== null && shownEntries.length > 1 ? focused.run.run : null;
  const selected = drawn.find(({ run }) => run.run === selectedRun) ?? null;
  const x = useLearningRateAxis(drawn, trials, view.zoom, selected);
  if (runs.length === 0) {
    if (runsQuery.error) {
      return (
        <Failure
          error={runsQuery.error}
          onRetry={() => {
            void runsQuery.refetch();
          }}
        />
      );
    }
    return runsQuery.data ? <Empty /> : <Skeleton />;
  }
  if (dashboard.isFiltering) return <Skeleton />;
  if (shownEntries.length + shownTrials.length === 0) {
    return (
      <AllHidden
        onShowAll={() => {
          dispatch({ type: "filter", filter: "" });
          dispatch({ type: "show", ids: runs.map(({ id }) => id), shown: true });
        }}
      />
    );
  }
  if (shownEntries.length > 0 ? sweepsQuery.isPending : trialsQuery.isPending) return <Skeleton />;
  const rule = view.settings.rule;
  const ruleName = rule ?? rules?.default;
  const ruleLabel = rules?.rules.find(({ name }) => name === ruleName)?.label ?? "suggested";
  return (
    <>
      {[sweepsQuery, trialsQuery].map(
        ({ error, refetch }, i) =>
          error && (
            <Banner
              key={i === 0 ? "sweeps" : "trials"}
              message={error.message}
              onRetry={() => {
                void refetch();
              }}
            />
          ),
      )}
      {shownEntries.length > 0 && (
        <AnswerCard
          answers={dashboard.answers}
          entries={shownEntries}
          selected={shownEntries.length > 1 ? focused : null}
          rules={rules}
          rule={rule}
          onRule={(next) => {
            dispatch({ type: "set", settings: { rule: next } });
          }}
        />
      )}
      {drawn.length > 0 && (
        <CurveCards
          entries={drawn}
          active={drawn.find(({ run }) => run.run === active?.run.run) ?? null}
          answers={dashboard.answers}
          configurations={dashboard.configurations}
          ruleLabel={ruleLabel}
          colors={{ scale, scaleName: "Suggested LR", legend }}
          x={x}
        />
      )}
      {trials.length > 0 && (
        <TrialCards
          entries={trials}
          guides={guidesOf(active, ruleLabel)}
          scale={trialScale}
          x={x}
        />
      )}
      {shownEntries.length > 0 && (
        <SummaryTable
          entries={shownEntries}
          hidden={view.settings.hiddenColumns}
          activeRun={focused?.run.run ?? null}
        />
      )}
    </>
  );
}
