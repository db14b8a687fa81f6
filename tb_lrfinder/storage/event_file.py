"""Event file of a run, in a local directory or a remote store."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from tb_lrfinder.storage.local_event_file import LocalEventFile, open_local
from tb_lrfinder.storage.remote_event_file import (
    REMOTE_TIMEOUT_SECONDS,
    RemoteEventFile,
    open_remote,
    run_with_timeout,
)

EventFile: TypeAlias = LocalEventFile | RemoteEventFile


def is_remote(directory: str) -> bool:
    """Return whether the directory is a URL."""
    return "://" in directory


def open_run_directory(log_dir: str) -> EventFile:
    """Claim `log_dir`, or the first free one of `log_dir/2`, `log_dir/3`, ..., and open its event file.

    TensorBoard would merge two runs in one directory, so the claim must also hold across processes. Creating
    a numbered directory is atomic; in `log_dir` itself, which may already exist, a process that finds another
    event file next to its own gives way. Remote stores offer no such guarantee: runs that start in the same
    second need separate directories.

    Raises:
        ImportError: If a package for a remote `log_dir` is not installed.
        ValueError: If TensorBoard does not support the scheme of the URL.
        NotADirectoryError: If `log_dir` is a file.
        PermissionError: If `log_dir` is not writable.
        OSError: If it cannot be reached.
    """
    with errors_name_log_dir(log_dir):
        if is_remote(log_dir):
            return run_with_timeout(REMOTE_TIMEOUT_SECONDS, lambda: open_remote(log_dir.rstrip("/")))
        return open_local(log_dir)


@contextlib.contextmanager
def errors_name_log_dir(log_dir: str) -> Iterator[None]:
    """Convert file system errors into errors that name the argument."""
    with _remote_errors(log_dir) if is_remote(log_dir) else _local_errors(log_dir):
        yield


@contextlib.contextmanager
def _remote_errors(log_dir: str) -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise
    except ImportError as error:  # often raised by fsspec, without the URL
        raise ImportError(
            f"A package required for `log_dir` is not installed: {error}. Received: log_dir={log_dir!r}. "
            "Install it with `pip install 'tb_lrfinder[remote]'`. Schemes other than s3 also need the fsspec "
            "package for that scheme, such as gcsfs for gs."
        ) from error
    except Exception as error:
        raise OSError(
            f"`log_dir` must be a reachable and writable URL. Received: log_dir={log_dir!r} ({error}). Check "
            "the URL, the network and your credentials, or use a local directory."
        ) from error


@contextlib.contextmanager
def _local_errors(log_dir: str) -> Iterator[None]:
    if re.match(r"[a-z][a-z0-9+.-]+:/[^/]", log_dir):
        raise ValueError(
            f"`log_dir` must be a directory or a URL. Received: log_dir={log_dir!r}. Pass URLs as strings: a "
            "path object removes one of the slashes."
        )
    existing = Path(log_dir)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if existing.exists() and not existing.is_dir():
        raise NotADirectoryError(
            f"`log_dir` must be a directory. Received: log_dir={log_dir!r}, but {str(existing)!r} is a file. "
            "Use another directory, or remove the file."
        )
    try:
        yield
    except Exception as error:
        kind = PermissionError if not os.access(existing, os.W_OK) else OSError
        raise kind(
            f"`log_dir` must be a writable directory. Received: log_dir={log_dir!r} ({error}). Use another "
            "directory, or grant write permission."
        ) from error
