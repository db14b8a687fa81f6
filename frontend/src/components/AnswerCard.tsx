import { mdiAlert, mdiAlertCircleOutline, mdiClose } from "@mdi/js";
import type { ReactNode } from "react";
import type { Finding, Rules } from "../api/runs";
import { formatCount, formatLearningRate, plural } from "../format";
import { kerasSnippets } from "../kerasCode";
import {
  type Entry,
  type OptimizerSummary,
  summarize,
  summarizeOptimizers,
} from "../state/entries";
import { stopReason } from "../state/stopReason";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";
import { KerasMenu } from "./KerasMenu";
import { OtherUses } from "./OtherUses";
import { RuleButtons } from "./RuleButtons";

interface AnswerCardProps {
  entries: readonly Entry[];
  active: Entry | null;
  /** Whether `active` was picked and can be let go. */
  picked: boolean;
  rules: Rules | undefined;
  rule: string | null;
  onRule: (rule: string | null) => void;
  onClose: () => void;
}

/** What to do: one learning rate where one run is meant, one line per optimizer where there are several. */
export function AnswerCard(props: AnswerCardProps) {
  return props.active ? <OneRun {...props} entry={props.active} /> : <ManyRuns {...props} />;
}

function OneRun({
  entry,
  picked,
  rules,
  rule,
  onRule,
  onClose,
}: AnswerCardProps & { entry: Entry }) {
  const { run, sweep, suggested, reliable } = entry;
  const ended = run.status !== "running";
  const findings = ended ? (sweep?.diagnosis ?? []) : [];
  const values = new Map<string, number>();
  for (const [name, { learning_rate }] of Object.entries(sweep?.suggestions ?? {})) {
    if (learning_rate !== null) values.set(name, learning_rate);
  }
  const minimum = ended ? (sweep?.minimum_learning_rate ?? null) : null;
  const divergence = sweep?.divergence_learning_rate ?? null;
  return (
    <section className="card answer" aria-label="Suggested learning rate" data-testid="answer-card">
      <div className={picked ? "body closable" : "body"}>
        <div className="verdict">
          <h2>Suggested learning rate</h2>
          {suggested !== null && reliable ? (
            <div className="headline">
              <output data-testid="suggested-lr">{formatLearningRate(suggested)}</output>
              <CopyButton text={formatLearningRate(suggested)} label="Copy" />
              {sweep && <KerasMenu run={run.run} snippets={kerasSnippets(suggested, sweep)} />}
            </div>
          ) : (
            <p className="headline none">{waiting(entry)}</p>
          )}
          <p className="of">{run.run}</p>
        </div>
        <dl className="facts">
          <Fact
            name="Lowest loss at"
            value={minimum === null ? "–" : formatLearningRate(minimum)}
          />
          <Fact
            name="Diverged at"
            value={divergence === null ? "–" : formatLearningRate(divergence)}
          />
          <Fact name="Steps" value={stepsText(entry)} />
          <Fact name="Stopped" value={stopReason(run)} />
        </dl>
        {picked && (
          <button
            type="button"
            className="icon-button"
            aria-label="Show all runs"
            onClick={onClose}
          >
            <Icon path={mdiClose} />
          </button>
        )}
      </div>
      {rules && sweep && ended && (
        <RuleButtons
          rules={rules.rules}
          chosen={rule ?? rules.default}
          values={values}
          prefix=""
          onChoose={(name) => {
            onRule(name === rules.default ? null : name);
          }}
        />
      )}
      {suggested !== null && reliable && ended && (rule ?? rules?.default) === rules?.default && (
        <OtherUses ranges={sweep?.suggestion?.ranges ?? null} />
      )}
      {notes(entry, findings, rule)}
    </section>
  );
}

function waiting({ run, sweep, error }: Entry): string {
  if (run.status === "running") return "The sweep is running";
  if (!sweep && error === null) return "Loading";
  return "No clear suggestion";
}

function stepsText({ run }: Entry): string {
  const { steps, planned_steps: planned } = run;
  const all = planned !== null && planned !== steps ? ` of ${formatCount(planned)}` : "";
  return `${formatCount(steps)}${all}`;
}

