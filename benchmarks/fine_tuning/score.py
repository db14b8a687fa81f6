"""How well are already trained models recognized, and how well do the suggested learning rates tune them?

    python -m benchmarks.fine_tuning.score             # the design families
    python -m benchmarks.fine_tuning.score --heldout   # the held-out families; also --confirming, --last

Only needs NumPy. The scores are defined in README.md.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from regret import stopped_by_us, table

from benchmarks.lr_tasks.truth import Truth, load
from tb_lrfinder.analysis.analyze import Analysis, analyze
from tb_lrfinder.analysis.curve import Sweep

DATA = Path(__file__).with_name("data")
MINIMUM_GAIN, HARM = 0.02, 0.05
DEFAULTS = {"adam": 1e-3, "momentum": 1e-2}  # of Keras
SEEDS = range(3)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One sweep of a task, and what our finder says of it."""

    truth: Truth
    seed: int
    analysis: Analysis

    @property
    def suggested(self) -> float | None:
        """The suggestion of the default rule."""
        return self.analysis.suggestion.learning_rate

    @property
    def recognized(self) -> bool:
        """Whether the diagnosis says that the model is already trained."""
        return any(finding.code == "already_trained" for finding in self.analysis.diagnosis)

    @property
    def outcome(self) -> str:
        """How the sweep is answered."""
        if self.recognized:
            return "recognized"
        return "descent" if self.suggested is not None else "no suggestion"


def chance_loss(truth: Truth) -> float | None:
    """What the finder knows about the loss of a model that has learned nothing."""
    classes = truth.about["classes"]
    return math.log(classes) if classes else None


def analyzed(rates: Floats, losses: Floats, chance: float | None) -> Analysis:
    """What our finder says of a sweep, ended by our own criterion."""
    rows, reason = stopped_by_us(losses)
    sweep = Sweep.from_losses(rates[:rows], losses[:rows])
    return analyze(sweep, stop_reason=reason, planned_steps=len(losses), chance_loss=chance)


@cache
def tasks(split: str) -> tuple[Truth, ...]:
    """The tasks of one split."""
    found = (load(path) for path in sorted(DATA.glob("*.npz")))
    return tuple(truth for truth in found if truth.about["split"] == split)


@cache
def cases(split: str, know_classes: bool) -> tuple[Case, ...]:
    """All sweeps of one split."""
    return tuple(
        Case(truth, seed, analyzed(*truth.sweep(100, seed), chance_loss(truth) if know_classes else None))
        for truth in tasks(split)
        for seed in SEEDS
    )


def controls(split: str, know_classes: bool) -> Iterator[Analysis]:
    """What our finder says of untrained networks with random labels."""
    for truth in tasks(split):
        for losses in truth.arrays.get("random_labels_loss", ()):
            rates, _ = truth.sweep(100, 0)
            yield analyzed(rates, losses.astype(float), chance_loss(truth) if know_classes else None)


def gain(truth: Truth) -> float:
    """How much of the reference the best learning rate gains."""
    reference = truth.about["baseline_loss"]
    losses = np.nan_to_num(truth.losses().mean(1), nan=np.inf)
    return float((reference - losses.min()) / reference)


def counts(truth: Truth) -> bool:
    """Whether there is enough to gain for a regret."""
    return gain(truth) >= MINIMUM_GAIN


def is_harmful(truth: Truth, learning_rate: float | None) -> bool:
    """Whether training with this learning rate ends clearly above the reference."""
    if learning_rate is None:
        return False
    losses = np.nan_to_num(truth.losses().mean(1), nan=1e9, posinf=1e9)
    ended = np.interp(math.log10(learning_rate), truth.log_learning_rate, losses)
    return bool(ended > (1 + HARM) * truth.about["baseline_loss"])


Rule = Callable[[Case], float | None]


def scores(chosen: Sequence[Case], rule: Rule) -> tuple[float, float]:
    """Mean regret over the cases of tasks that count, and the share of harmful suggestions among all."""
    regrets = [case.truth.regret(rule(case)) for case in chosen if counts(case.truth)]
    harm = [is_harmful(case.truth, rule(case)) for case in chosen]
    return float(np.mean(regrets)) if regrets else math.nan, float(np.mean(harm)) if harm else math.nan


def times(factor: float) -> Rule:
    """The suggestion times a factor."""
    return lambda case: None if case.suggested is None else factor * case.suggested


def compared() -> dict[str, Rule]:
    """The suggestion, and what one might do instead."""
    return {
        "suggestion": times(1),
        "a third of it": times(1 / 3),
        "a tenth of it": times(1 / 10),
        "three times it": times(3),
        "Keras' default learning rate": lambda case: DEFAULTS[case.truth.about["optimizer"]],
        "a tenth of Keras' default": lambda case: DEFAULTS[case.truth.about["optimizer"]] / 10,
        "no suggestion": lambda case: None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    for name in ("heldout", "confirming", "last"):
        parser.add_argument(
            f"--{name}", dest="split", action="store_const", const=name, default="design",
            help=f"score the {name} families",
        )  # fmt: skip
    parser.add_argument("--unknown-classes", action="store_true", help="as if no loss named its classes")
    args = parser.parse_args()
    split, know_classes = args.split, not args.unknown_classes
    every = cases(split, know_classes)

    print(
        f"{len(tasks(split))} tasks of the {split} families, {sum(map(counts, tasks(split)))} with a gain\n"
    )
    rows = [["mode", "sweeps", "recognized", "descent", "no suggestion"]]
    for mode in ("frozen", "all", "continued", "shifted"):
        mine = [case for case in every if case.truth.about["mode"] == mode]
        said = [case.outcome for case in mine]
        rows.append([mode, str(len(mine)), *(str(said.count(outcome)) for outcome in rows[0][2:])])
    false = list(controls(split, know_classes))
    recognized = sum(any(f.code == "already_trained" for f in one.diagnosis) for one in false)
    without = sum(one.suggestion.learning_rate is None for one in false)
    rows.append(
        [
            "random labels",
            str(len(false)),
            str(recognized),
            str(len(false) - recognized - without),
            str(without),
        ]
    )
    table(rows)

    for outcome in ("recognized", "descent", "no suggestion"):
        chosen = [case for case in every if case.outcome == outcome]
        if not chosen:
            continue
        with_gain = sum(counts(case.truth) for case in chosen)
        print(f"\n{outcome}: {len(chosen)} sweeps, {with_gain} of tasks with a gain\n")
        rows = [["rule", "regret", "harmful"]]
        for name, rule in compared().items():
            regret, harm = scores(chosen, rule)
            rows.append([name, f"{regret:.3f}", f"{100 * harm:.0f} %"])
        table(rows)


if __name__ == "__main__":
    main()
