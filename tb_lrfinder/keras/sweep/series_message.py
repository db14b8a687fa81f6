"""Messages at the end of several sweeps."""

from __future__ import annotations

from collections.abc import Sequence

from tb_lrfinder.keras.sweep.batch_size_sweeps import BatchSizeSweeps
from tb_lrfinder.keras.sweep.repeated_sweeps import RepeatedSweeps, answer

_RESTORED = "The model was restored to its state before the sweeps; it has not been trained."


def closing_lines(sweeps: RepeatedSweeps | BatchSizeSweeps, log_dir: str | None) -> str:
    """The results, where they were written, and the state of the model.

    Args:
        sweeps: The results.
        log_dir: Directory that was passed to `find_lr`.
    """
    if isinstance(sweeps, BatchSizeSweeps):
        return f"LR Finder:\n{sweeps!r}\n{_written([] if log_dir is None else [log_dir])}{_RESTORED}"
    directories = [finder.log_dir for finder in sweeps.finders if finder.log_dir is not None]
    return f"LR Finder: {_uncapitalized(answer(sweeps))} {_written(directories)}{_RESTORED}"


def _written(directories: Sequence[str]) -> str:
    return f"Written to {', '.join(directories)}. " if directories else ""


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
