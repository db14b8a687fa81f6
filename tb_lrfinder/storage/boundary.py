"""Contains errors within one run: they become a message about that run, and all other runs are served."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

logger: Final = logging.getLogger("tb_lrfinder")

_MAX_LENGTH: Final = 200


def contain_errors(function: Callable[[], Result], on_error: Callable[[str], Result]) -> Result:
    """Return the result of `function`, or of `on_error` with an error message if it raises.

    Used for everything that processes the data of one run, in the server, in the command-line tool and in
    `run_trials`. Event files are untrusted input, so any exception is expected, including `RecursionError`,
    `OverflowError` and `MemoryError`.
    """
    try:
        return function()
    except Exception as error:
        logger.debug("A run cannot be read or served", exc_info=True)
        return on_error(describe_error(error))


def describe_error(error: Exception) -> str:
    """Describe an exception as the end of a sentence, on one line and truncated, without a traceback."""
    text = " ".join(str(error).split()).encode(errors="backslashreplace").decode()
    text = text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "…"
    if not isinstance(error, ValueError) or not text:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if text.endswith((".", "…", "!", "?")) else text + "."
