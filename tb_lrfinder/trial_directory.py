"""What the directory of a trial holds already: one that need not be run again, or one that was cut short."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tb_lrfinder import metadata
from tb_lrfinder.reader import Recorded, read_log_dir

_FINISHED = ("completed", "diverged")


def directory_of(log_dir: str, learning_rate: float) -> str:
    """Where the trial of a learning rate goes: `log_dir/0.0123`.

    Of two that are so close that they share it, the second goes to `log_dir/0.0123/2`, as everywhere.
    """
    return str(Path(log_dir) / f"{learning_rate:.3g}")


def finished_trial(directory: str, fingerprint: str) -> Recorded | None:
    """The trial with this fingerprint that has come to its end; None where there is none."""
    for recorded in _trials_in(directory):
        result = recorded.result or {}
        if recorded.config.get("fingerprint") == fingerprint and result.get("stop_reason") in _FINISHED:
            return recorded
    return None


def set_unfinished_aside(directory: str, fingerprint: str) -> None:
    """Have TensorBoard no longer show the trials with this fingerprint that did not come to their end.

    Their event files keep their data, under a name that readers of event files pass over.
    """
    for recorded in _trials_in(directory):
        result = recorded.result or {}
        if recorded.config.get("fingerprint") != fingerprint or result.get("stop_reason") in _FINISHED:
            continue
        run = Path(directory) / recorded.run
        for file in run.glob(f"*tfevents*{metadata.EVENT_FILE_SUFFIX}"):
            with contextlib.suppress(OSError):  # still open, on Windows: then the new one goes beside it
                file.rename(file.with_name(file.name.replace("tfevents", "unfinished")))


def _trials_in(directory: str) -> list[Recorded]:
    """Those of the directory itself and of its numbered ones, without whatever else lies deeper."""
    if not Path(directory).is_dir():
        return []
    found = [recorded for recorded in read_log_dir(directory) if recorded.kind == "trial"]
    return [recorded for recorded in found if recorded.run == "." or recorded.run.isdecimal()]
