"""Recorded runs: a sweep or a trial as read from its event file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tb_lrfinder.analysis.curve import COLUMNS, DEFAULT_DELTA_WINDOW, Sweep
from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.checks import check_number
from tb_lrfinder.storage import schema

Kind = Literal["sweep", "trial"]
Status = Literal["running", "finished", "interrupted", "failed"]
Columns: TypeAlias = Mapping[str, NDArray[Any]]

_STATUS_OF_STOP_REASON: Final[Mapping[str, Status]] = {
    "failed": "failed",
    "refused": "failed",
    "interrupted": "interrupted",
}
"""Runs with any other stop reason, unknown ones included, are finished."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run without its rows.

    Args:
        run: String. Name of the run, as shown by TensorBoard.
        kind: `"sweep"` or `"trial"`.
        config: Dict. The configuration, written at the start of the run. Empty if it cannot be read.
        result: Dict. The result, written at the end of the run; `None` until then.
        steps: Integer. Number of recorded rows: steps of a sweep or epochs of a trial.
        last_event_time: Float. Time of the last event, in seconds since the epoch.
        problem: String. Why the run cannot be read, or `None`.
    """

    run: str
    kind: Kind
    config: dict[str, Any]
    result: dict[str, Any] | None = None
    steps: int = 0
    last_event_time: float = 0.0
    problem: str | None = None

    @property
    def planned_steps(self) -> int | None:
        """Planned number of rows: steps of the ramp or epochs of the trial."""
        return self.config.get("num_steps" if self.kind == "sweep" else "epochs")

    def status(self, now: float | None = None) -> Status:
        """Return `"running"`, `"finished"`, `"interrupted"` or `"failed"`.

        Args:
            now: Float. Time to compare with the last event, in seconds since the epoch. Defaults to the
                current time.

        Raises:
            TypeError: If `now` is not a number.
            ValueError: If it is not finite.
        """
        now = time.time() if now is None else check_number("now", now, or_none=True)
        if self.problem is not None:
            return "failed"
        if self.result is None:
            silence = now - self.last_event_time
            return "running" if silence <= schema.INTERRUPTED_AFTER_SECONDS else "interrupted"
        return _STATUS_OF_STOP_REASON.get(str(self.result.get("stop_reason")), "finished")

    @property
    def message(self) -> str | None:
        """A description of the problem or of the error that training raised, or `None`."""
        return self.problem or (self.result or {}).get("message")


@dataclass(frozen=True, kw_only=True)
class RecordedSweep(RunSummary):
    """A sweep read from a run directory.

    Args:
        sweep: `Sweep`. Its rows.
    """

    kind: Literal["sweep"] = "sweep"
    sweep: Sweep

    @property
    def delta_window(self) -> int:
        """Window of the stored loss delta, in steps."""
        return _delta_window(self.config)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name."""
        return self.sweep.columns()


@dataclass(frozen=True, kw_only=True)
class RecordedTrial(RunSummary):
    """A trial read from a run directory.

    Args:
        trial: `Trial`. Its epochs.
    """

    kind: Literal["trial"] = "trial"
    trial: Trial

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name."""
        return self.trial.columns()


Recorded: TypeAlias = RecordedSweep | RecordedTrial


def unreadable(run: str, reason: str, kind: Kind = "sweep") -> RunSummary:
    """Summarize a run that cannot be read.

    Args:
        run: Name of the run.
        reason: Why it cannot be read, as the end of a sentence.
        kind: Kind of the run, if known.
    """
    return RunSummary(run=run, kind=kind, config={}, problem=f"The run cannot be read: {reason}")


def with_rows(summary: RunSummary, columns: Columns) -> Recorded:
    """Add rows to the summary of a run. Unknown columns of a sweep are ignored."""
    about = {**vars(summary), "steps": len(next(iter(columns.values()), ()))}
    if summary.kind == "trial":
        return RecordedTrial(**about, trial=_trial(columns, summary.config))
    return RecordedSweep(**about, sweep=_sweep(columns, about["steps"], _delta_window(summary.config)))


def _delta_window(config: Mapping[str, Any]) -> int:
    return max(config.get("delta_window") or DEFAULT_DELTA_WINDOW, 1)


def _sweep(columns: Columns, steps: int, delta_window: int) -> Sweep:
    missing = np.full(steps, np.nan)
    step, learning_rate, loss, loss_delta, validation_loss = (columns.get(name, missing) for name in COLUMNS)
    sweep = Sweep.from_losses(learning_rate, loss, validation_loss, delta_window, step=step.astype(np.int64))
    # Other writers may omit the loss delta.
    return sweep if np.isnan(loss_delta).all() else replace(sweep, loss_delta=loss_delta)


def _trial(columns: Columns, config: Mapping[str, Any]) -> Trial:
    initial_loss = config.get("initial_loss")
    if not isinstance(initial_loss, int | float) or isinstance(initial_loss, bool):
        initial_loss = None  # null, not finite, or malformed
    return Trial.from_columns(columns, initial_loss=initial_loss)
