"""Scores suggested learning rates on the trained tasks. Needs only NumPy.

    python -m benchmarks.lr_tasks.score training    # the families that rules are made with
    python -m benchmarks.lr_tasks.score test        # the declared test families

The score is the normalized regret of `truth.py`, of trainings at a constant learning rate that last a
quarter, a half, one and four times the budget of the task, and of one-cycle and cosine schedules at one
budget. A task counts if some learning rate is better than a constant prediction by a tenth of its loss:
on others, all rules have the same regret, or one that only consists of noise. No suggestion counts as 1.

Each figure is the mean over tasks of the mean over their sweeps, with the interval in which it lies in 95
% of 1,000 random draws of the families.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from regret import stopped_by_us, table
from regret_others import OTHERS

from tb_lrfinder.analysis.analyze import Analysis, analyze
from tb_lrfinder.analysis.curve import Sweep

from .truth import CONSTANT, SPLITS, Truth, load_all

Floats = NDArray[np.float64]

LENGTHS = (0.25, 0.5, 1.0, 4.0)
PEAKS = ("one_cycle", "cosine")
COLUMNS = (*((CONSTANT, length) for length in LENGTHS), *((name, 1.0) for name in PEAKS))
SWEEPS = tuple((steps, seed) for steps in (100, 300) for seed in range(5))
LEAST_GAIN = 0.1  # of the best learning rate over a constant prediction, as a share of its loss
DRAWS = 1000


@dataclass(frozen=True)
class Case:
    """One recorded sweep of a task.

    Args:
        truth: The task.
        steps: Steps of the ramp.
        seed: Seed of the sweep.
    """

    truth: Truth
    steps: int
    seed: int

    @cached_property
    def ramp(self) -> tuple[Floats, Floats]:
        """Learning rates and losses of the whole ramp, also after it has diverged."""
        return self.truth.sweep(self.steps, self.seed)

    @cached_property
    def sweep(self) -> Sweep:
        """What `LRFinder` would have recorded, which stops when the loss diverges."""
        rates, losses = self.ramp
        return Sweep.from_losses(rates[: self._stop[0]], losses[: self._stop[0]])

    @cached_property
    def analysis(self) -> Analysis:
        """What is computed from it."""
        return analyze(self.sweep, stop_reason=self._stop[1], planned_steps=self.steps)

    @cached_property
    def _stop(self) -> tuple[int, str]:
        return stopped_by_us(self.ramp[1])


@dataclass(frozen=True)
class Plan:
    """The training for which a learning rate is asked.

    Args:
        steps: Number of its steps.
        schedule: Name of its schedule.
        length: Number of steps in budgets of the task.
    """

    steps: float
    schedule: str
    length: float


Answer = Callable[[Case, Plan], float | None]


def counts(truth: Truth) -> bool:
    """Whether a task can tell good learning rates from bad ones."""
    losses = np.nan_to_num(truth.losses(), nan=np.inf, posinf=np.inf).mean(1)
    baseline = float(truth.about["baseline_loss"])
    return bool(baseline - losses.min() > LEAST_GAIN * abs(baseline))


def regrets(answer: Answer, truths: Iterable[Truth]) -> dict[str, NDArray[np.float64]]:
    """The regret of an answer: an array (sweeps, `COLUMNS`) for each task."""
    return {
        truth.name: np.array([list(_of_sweep(answer, case)) for case in cases(truth)]) for truth in truths
    }


def cases(truth: Truth) -> list[Case]:
    """The sweeps of a task."""
    return [Case(truth, steps, seed) for steps, seed in SWEEPS]


def _of_sweep(answer: Answer, case: Case) -> Iterator[float]:
    for schedule, length in COLUMNS:
        plan = Plan(length * case.truth.about["steps"], schedule, length)
        yield case.truth.regret(answer(case, plan), length, schedule)


def by_family(values: Mapping[str, float], truths: Iterable[Truth]) -> list[list[float]]:
    """One value for each task, grouped by the families of the tasks."""
    groups = defaultdict(list)
    for truth in truths:
        groups[truth.about["family"]].append(values[truth.name])
    return list(groups.values())


def interval(families: list[list[float]], draws: int = DRAWS) -> tuple[float, float]:
    """Where the mean over tasks lies in 95 % of random draws of the families, with repetition."""
    random = np.random.default_rng(0)
    sums, sizes = np.array([sum(one) for one in families]), np.array([len(one) for one in families])
    drawn = random.integers(len(families), size=(draws, len(families)))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def figures(answer: Answer, truths: list[Truth]) -> list[str]:
    """The cells of a row: each length, their mean and its interval, the 90th percentile, the peaks."""
    scored = regrets(answer, truths)
    by_column = np.mean([values.mean(0) for values in scored.values()], 0)
    lengths = {name: float(values[:, : len(LENGTHS)].mean()) for name, values in scored.items()}
    low, high = interval(by_family(lengths, truths))
    every = np.concatenate([values[:, : len(LENGTHS)].ravel() for values in scored.values()])
    mean = f"{np.mean(list(lengths.values())):.3f} ({low:.3f} to {high:.3f})"
    percentile = f"{np.quantile(every, 0.9):.2f}"
    shown = [f"{value:.3f}" for value in by_column]
    return [*shown[: len(LENGTHS)], mean, percentile, *shown[len(LENGTHS) :]]


def today(case: Case, plan: Plan) -> float | None:
    """The default rule and its ranges, which do not ask how long the training is."""
    suggestion = case.analysis.suggestion
    if suggestion.ranges is None:
        return None
    if plan.schedule != CONSTANT:
        return suggestion.ranges.one_cycle_max
    return suggestion.ranges.long_training if plan.length > 2 else suggestion.learning_rate


def other(name: str) -> Answer:
    """The rule of another finder, which has one answer for all trainings."""

    def answer(case: Case, plan: Plan) -> float | None:
        with np.errstate(all="ignore"):
            try:
                return OTHERS[name](*case.ramp, case.truth.about)
            except (ValueError, IndexError):  # nothing is left after its own cuts
                return None

    return answer


def times_default(factor: float) -> Answer:
    """A multiple of Keras' default learning rate, without a sweep."""
    return lambda case, plan: factor * float(case.truth.about["default_learning_rate"])


def answers() -> dict[str, Answer]:
    """All answers that are compared, by the names in the table."""
    return {
        "mid_descent and its ranges": today,
        **{name: other(name) for name in OTHERS},
        "3 x Keras' default": times_default(3),
        "10 x Keras' default": times_default(10),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("split", choices=SPLITS)
    split: str = parser.parse_args().split
    known = list(load_all(split))
    truths = [truth for truth in known if counts(truth)]
    families = len({truth.about["family"] for truth in truths})
    print(
        f"{len(truths)} of {len(known)} trained tasks of the {split} families count ({families} families)\n"
    )
    head: list[Any] = ["answer", *(f"x {length:g}" for length in LENGTHS), "mean (95 %)", "90 %", *PEAKS]
    table([head, *([name, *figures(answer, truths)] for name, answer in answers().items())])


if __name__ == "__main__":
    main()
