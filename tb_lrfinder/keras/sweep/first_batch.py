"""Builds a model from its first batch, for a sweep of a model that has no variables yet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.wrapped_train_function import WrappedTrainFunction


class BuildingTrainFunction(WrappedTrainFunction):
    """Builds the model from the shapes of the first batch, which is not consumed.

    This only happens on TensorFlow, because `fit` builds a model before it calls the first callback on the
    other backends. A model with a custom `train_step` may have no `call()`. Its layers are then either built
    already, or by the first batch.

    Args:
        model: A compiled model that is not built.
        start: Starts the sweep once the model is built.
        on_error: Called with each error of `start` and of the first execution.
    """

    def __init__(
        self, model: Any, start: Callable[[], None], on_error: Callable[[BaseException], None]
    ) -> None:
        super().__init__(model, on_error)
        self._start = start

    def _run(self, *arguments: Any) -> Any:
        self.detach()
        (iterator,) = arguments
        with contextlib.suppress(Exception):  # it has no `call()`
            internals.symbolic_build(self._model, backend.batch_structure(iterator))
        self._start()
        return self._model.train_function(iterator)
