"""Runs several sweeps of a model from the same state."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from tb_lrfinder.keras import backend, random_numbers
from tb_lrfinder.keras.sweep.built_optimizer import build_optimizer
from tb_lrfinder.keras.sweep.unbuilt import Unbuilt


class SweepSeries:
    """Context of several sweeps that start with the same weights, and see the data in different orders.

    Each sweep restores the model and the random state. Between the sweeps the random state is advanced, since
    otherwise all of them would shuffle the data alike. An optimizer that is not built is built once for all
    sweeps, so that their train step is traced only once. At the end, both are as after the first sweep.

    Args:
        model: A compiled model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._unbuilt: list[Unbuilt] = []
        self._restore_random_state: Callable[[], None] | None = None  # from the end of the first sweep

    def __enter__(self) -> SweepSeries:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for each in self._unbuilt:
            each.restore()
        if self._restore_random_state is not None:
            self._restore_random_state()

    def run(self, sweep: Callable[[], object]) -> None:
        """Run the next sweep."""
        if self._restore_random_state is not None:
            random_numbers.advance()
        if backend.trains_unbuilt_models():  # otherwise `fit` builds the optimizer, and it remains built
            with backend.device_scope(self._model):
                self._unbuilt += build_optimizer(self._model)
        sweep()
        if self._restore_random_state is None:
            self._restore_random_state = random_numbers.remember()