/** What is wrong, and what to change: the worst first. */
function notes(entry: Entry, findings: readonly Finding[], rule: string | null): ReactNode {
  const worstFirst = [...findings].sort(
    (a, b) => Number(b.severity === "severe") - Number(a.severity === "severe"),
  );
  const strips = worstFirst.map(({ code, severity, message }) => (
    <Strip key={code} severity={severity}>
      {withCode(message)}
    </Strip>
  ));
  const { sweep, suggested, run, error } = entry;
  const asked = rule === null ? sweep?.suggestion : sweep?.suggestions[rule];
  const explained = findings.some(({ severity }) => severity === "severe");
  if (suggested === null && run.status !== "running" && asked?.reason && !explained) {
    strips.unshift(
      <Strip key="reason" severity="severe">
        {withCode(asked.reason)}
      </Strip>,
    );
  }
  if (error !== null) {
    strips.unshift(
      <Strip key="error" severity="severe">
        {error}
      </Strip>,
    );
  }
  return strips;
}

/** A sentence in which the server put names of code between backticks. */
function withCode(sentence: string): ReactNode[] {
  return sentence
    .split("`")
    .map((part, i) => (i % 2 === 0 ? part : <code key={`${i} ${part}`}>{part}</code>));
}

function Strip({ severity, children }: { severity: Finding["severity"]; children: ReactNode }) {
  return (
    <p className={`strip ${severity}`}>
      <Icon path={severity === "severe" ? mdiAlert : mdiAlertCircleOutline} />
      <span>{children}</span>
    </p>
  );
}

function ManyRuns({ entries, rules, rule, onRule }: AnswerCardProps) {
  const { range, spread, reliable, ended, medians } = summarize(entries, rules);
  const optimizers = summarizeOptimizers(entries);
  const several = optimizers.length > 1;
  return (
    <section
      className="card answer"
      aria-label="Suggested learning rates"
      data-testid="answer-card"
    >
      <div className="body">
        <div className="verdict">
          <h2>Suggested learning rates, {plural(entries.length, "run")}</h2>
          {several ? <Optimizers optimizers={optimizers} /> : <Range range={range} />}
          <p className="of">Click a curve or a run to see one suggestion in detail.</p>
        </div>
        <dl className="facts">
          <Fact
            name="Reliable"
            value={`${formatCount(reliable)} of ${formatCount(ended)}`}
            warn={reliable < ended}
          />
          {!several && (
            <Fact name="Spread" value={spread === null ? "–" : `${spreadText(spread)}×`} />
          )}
        </dl>
      </div>
      {rules && (
        <RuleButtons
          rules={rules.rules}
          chosen={rule ?? rules.default}
          values={several ? null : medians}
          prefix="~ "
          onChoose={(name) => {
            onRule(name === rules.default ? null : name);
          }}
        />
      )}
    </section>
  );
}

function Range({ range }: { range: readonly [number, number] | null }) {
  if (!range) return <p className="headline none">No clear suggestion</p>;
  return (
    <p className="headline">
      {formatLearningRate(range[0])} <small>to</small> {formatLearningRate(range[1])}
    </p>
  );
}

function Optimizers({ optimizers }: { optimizers: readonly OptimizerSummary[] }) {
  return (
    // A region that scrolls, where there are many, has to be reached by keyboard.
    <ul className="optimizers" aria-label="By optimizer" tabIndex={0}>
      {optimizers.map(({ optimizer, runs, reliable, suggested, range, running }) => {
        const rate = suggested === null ? null : formatLearningRate(suggested);
        const name = optimizer ?? "Unknown optimizer";
        return (
          <li key={name}>
            <span className="name">{name}</span>
            {rate === null ? (
              <span className="none">{running ? "Running" : "No clear suggestion"}</span>
            ) : (
              <>
                <b>{rate}</b>
                <CopyButton compact text={rate} label={`Copy ${rate} for ${name}`} />
              </>
            )}
            {runs > 1 && <small>{basis(runs, reliable, range)}</small>}
          </li>
        );
      })}
    </ul>
  );
}

/** What the learning rate of an optimizer with several sweeps is made of. */
function basis(runs: number, reliable: number, range: OptimizerSummary["range"]): string {
  const which =
    reliable === runs ? plural(runs, "run") : `${formatCount(reliable)} of ${plural(runs, "run")}`;
  if (!range) return which;
  return `median of ${which}, ${formatLearningRate(range[0])} to ${formatLearningRate(range[1])}`;
}

function spreadText(spread: number): string {
  return spread < 10 ? spread.toFixed(1).replace(/\.0$/, "") : formatCount(Math.round(spread));
}

function Fact({ name, value, warn = false }: { name: string; value: string; warn?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={warn ? "warn" : ""}>{value}</dd>
    </div>
  );
}
