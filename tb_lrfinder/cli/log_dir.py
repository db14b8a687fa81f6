"""Reads the log directory of a subcommand, with progress and errors that say what to do."""

from __future__ import annotations

import logging
import sys
import types
from pathlib import Path

from tb_lrfinder.cli.terminal import Progress
from tb_lrfinder.storage.event_file import is_remote
from tb_lrfinder.storage.reader import Recorded, read_log_dir


def read(log_dir: str) -> list[Recorded]:
    """Read all sweeps and trials in a log directory, with their rows.

    Raises:
        FileNotFoundError: If the directory does not exist, or contains no sweeps and trials.
        NotADirectoryError: If it is a file.
    """
    if not is_remote(log_dir):
        if not Path(log_dir).exists():
            raise FileNotFoundError(
                f"No such directory: {log_dir!r}. Pass the directory used for `tensorboard --logdir`."
            )
        if not Path(log_dir).is_dir():
            raise NotADirectoryError(
                f"{log_dir!r} is a file. Pass the directory used for `tensorboard --logdir`; for a CSV file "
                "of losses use `tb-lrfinder suggest`."
            )
    avoid_tensorflow_import(log_dir)
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    found = read_log_dir(log_dir, progress=Progress("Reading runs"))
    if not found:
        raise FileNotFoundError(
            f"No sweep or trial found in {log_dir!r}. Record one with "
            f"LRFinder({run_directory(log_dir, 'NAME')!r}), or import losses that were recorded elsewhere "
            "with `tb-lrfinder import`."
        )
    return found


def run_directory(log_dir: str, run: str) -> str:
    """Return the directory of a run, which may be a URL."""
    return f"{log_dir.rstrip('/')}/{run}" if is_remote(log_dir) else str(Path(log_dir) / run)


def avoid_tensorflow_import(log_dir: str) -> None:
    """Make TensorBoard access `log_dir` without TensorFlow, whose import takes seconds.

    TensorBoard looks for the module `tensorboard.compat.notf` for this purpose, and then behaves as in an
    environment without TensorFlow.
    """
    # TensorFlow's file systems support gs://, but neither s3:// nor the other file systems of fsspec.
    if log_dir.startswith("gs://"):
        return
    name = "tensorboard.compat.notf"
    sys.modules.setdefault(name, types.ModuleType(name))
