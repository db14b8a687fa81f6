"""Output files that are replaced atomically, and standard output."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tb_lrfinder.cli.terminal import is_closed


@contextlib.contextmanager
def open_output(output: str) -> Iterator[TextIO]:
    """Open a UTF-8 text stream to a file, or to standard output if `output` is `-`.

    A file is written under a temporary name in the same directory and renamed when it is complete. After an
    error or Ctrl-C, an existing file is unchanged.

    Raises:
        OSError: If the output cannot be written to.
    """
    if output == "-":
        if is_closed(sys.stdout):
            raise OSError("Standard output is closed. Pass --output FILE.")
        if not sys.stdout.isatty() and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
        yield sys.stdout
        return
    path = Path(output)
    if path.exists() and not path.is_file():  # /dev/null or a pipe, which cannot be replaced
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
        return
    with _replacement(path.resolve(), output) as stream:  # follow a link instead of replacing it
        yield stream


@contextlib.contextmanager
def _replacement(path: Path, output: str) -> Iterator[TextIO]:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, output) from error
    temporary = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:  # noqa: PTH123
            yield stream
        temporary.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _umask() -> int:
    """Return the umask of the process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
