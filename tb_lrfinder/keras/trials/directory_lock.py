"""One process at a time works in a directory: a lock of the operating system, which ends with its process."""

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

# What systems answer where somebody else holds the lock. Anything else means that it cannot be locked at all.
_TAKEN: Final = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class DirectoryInUseError(RuntimeError):
    """Another process, or another thread of this one, holds the lock."""


@contextlib.contextmanager
def directory_lock(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a directory, which is made where there is none.

    The lock is on an open file and belongs to the process: whatever ends the process gives it back, so that a
    file that a crash left behind stops nobody.

    Raises:
        DirectoryInUseError: If somebody else holds it; says who.
        OSError: If the directory cannot be written to.
    """
    path = Path(directory) / LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(path)
    try:
        yield
    finally:
        # Removed while it is still held. On Windows an open file stays, which does no harm.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(file)


def _locked(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
        except OSError as error:
            if error.errno in _TAKEN:
                holder = _holder(file)
                os.close(file)
                raise DirectoryInUseError(holder) from None
            # Such as some network file systems.
            warnings.warn(
                f"{str(path.parent)!r} cannot be locked ({error}): make sure that nobody else uses it.",
                RuntimeWarning,
                stacklevel=4,
            )
            return file
        except BaseException:
            os.close(file)
            raise
        if _is_still(path, file):
            os.ftruncate(file, 0)
            os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())
            return file
        os.close(file)  # whoever held it has removed it in between


def _holder(file: int) -> str:
    with contextlib.suppress(OSError):  # Windows lets nobody else read it
        return os.read(file, 300).decode(errors="replace") or "another process"
    return "another process"


def _is_still(path: Path, file: int) -> bool:
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
