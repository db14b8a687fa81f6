"""Where the commands write to: a file that is there whole or not at all, or standard output."""

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
def written(output: str) -> Iterator[TextIO]:
    """A text stream to a file, or to standard output where `output` is `-`; always UTF-8.

    A file is written beside its place under another name, and renamed when it is done: whatever happens
    before, Ctrl-C included, what was there stays as it was.

    Raises:
        OSError: If it cannot be written to.
    """
    if output == "-":
        if is_closed(sys.stdout):
            raise OSError("Standard output is closed, so that nothing can be written. Give --output FILE.")
        if not sys.stdout.isatty() and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
        yield sys.stdout
        return
    path = Path(output)
    if path.exists() and not path.is_file():  # /dev/null, a pipe: nothing that could be renamed
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
        return
    with _beside(path.resolve(), output) as stream:  # a link keeps pointing to it
        yield stream


@contextlib.contextmanager
def _beside(path: Path, output: str) -> Iterator[TextIO]:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, output) from error
    part = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:  # noqa: PTH123
            yield stream
        part.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _umask() -> int:
    """What the process takes from the permissions of new files; the only way to know is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
