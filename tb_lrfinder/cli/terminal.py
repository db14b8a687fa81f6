"""What the commands print with: tables, colours where somebody sees them, progress on long work."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import Final, Literal, TextIO

Colour = Literal["bold", "dim", "red", "yellow", "green"]

_CODES: Final[dict[Colour, int]] = {"bold": 1, "dim": 2, "red": 31, "yellow": 33, "green": 32}
_nowhere: list[TextIO] = []  # what stands in for streams that were closed
_PATIENCE: Final = 0.5  # seconds of work that need no progress
_WIDEST_TEXT: Final = 110


def prepare_streams() -> None:
    """Have standard output and error take whatever is printed, wherever they lead.

    What their encoding does not have is written as an escape. A stream that the shell has closed (`>&-`) is
    None to Python; what would go there goes nowhere.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the end
            _nowhere.append(stream)
            setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_closed(stream: TextIO) -> bool:
    """Whether the stream was closed when the command began."""
    return stream in _nowhere


def abandon_streams() -> None:
    """Have Python not complain at its exit about streams that nobody reads or that cannot be written to."""
    for stream in (sys.stdout, sys.stderr):
        if not _can_be_flushed(stream):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _can_be_flushed(stream: TextIO) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def say(text: str) -> None:
    """Print a message to standard error, where it does not end in a file or a pipe."""
    print(text, file=sys.stderr)


def coloured(text: str, colour: Colour | None) -> str:
    """The text in a colour, where standard output is a terminal that wants colours.

    `NO_COLOR` in the environment turns colours off, see https://no-color.org.
    """
    unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if colour is None or unwanted else f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def harmless(text: str) -> str:
    """The text without what a terminal would obey: a log directory may hold anybody's names."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], colours: dict[int, Colour]) -> str:
    """Columns side by side, as wide as they need to be.

    Args:
        header: Names of the columns.
        rows: As many texts each.
        colours: Of columns, by their number.
    """
    rows = [[harmless(text) for text in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(row: Sequence[str], coloured_by: dict[int, Colour]) -> str:
        cells = [
            coloured(text.ljust(width), coloured_by.get(i))
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    lines = [line(header, dict.fromkeys(range(len(header)), "dim"))]
    return "\n".join([*lines, *(line(row, colours) for row in rows)])


def counted(number: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def paragraph(text: str, indent: str) -> str:
    """The text, wrapped to the terminal where there is one."""
    width = min(shutil.get_terminal_size().columns, _WIDEST_TEXT) if sys.stdout.isatty() else _WIDEST_TEXT
    return textwrap.fill(
        harmless(text),
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
    )


class Progress:
    """One line on standard error that is written over, where standard error is a terminal.

    Args:
        what: What is being done, as in "Reading runs".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._start = time.monotonic()
        self._is_seen = sys.stderr.isatty()
        self._written = 0  # signs on the line

    def __call__(self, done: int, total: int) -> None:
        """Say how much is done; nothing where it is done within a moment."""
        if not self._is_seen or time.monotonic() - self._start < _PATIENCE:
            return
        line = f"{self._what}: {done} of {total}" if done < total else ""  # at the end no trace
        # Blanks take a line away on every terminal, also on those that know no codes.
        sys.stderr.write(f"\r{' ' * self._written}\r{line}")
        self._written = len(line)
        sys.stderr.flush()
