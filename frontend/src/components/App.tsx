import { useEffect, useMemo, useState } from "react";
import { CursorStore } from "../chart/cursor";
import { useLearningRateAxis } from "../state/axis";
import { drawable, guideOf } from "../state/curves";
import { useDashboard } from "../state/dashboard";
import { useDark } from "../state/theme";
import { useLinkedView } from "../state/useLinkedView";
import { AnswerCard } from "./AnswerCard";
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
  const dashboard = useDashboard(view);
  const { runs, runsQuery, entries, shownEntries, shownTrials } = dashboard;
  const [cursor] = useState(() => new CursorStore());
  const panels = usePanels();
  const dark = useDark();
  useEffect(() => {
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  }, [dark]);
  useEffect(() => {
    setKnownIds({
      all: runs.map(({ id }) => id),
      matches: entries.map(({ run }) => run.id),
    });
  }, [runs, entries, setKnownIds]);
  const shown = useMemo(
    () => new Set([...shownEntries, ...shownTrials].map(({ run }) => run.run)),
    [shownEntries, shownTrials],
  );
  const sample = (dashboard.active ?? shownEntries[0])?.sweep ?? null;
  return (
    <div className="app">
      {panels.runs && runs.length > 0 && (
        <nav className="runs-panel" aria-label="Runs">
          <RunList
            entries={entries}
            shown={shown}
            activeRun={dashboard.active?.run.run ?? null}
            filter={view.filter}
            filterError={dashboard.filterError}
            cursor={cursor}
            dispatch={dispatch}
          />
        </nav>
      )}
      {panels.runsAreDrawer && panels.runs && (
        <button
          type="button"
          className="scrim"
          aria-label="Close the runs"
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
          <Content dashboard={dashboard} view={view} cursor={cursor} dispatch={dispatch} />
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

interface ContentProps {
  dashboard: ReturnType<typeof useDashboard>;
  view: ReturnType<typeof useLinkedView>[0];
  cursor: CursorStore;
  dispatch: ReturnType<typeof useLinkedView>[1];
}

function Content({ dashboard, view, cursor, dispatch }: ContentProps) {
  const { runs, runsQuery, sweepsQuery, rules, shownEntries, active, focused, scale, legend } =
    dashboard;
  const { shownTrials, trials, trialScale, trialsQuery } = dashboard;
  const drawn = useMemo(() => drawable(shownEntries), [shownEntries]);
  const axis = useLearningRateAxis(drawn, trials, view.zoom);
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
          entries={shownEntries}
          active={active}
          picked={focused !== null && shownEntries.length > 1}
          rules={rules}
          rule={rule}
          onRule={(next) => {
            dispatch({ type: "set", settings: { rule: next } });
          }}
          onClose={() => {
            dispatch({ type: "focus", id: null });
          }}
        />
      )}
      {drawn.length > 0 && (
        <CurveCards
          entries={drawn}
          active={drawn.find(({ run }) => run.run === active?.run.run) ?? null}
          ruleLabel={ruleLabel}
          scale={scale}
          legend={legend}
          {...axis}
          view={view}
          cursor={cursor}
          dispatch={dispatch}
        />
      )}
      {trials.length > 0 && (
        <TrialCards
          entries={trials}
          guide={guideOf(active, ruleLabel)}
          scale={trialScale}
          {...axis}
          view={view}
          cursor={cursor}
          dispatch={dispatch}
        />
      )}
      {shownEntries.length > 0 && (
        <SummaryTable
          entries={shownEntries}
          activeRun={focused?.run.run ?? null}
          dispatch={dispatch}
        />
      )}
    </>
  );
}
