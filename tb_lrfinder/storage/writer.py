"""Writes a sweep or a trial to the event file of its own run directory."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Container, Mapping
from typing import Final

import numpy as np

from tb_lrfinder.analysis.curve import COLUMNS, Sweep
from tb_lrfinder.analysis.downsampling import rows_to_draw
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.run_writer import RunWriter
from tb_lrfinder.storage.schema import SweepConfig, SweepResult, TrialConfig

_MAX_SCALARS: Final = 10_000  # of a complete sweep


class SweepWriter(RunWriter):
    """Writes a sweep, see `RunWriter`.

    Example:
    ```python
    writer = SweepWriter("logs/adam", {"optimizer": "Adam"})
    writer.add(step=0, learning_rate=1e-7, loss=2.3, loss_delta=0.0)
    writer.close({"stop_reason": "completed"})
    ```

    Args:
        log_dir: See `RunWriter`.
        config: `SweepConfig`. Configuration of the sweep; written immediately.
        scalars: See `RunWriter`.
    """

    _header_tag = schema.SWEEP_TAG
    _scalar_tags = schema.SCALAR_TAGS
    _failure_hint = (
        "The sweep continues and its data is kept in `finder.sweep`. Writing is retried until the sweep "
        "ends. Use `finder.save(log_dir)` to write it to another directory."
    )

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: SweepConfig,
        *,
        scalars: bool | Container[int] = True,
    ) -> None:
        super().__init__(log_dir, config, COLUMNS, scalars=scalars)

    def add(
        self,
        step: int,
        learning_rate: float,
        loss: float,
        loss_delta: float,
        validation_loss: float = float("nan"),
    ) -> None:
        """Record one row. Never blocks on I/O and never raises."""
        self._append((step, learning_rate, loss, loss_delta, validation_loss), COLUMNS)


class TrialWriter(RunWriter):
    """Writes a trial, see `RunWriter`.

    Example:
    ```python
    writer = TrialWriter("logs/trials/0.01", {"learning_rate": 0.01, "epochs": 10})
    writer.add(epoch=0, learning_rate=0.01, loss=0.9, values={"validation_loss": 0.8, "accuracy": 0.7})
    writer.close({"stop_reason": "completed", "epochs": 1})
    ```

    Args:
        log_dir: See `RunWriter`.
        config: `TrialConfig`. Configuration of the trial; written immediately.
        scalars: See `RunWriter`.
        is_running: See `RunWriter`.
    """

    _header_tag = schema.TRIAL_TAG
    _scalar_tags = schema.TRIAL_SCALAR_TAGS
    _failure_hint = (
        "Training continues and the data is kept in `trial.trial`. Writing is retried until training ends."
    )

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: TrialConfig,
        *,
        scalars: bool = True,
        is_running: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(log_dir, config, TRIAL_COLUMNS, scalars=scalars, is_running=is_running)

    def update_config(self, config: TrialConfig) -> None:
        """Update the configuration; written with the next row."""
        self._config = self._config | config

    def add(self, epoch: int, learning_rate: float, loss: float, values: Mapping[str, float]) -> None:
        """Record one epoch and its other metrics. Never blocks on I/O and never raises."""
        values_by_name = {"epoch": float(epoch), "learning_rate": learning_rate, "loss": loss, **values}
        columns = tuple(dict.fromkeys([*self._columns, *values_by_name]))
        self._append(tuple(values_by_name.get(name, math.nan) for name in columns), columns)


def write_sweep(
    log_dir: str | os.PathLike[str], sweep: Sweep, config: SweepConfig, result: SweepResult
) -> str:
    """Write a complete sweep and return the directory it was written to.

    Writes all rows, but the scalar summaries of a long sweep only for the rows that a chart needs: each one
    is an event, and reading a million of them takes minutes.

    Raises:
        OSError: If `log_dir` cannot be written to. See `RunWriter` for other errors.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # raised as an error below
        writer = SweepWriter(log_dir, config, scalars=len(sweep) <= _MAX_SCALARS or _rows_of_chart(sweep))
        for row in zip(*(column.tolist() for column in sweep.columns().values()), strict=True):
            writer.add(*row)
        writer.close(result)
    if writer.error is not None:
        raise OSError(
            f"Could not write the sweep to {writer.log_dir!r}: {writer.error}. Remove the incomplete "
            "directory and free some disk space."
        ) from writer.error
    return writer.log_dir


def _rows_of_chart(sweep: Sweep) -> frozenset[int]:
    """Return the steps of the rows that a chart over the steps needs."""
    even = np.geomspace(1, 10, len(sweep))
    rows = rows_to_draw(even, [sweep.learning_rate, sweep.loss, sweep.loss_delta], _MAX_SCALARS // 10)
    return frozenset(sweep.step[rows].tolist())
