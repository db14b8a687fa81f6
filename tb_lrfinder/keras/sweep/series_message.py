"""Messages at the end of several sweeps."""

from __future__ import annotations

from collections.abc import Sequence

from tb_lrfinder.keras.sweep.batch_size_sweeps import BatchSizeSweeps
from tb_lrfinder.keras.sweep.lr_finder import LRFinder
from tb_lrfinder.keras.sweep.repeated_sweeps import RepeatedSweeps, answer

_RESTORED = "The model was restored to its state before the sweeps; it has not been trained."


def closing_lines(sweeps: RepeatedSweeps | BatchSizeSweeps) -> str:
    """The results, the log directories, and the state of the model."""
    if isinstance(sweeps, BatchSizeSweeps):
        finders = [finder for row in sweeps.rows for finder in sweeps[row.batch_size].finders]
        return f"LR Finder:\n{sweeps!r}\n{_written(finders)}{_RESTORED}"
    return f"LR Finder: {_uncapitalized(answer(sweeps))} {_written(sweeps.finders)}{_RESTORED}"


def _written(finders: Sequence[LRFinder]) -> str:
    directories = [finder.log_dir for finder in finders if finder.log_dir is not None]
    return f"Written to {', '.join(directories)}. " if directories else ""


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
