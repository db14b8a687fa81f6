"""Reads sweeps and trials directly from a log directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tensorboard.context import RequestContext

from tb_lrfinder.checks import check_callable, check_path
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.boundary import contain_errors
from tb_lrfinder.storage.event_file import is_remote
from tb_lrfinder.storage.natural_order import natural_order
from tb_lrfinder.storage.recorded import (
    Recorded,
    RecordedSweep,
    RecordedTrial,
    unreadable,
    with_rows,
)
from tb_lrfinder.storage.run_files import RunFiles
from tb_lrfinder.storage.run_reader import RunReader, displayable

__all__ = ["Recorded", "read_log_dir"]


def read_log_dir(
    log_dir: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None
) -> list[RecordedSweep | RecordedTrial]:
    """Read all sweeps and trials below a log directory, with all rows.

    A run that cannot be read is included, with the `status()` `"failed"` and a `message`.

    Example:

    ```python
    for recorded in read_log_dir("logs"):
        print(recorded.run, recorded.status(), recorded.columns()["loss"])
    ```

    Args:
        log_dir: String or path. Log directory, as passed to `tensorboard --logdir`. May be a URL.
        progress: Callable that receives the number of runs loaded so far and the total number of runs.
            Defaults to `None`.

    Returns:
        A list of `RecordedSweep` and `RecordedTrial`, in natural order of the run names.

    Raises:
        TypeError: If `log_dir` is not a string or a path, or `progress` is not callable.
        ValueError: If `log_dir` is empty.
        FileNotFoundError: If there is no such directory. Remote storage has no directories, so that a URL
            without runs is no error.
    """
    # The same code as in TensorBoard itself; imported here because it is slow to import.
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider

    log_dir = check_path("log_dir", log_dir)
    if progress is not None:
        check_callable("progress", progress, or_none=True)
    if not is_remote(log_dir) and not Path(log_dir).is_dir():
        raise FileNotFoundError(f"`log_dir` must be an existing directory. Received: log_dir={log_dir!r}")
    multiplexer = RunFiles(log_dir)
    names = multiplexer.Runs()
    errors: dict[str, str] = {}
    for done, name in enumerate(names, 1):
        if error := _load(multiplexer, name):
            errors[displayable(name)] = error
        if progress is not None:
            progress(done, len(names))
    reader, ctx = RunReader(MultiplexerDataProvider(multiplexer, log_dir)), RequestContext()
    found = reader.read_runs(ctx, "", [summary.run for summary in reader.list_runs(ctx, "").runs])
    for name in names:
        run = displayable(name)
        if (
            run in errors
            and run not in found
            and any(Path(log_dir, name).glob(f"*{schema.EVENT_FILE_SUFFIX}"))
        ):
            found[run] = with_rows(unreadable(run, errors[run]), {})
    return sorted(found.values(), key=lambda recorded: natural_order(recorded.run))


def _load(multiplexer: RunFiles, name: str) -> str:
    """Load a run and return an error message, or an empty string."""

    def load() -> str:
        multiplexer.GetAccumulator(name).Reload()
        return ""

    return contain_errors(load, str)
