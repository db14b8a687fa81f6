"""What the directory of a trial holds already: one that need not be run again, or one that was cut short."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.recorded import RecordedTrial


def directory_of(log_dir: str, learning_rate: float) -> str:
    """Where the trial of a learning rate goes: `log_dir/0.0123`.

    Of two that are so close that they share it, the second goes to `log_dir/0.0123/2`, as everywhere.
    """
    return str(Path(log_dir) / f"{learning_rate:.3g}")


def finished_trial(directory: str, fingerprint: str) -> RecordedTrial | None:
    """The trial with this fingerprint that has come to its end; None where there is none."""
    for recorded in _trials_in(directory):
        if recorded.config.get("fingerprint") == fingerprint and _is_finished(recorded):
            return recorded
    return None


def set_unfinished_aside(directory: str, fingerprint: str) -> None:
    """Have TensorBoard no longer show the trials with this fingerprint that did not come to their end.

    Their event files keep their data, under a name that readers of event files pass over.
    """
    for recorded in _trials_in(directory):
        if recorded.config.get("fingerprint") != fingerprint or _is_finished(recorded):
            continue
        run = Path(directory) / recorded.run
        for file in run.glob(f"*tfevents*{schema.EVENT_FILE_SUFFIX}"):
            with contextlib.suppress(OSError):  # still open, on Windows: then the new one goes beside it
                file.rename(file.with_name(file.name.replace("tfevents", "unfinished")))


def _is_finished(recorded: RecordedTrial) -> bool:
    """Whether it came to its end and all of its epochs are there, whatever its result says.

    Rows may be missing below a result: those that met a full disk, or were cut out of a copy.
    """
    result, trial = recorded.result or {}, recorded.trial
    if recorded.problem is not None or not len(trial):
        return False
    if trial.epoch.tolist() != list(range(len(trial))) or result.get("epochs") != len(trial):
        return False
    if result.get("stop_reason") == "completed":
        return len(trial) == recorded.planned_steps
    return result.get("stop_reason") == "diverged" and trial.diverged


def _trials_in(directory: str) -> list[RecordedTrial]:
    """Those of the directory itself and of its numbered ones, without whatever else lies deeper."""
    if not Path(directory).is_dir():
        return []
    found = [recorded for recorded in read_log_dir(directory) if isinstance(recorded, RecordedTrial)]
    return [recorded for recorded in found if recorded.run == "." or recorded.run.isdecimal()]
