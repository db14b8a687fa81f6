"""Detects the end of a `fit` that callbacks are not notified of, such as an error or Ctrl-C."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from tb_lrfinder.keras.wrapped_train_function import WrappedTrainFunction


def reason_of(error: BaseException | None) -> tuple[str, str | None]:
    """Stop reason and message of a training run that ended with `error`."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return "interrupted", None
    return "failed", in_one_line(error)


def in_one_line(error: BaseException) -> str:
    """Type and first line of an error, without the long explanations that Keras appends to some."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # After "Exception encountered when calling ...", the second line has the cause.
    summary = " ".join(lines[: 2 if text.startswith("Exception encountered") else 1])
    return f"{type(error).__name__}: {summary}" if summary else type(error).__name__


def fit_is_running(model: Any) -> Callable[[], bool]:
    """Return a function that tells, from any thread, whether the current `fit` is still running.

    The function keeps a reference to the frame of `fit`, including its data, so release it in time.

    Args:
        model: The model that is trained. In a custom training loop, where no `fit` is found, the function
            always returns `True`.
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


class WatchedTrainFunction(WrappedTrainFunction):
    """Reports the errors of a training step, and keeps the logs of the first execution."""

    first_logs: Any = None
    """Logs of the first execution; until the second, running means are those of its batches."""

    def _run(self, *arguments: Any) -> Any:
        result = super()._run(*arguments)
        if self.first_logs is None:
            self.first_logs = result[0] if isinstance(result, tuple) else result  # with the state on JAX
        return result
