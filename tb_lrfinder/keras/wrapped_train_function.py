"""Wraps the train function of a model during `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras import backend


class WrappedTrainFunction:
    """Replaces `model.train_function`, and reports the errors of a training step.

    No callback is notified of an error in a step. Subclasses override `_run`.

    Args:
        model: A compiled model in its `fit`.
        on_error: Called with each error of a step, before it propagates. The end of the data is not an error.
    """

    def __init__(self, model: Any, on_error: Callable[[BaseException], None]) -> None:
        self._model = model
        self._on_error = on_error
        self._original: Callable[..., Any] | None = None

    def attach(self) -> None:
        """Replace the train function of the model, if it has one."""
        self._original = self._model.train_function
        if self._original is not None:  # None in a custom training loop
            self._model.train_function = self

    def detach(self) -> None:
        """Restore the train function of the model. Idempotent."""
        if self._model.train_function is self:  # not after a call of compile()
            self._model.train_function = self._original

    def __call__(self, *arguments: Any) -> Any:
        """Run one execution, as the replaced train function does."""
        try:
            return self._run(*arguments)
        except BaseException as error:
            if not backend.ends_the_data(error):
                self._on_error(error)
            raise

    def _run(self, *arguments: Any) -> Any:
        assert self._original is not None
        return self._original(*arguments)
