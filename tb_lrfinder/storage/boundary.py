"""What goes wrong with one run stays with that run: it becomes a sentence, and all others go on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

Made = TypeVar("Made")

logger: Final = logging.getLogger("tb_lrfinder")

_LONGEST: Final = 200


def contained(make: Callable[[], Made], otherwise: Callable[[str], Made]) -> Made:
    """What `make` returns, or else what `otherwise` makes of a sentence that says why it did not.

    Everything that is done with the data of one run goes through here, in the server, on the command line
    and in `run_trials`. Whoever writes event files can write anything, so any exception is expected, such as
    a `RecursionError`, an `OverflowError` or a `MemoryError`.
    """
    try:
        return make()
    except Exception as error:
        logger.debug("A run cannot be read or answered", exc_info=True)
        return otherwise(described(error))


def described(error: Exception) -> str:
    """An exception as the end of a sentence: on one line, not too long, and without the server's code."""
    said = " ".join(str(error).split()).encode(errors="backslashreplace").decode()
    said = said if len(said) <= _LONGEST else said[:_LONGEST] + "…"
    if not isinstance(error, ValueError) or not said:
        said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return said if said.endswith((".", "…", "!", "?")) else said + "."
