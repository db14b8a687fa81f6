"""Finds finished trials to reuse, and unfinished trials to replace, in a log directory."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.recorded import RecordedTrial


def run_directory(log_dir: str, learning_rate: float) -> str:
    """Return the run directory of a learning rate: `log_dir/0.0123`.

    Learning rates that only differ in further digits share it: the second trial is written to
    `log_dir/0.0123/2`, as any second run in a directory.
    """
    return str(Path(log_dir) / f"{learning_rate:.3g}")


def finished_trial(directory: str, fingerprint: str) -> RecordedTrial | None:
    """Return the finished trial with this fingerprint, or `None`."""
    for recorded in _trials_in(directory):
        if recorded.config.get("fingerprint") == fingerprint and _is_finished(recorded):
            return recorded
    return None


def hide_unfinished_trials(directory: str, fingerprint: str) -> None:
    """Hide unfinished trials with this fingerprint from TensorBoard.

    Their event files are renamed so that readers of event files ignore them; no data is deleted.
    """
    for recorded in _trials_in(directory):
        if recorded.config.get("fingerprint") != fingerprint or _is_finished(recorded):
            continue
        run = Path(directory) / recorded.run
        for file in run.glob(f"*tfevents*{schema.EVENT_FILE_SUFFIX}"):
            # On Windows an open file cannot be renamed; the new trial is then a second run.
            with contextlib.suppress(OSError):
                file.rename(file.with_name(file.name.replace("tfevents", "unfinished")))


def _is_finished(recorded: RecordedTrial) -> bool:
    """Whether the trial finished and all its epochs are present.

    The result alone does not suffice: rows may be missing after a full disk, or in an incomplete copy.
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
    """Return the trials in the directory and its numbered subdirectories, but not in any others."""
    if not Path(directory).is_dir():
        return []
    found = [recorded for recorded in read_log_dir(directory) if isinstance(recorded, RecordedTrial)]
    return [recorded for recorded in found if recorded.run == "." or recorded.run.isdecimal()]
