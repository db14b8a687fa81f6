"""What training at each learning rate gives, and how much worse that is than the best. Needs only NumPy.

    from benchmarks.lr_tasks.truth import load_all

    for truth in load_all("training"):
        print(truth.name, truth.best(length=4), truth.regret(1e-3, length=4))

Fit on the training families only: `load_all` has no default for the split, so that nobody does otherwise by
accident. The arrays are described in data/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DATA = Path(__file__).with_name("data")
CONSTANT = "constant"
SPLITS = ("training", "test")


@dataclass(frozen=True)
class Truth:
    """One task, and what was measured on it.

    Args:
        about: The task and its settings: name, split, optimizer, steps and more.
        arrays: The arrays of its file.
    """

    about: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    @property
    def name(self) -> str:
        """Name of the task."""
        return str(self.about["name"])

    @property
    def log_learning_rate(self) -> Floats:
        """The grid."""
        return self.arrays["log_learning_rate"].astype(float)

    @property
    def schedules(self) -> list[str]:
        """Names of the schedules that were trained."""
        names = [key.removesuffix("_loss") for key in self.arrays if key.endswith("_loss")]
        return [name for name in names if not name.startswith("sweep_") and name != "constant_train"]

    def losses(self, length: float = 1.0, schedule: str = CONSTANT) -> Floats:
        """Validation losses after a training, (learning rates, seeds); NaN where one diverged.

        Args:
            length: How long the training is, in budgets of the task. Between the numbers of steps at which
                the loss is known, it is interpolated over their logarithms. Only 1 for other schedules than a
                constant learning rate.
            schedule: Name of the schedule; the learning rates of the grid are its peaks.

        Raises:
            ValueError: The length or the schedule is not known of this task.
        """
        if schedule not in self.schedules:
            raise ValueError(
                f"The schedule {schedule!r} was not trained on {self.name}; known: {self.schedules}."
            )
        known = self.arrays[f"{schedule}_loss"].astype(float)
        if schedule != CONSTANT:
            if length != 1:
                raise ValueError(
                    f"The schedule {schedule!r} was trained at length 1 only, but length={length}."
                )
            return known
        steps = self.arrays["steps"].astype(float)
        wanted = length * self.about["steps"]
        if not steps[0] - 0.5 <= wanted <= steps[-1] + 0.5:  # they are rounded
            low, high = (steps[[0, -1]] / self.about["steps"]).tolist()
            raise ValueError(f"length must be between {low:.3g} and {high:.3g} budgets, but is {length}.")
        place = float(np.interp(np.log(wanted), np.log(steps), np.arange(len(steps))))
        before, part = int(place), place % 1
        if part < 1e-9:
            return np.asarray(known[..., before])
        # What was finite once and then not has diverged: NaN.
        return np.asarray((1 - part) * known[..., before] + part * known[..., before + 1])

    def curve(self, length: float = 1.0, schedule: str = CONSTANT) -> Floats:
        """Regret at each learning rate of the grid: 0 for the best, 1 for no better than a constant."""
        losses, baseline = self.losses(length, schedule), float(self.about["baseline_loss"])
        capped = np.where(np.isfinite(losses), np.minimum(losses, baseline), baseline).mean(1)
        return np.asarray((capped - capped.min()) / max(baseline - capped.min(), 1e-12))

    def regret(self, learning_rate: float | None, length: float = 1.0, schedule: str = CONSTANT) -> float:
        """Regret of a learning rate, or of a peak; 1 for none and for one that is not positive and finite."""
        if learning_rate is None or not np.isfinite(learning_rate) or learning_rate <= 0:
            return 1.0
        curve = self.curve(length, schedule)
        return float(np.interp(np.log10(learning_rate), self.log_learning_rate, curve))

    def best(self, length: float = 1.0, schedule: str = CONSTANT) -> float:
        """The best learning rate of the grid."""
        return float(10 ** self.log_learning_rate[self.curve(length, schedule).argmin()])

    def learns(self, length: float = 1.0, schedule: str = CONSTANT) -> bool:
        """Whether any learning rate is better than a constant: if none is, regrets say nothing."""
        losses = np.nan_to_num(self.losses(length, schedule), nan=np.inf, posinf=np.inf).mean(1)
        baseline = float(self.about["baseline_loss"])
        return bool(baseline - losses.min() > 1e-3 * abs(baseline))

    def sweep(self, steps: int, seed: int) -> tuple[Floats, Floats]:
        """Learning rates and losses of a whole ramp by the callback, through its divergence."""
        rates, losses = self.arrays[f"sweep_{steps}_learning_rate"], self.arrays[f"sweep_{steps}_loss"]
        return rates.astype(float), losses[seed].astype(float)


def load(path: Path) -> Truth:
    """One task's file."""
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    return Truth(json.loads(str(arrays.pop("about"))), arrays)


def load_all(split: str, data: Path = DATA) -> Iterator[Truth]:
    """The tasks of one split whose files are there.

    Args:
        split: "training" or "test".
        data: Directory of the files.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, but is {split!r}.")
    # The split is not in a file's name, so each one is read; that takes about a second in all.
    for path in sorted(data.glob("*.npz")):
        truth = load(path)
        if truth.about["split"] == split:
            yield truth
