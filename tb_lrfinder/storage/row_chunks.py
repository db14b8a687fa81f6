"""The rows of a run while it runs, in chunks as the event file has them. Needs only numpy."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tb_lrfinder.storage import schema

Chunk = NDArray[np.float32]


@dataclass(frozen=True)
class NewRows:
    """Rows that are to be written.

    Args:
        columns: All columns so far. An early chunk may lack the last ones.
        first_chunk: Number of the first chunk here.
        chunks: Whole ones, also where some of their rows were written before; the last may be open.
        total: All rows of the run.
    """

    columns: tuple[str, ...]
    first_chunk: int
    chunks: list[Chunk] = field(repr=False)
    total: int


class RowChunks:
    """Takes rows from the training and keeps all of them, since a file that is lost is written again.

    Rows of full chunks are kept as the float32 numbers that are written: 20 bytes for a row of a sweep.

    Args:
        columns: Names of the columns, the number of the row first.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._full: list[Chunk] = []
        self._open: list[tuple[float, ...]] = []
        self._lock = threading.Lock()  # held for moments only

    def append(self, row: tuple[float, ...], columns: tuple[str, ...]) -> None:
        """Take one row.

        Args:
            row: The values of the columns.
            columns: All columns so far; those that are new come last.
        """
        with self._lock:
            self._columns = columns
            self._open.append(row)
            if len(self._open) == schema.ROWS_PER_CHUNK:
                self._full.append(self._open_chunk())
                self._open = []

    def since(self, row: int) -> NewRows:
        """The rows from this one on, with those before it in its chunk."""
        with self._lock:
            first = row // schema.ROWS_PER_CHUNK
            chunks = self._full[first:]
            total = len(self._full) * schema.ROWS_PER_CHUNK + len(self._open)
            if self._open and total > row:
                chunks.append(self._open_chunk())
            return NewRows(self._columns, first, chunks, total)

    def _open_chunk(self) -> Chunk:
        width = len(self._columns)
        rows = [row + (math.nan,) * (width - len(row)) for row in self._open]
        with np.errstate(over="ignore"):  # what is too large for a float32 is infinite
            return np.array(rows, np.float64).astype(np.float32)
