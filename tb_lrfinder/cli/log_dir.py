"""Reads a log directory for a command: quickly, with progress, and with errors that say what to do."""

from __future__ import annotations

import logging
import sys
import types
from pathlib import Path

from tb_lrfinder.cli.terminal import Progress
from tb_lrfinder.storage.reader import Recorded, read_log_dir


def read(log_dir: str) -> list[Recorded]:
    """Every sweep and trial below a log directory, with its rows.

    Raises:
        FileNotFoundError: If there is no such directory, or no sweep or trial in it.
        NotADirectoryError: If it is a file.
    """
    is_remote = "://" in log_dir
    if not is_remote:
        if not Path(log_dir).exists():
            raise FileNotFoundError(
                f"There is no directory {log_dir!r}. Give the one that `tensorboard --logdir` is given."
            )
        if not Path(log_dir).is_dir():
            raise NotADirectoryError(
                f"{log_dir!r} is a file. Give the directory that `tensorboard --logdir` is given; to read a "
                "file of losses use `tb-lrfinder suggest`."
            )
    # Of the stores, TensorFlow's file systems know gs:// but neither s3:// nor others of fsspec.
    if not log_dir.startswith("gs://"):
        spare_tensorflow()
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    found = read_log_dir(log_dir, progress=Progress("Reading runs"))
    if not found:
        raise FileNotFoundError(
            f"There is no sweep or trial below {log_dir!r}. LRFinder writes one with "
            f"LRFinder({str(Path(log_dir) / 'NAME') if not is_remote else log_dir + '/NAME'!r}), and "
            "`tb-lrfinder import` brings losses that were recorded elsewhere."
        )
    return found


def spare_tensorflow() -> None:
    """Have TensorBoard read files by itself, where TensorFlow is installed as well.

    It would import TensorFlow for that, which takes seconds. The module that it looks for is its own way
    to be told; an environment without TensorFlow, as a viewer's, is the same from there on.
    """
    name = "tensorboard.compat.notf"
    sys.modules.setdefault(name, types.ModuleType(name))
