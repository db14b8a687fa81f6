import type { ReactNode } from "react";
import { formatCount, formatLearningRate, plural } from "../../format";
import { kerasSnippets } from "../../kerasCode";
import type { Answer } from "../../state/answers";
import type { Entry } from "../../state/entries";
import { progressText } from "../../state/progress";
import { stopReason } from "../../state/stopReason";
import { CopyButton } from "../CopyButton";
import { KerasMenu } from "../KerasMenu";
import { useNow } from "../useNow";
import { ConfidenceMark } from "./ConfidenceMark";
import { Findings } from "./Findings";
import { ProofText, proofDetail } from "./ProofText";
import { noRate, rangeText } from "./texts";
import { WhyLow } from "./WhyLow";

/** The answer where all shown sweeps have one configuration. */
export function OneAnswer({ answer }: { answer: Answer }) {
  const { name, detail, suggested, confidence, proof, entries, ended, range, typical } = answer;
  const rate = suggested === null ? null : formatLearningRate(suggested);
  const single = entries.length === 1;
  const sweep = typical.sweep;
  const now = useNow(confidence === null);
  return (
    <>
      <div className="one">
        <div className="verdict">
          {answer.provisional !== null ? (
            <p className="rate provisional">
              {formatLearningRate(answer.provisional)} <small>provisional</small>
            </p>
          ) : rate === null ? (
            <p className="rate none">{noRate(answer)}</p>
          ) : (
            <p className="rate">
              <output data-testid={single ? "suggested-lr" : "answer-lr"}>{rate}</output>
            </p>
          )}
          <p className="of">
            <b>{name}</b> {detail}
            {single && <span className="run"> · {typical.run.run}</span>}
          </p>
        </div>
        <dl className="facts">
          {confidence !== null && (
            <Fact name="confidence">
              <ConfidenceMark confidence={confidence} />
            </Fact>
          )}
          {proof.kind !== "none" && (
            <Fact name={proofDetail(proof)}>
              <ProofText proof={proof} />
            </Fact>
          )}
          {confidence === null && <Fact name="running">{progressText(typical.run, now)}</Fact>}
          {single && confidence === null ? null : single ? (
            <RunFacts entry={typical} />
          ) : (
            <Fact name={range === null ? "one is clear" : rangeText(range)}>
              {answer.reliable === ended
                ? plural(ended, "sweep")
                : `${formatCount(answer.reliable)} of ${plural(ended, "sweep")}`}
            </Fact>
          )}
        </dl>
        {rate !== null && suggested !== null && (
          <div className="actions">
            <CopyButton text={rate} label="Copy" />
            {sweep && (
              <KerasMenu run={typical.run.run} snippets={kerasSnippets(suggested, sweep)} />
            )}
          </div>
        )}
      </div>
      {single && <Findings entry={typical} />}
      {!single && confidence === "low" && <WhyLow answer={answer} />}
    </>
  );
}

/** What is known of a single sweep. */
export function RunFacts({ entry }: { entry: Entry }) {
  const { run, sweep } = entry;
  const ended = run.status !== "running";
  const minimum = ended ? (sweep?.minimum_learning_rate ?? null) : null;
  const divergence = sweep?.divergence_learning_rate ?? null;
  const { steps, planned_steps: planned } = run;
  const all = planned !== null && planned !== steps ? ` of ${formatCount(planned)}` : "";
  return (
    <>
      {minimum !== null && <Fact name="lowest loss at">{formatLearningRate(minimum)}</Fact>}
      {divergence !== null && <Fact name="diverges from">{formatLearningRate(divergence)}</Fact>}
      <Fact name="steps">
        {formatCount(steps)}
        {all}
      </Fact>
      {ended && <Fact name="stopped">{stopReason(run)}</Fact>}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
