"""Sweeps of train steps that Python runs for each batch, as on PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tb_lrfinder.keras.sweep.train_function import HostCountedTrainFunction


class EagerSweptTrainFunction(HostCountedTrainFunction):
    """For train steps that are not compiled, as on PyTorch."""

    def begin(self, first_position: int, on_error: Callable[[BaseException], None]) -> None:
        """Start a sweep with the current ramp of the learning rate."""
        super().begin(first_position, on_error)
        self._rates = keras.ops.convert_to_tensor(self._learning_rate.table)  # on the device

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(data: Any) -> Any:
            with self._learning_rate.applied(self._next_rates()), self._tap.observing():
                logs = train_step(data)
            logs = self._tap.take_from(logs)
            self._count(self._tap.latest)
            return logs

        return swept_train_step

    def _next_rates(self) -> Any:
        """The learning rates of the next batch."""
        return self._rates[min(self._next_step(), len(self._rates) - 1)]
