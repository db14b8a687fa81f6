"""A sweep of a model that has no variables before its first batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras.sweep.sweep_run import SweepRun


class BuildFirst:
    """Stands in for the train function of a model that has no variables yet.

    What they are is only known with the first batch; this looks at its shapes, builds the model, and has
    the sweep begin. The batch itself is not used up.
    """

    def __init__(self, model: Any, run: SweepRun, on_error: Callable[[BaseException], None]) -> None:
        self._model = model
        self._run = run
        self._on_error = on_error
        self._replaced = model.train_function

    def attach(self) -> None:
        """Wait for the first batch."""
        self._model.train_function = self

    def __call__(self, iterator: Any) -> Any:
        """Build, begin, and run the first execution."""
        self._model.train_function = self._replaced
        try:
            self._run.build_from(iterator)
            self._run.remember()
            self._run.start(self._on_error)
        except BaseException as error:
            self._on_error(error)
            raise
        self._run.begin_epoch()
        return self._model.train_function(iterator)
