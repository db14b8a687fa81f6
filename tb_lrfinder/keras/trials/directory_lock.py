"""Locks a directory for one process, with a lock of the operating system that ends with the process."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LOCK_FILE: Final = ".lr_finder.lock"

# Errors of a lock that is already held. Any other error means that the file system does not support locks.
_ALREADY_LOCKED: Final = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class DirectoryInUseError(RuntimeError):
    """Raised if another process, or another thread of this process, holds the lock."""


@contextlib.contextmanager
def directory_lock(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a directory, which is created if it does not exist.

    The lock belongs to an open file, so the operating system releases it when the process ends for any
    reason: a lock file that remains after a crash does not block the directory.

    Raises:
        DirectoryInUseError: If the lock is already held; the message names the holder.
        OSError: If the directory cannot be written to.
    """
    path = Path(directory) / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _open_locked(path)
    try:
        yield
    finally:
        # Removed while still locked. Windows cannot remove an open file, which is harmless.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(file)


def _open_locked(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
        except OSError as error:
            if error.errno in _ALREADY_LOCKED:
                holder = _holder(file)
                os.close(file)
                raise DirectoryInUseError(holder) from None
            # For example on some network file systems.
            warnings.warn(
                f"{str(path.parent)!r} cannot be locked ({error}). Make sure that no other process uses it.",
                RuntimeWarning,
                stacklevel=4,
            )
            return file
        except BaseException:
            os.close(file)
            raise
        if _is_same_file(path, file):
            os.ftruncate(file, 0)
            os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())
            return file
        os.close(file)  # the previous holder removed it before it was locked here


def _holder(file: int) -> str:
    with contextlib.suppress(OSError):  # other processes cannot read a locked file on Windows
        return os.read(file, 300).decode(errors="replace") or "another process"
    return "another process"


def _is_same_file(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
