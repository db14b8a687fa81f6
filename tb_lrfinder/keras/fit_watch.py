"""Notices the end of a `fit` that no callback is told of: an error, or Ctrl-C."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from tb_lrfinder.keras import backend


def reason_of(error: BaseException | None) -> tuple[str, str | None]:
    """Stop reason and message of a training that `error` has cut short."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return "interrupted", None
    return "failed", in_one_line(error)


def in_one_line(error: BaseException) -> str:
    """Kind and gist of an error, without the pages that Keras adds to some."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # "Exception encountered when calling ...", and only the next line says which.
    gist = " ".join(lines[: 2 if text.startswith("Exception encountered") else 1])
    return f"{type(error).__name__}: {gist}" if gist else type(error).__name__


def fit_is_running(model: Any) -> Callable[[], bool]:
    """A function that any thread may ask whether the `fit` below this call is still going on.

    It holds on to what that `fit` holds, its data too, so let go of it in time.

    Args:
        model: The model that is trained. In a training loop of one's own there is no `fit` to be found, and
            the answer is always that it is going on.
    """
    thread = threading.get_ident()
    fit = next((f for f in _stack(sys._getframe(1)) if _is_fit_of(f, model)), None)
    if fit is None:
        return lambda: True
    return lambda: any(frame is fit for frame in _stack(sys._current_frames().get(thread)))


def _stack(frame: FrameType | None) -> Any:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_fit_of(frame: FrameType, model: Any) -> bool:
    return frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model


class WatchedTrainFunction:
    """Stands in for a model's train function, to be told what it raises.

    Args:
        model: A model in its `fit`.
        on_error: Called with what a step raises, before that goes on its way.
    """

    def __init__(self, model: Any, on_error: Callable[[BaseException], None]) -> None:
        self._model = model
        self._on_error = on_error
        self._replaced = model.train_function
        self.first_logs: Any = None
        """What the first execution returned: before the second, means are those of its batches."""

    def attach(self) -> None:
        """Begin."""
        if self._replaced is not None:
            self._model.train_function = self

    def detach(self) -> None:
        """Leave the model as it was. May be called again."""
        if self._model.train_function is self:  # not when compile() was called in between
            self._model.train_function = self._replaced

    def __call__(self, *arguments: Any) -> Any:
        """Run the steps of one execution."""
        try:
            result = self._replaced(*arguments)
        except BaseException as error:
            if not backend.ends_the_data(error):
                self._on_error(error)
            raise
        if self.first_logs is None:
            self.first_logs = result[0] if isinstance(result, tuple) else result  # with the state on JAX
        return result
