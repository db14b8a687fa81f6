import { formatExactRate, formatLoss, plural } from "../../format";
import type { Proof } from "../../state/proof";
import { finalOf } from "../../state/trials";

/** What the trials say, in a few words. */
export function ProofText({ proof }: { proof: Proof }) {
  switch (proof.kind) {
    case "none":
      return <span className="proof dim">not tried</span>;
    case "best":
      return <span className="proof good">best of {plural(proof.trials, "trial")}</span>;
    case "other":
      return (
        <span className="proof warn">trials prefer {formatExactRate(proof.best.learningRate)}</span>
      );
    case "open":
      return (
        <span className="proof dim">
          {proof.best === null
            ? `${plural(proof.trials, "trial")}, none finished well`
            : `${plural(proof.trials, "trial")}, best ${formatExactRate(proof.best.learningRate)}`}
        </span>
      );
  }
}

/** The loss of the best trial. */
export function proofDetail(proof: Proof): string {
  if (proof.kind === "none" || proof.best === null) return "trials";
  const { trial } = proof.best;
  const name = trial.final["validation_loss"] === undefined ? "loss" : "validation loss";
  return `${name} ${formatLoss(finalOf(proof.best, "loss"))}`;
}
