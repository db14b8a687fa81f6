"""The rows of a run while it is recorded, in the chunks of the event file. Depends only on NumPy."""

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
    """Rows to write.

    Args:
        columns: All columns so far. Early chunks may lack the last ones.
        first_chunk: Index of the first chunk.
        chunks: Whole chunks, even if some of their rows were written before; the last may be incomplete.
        total: Number of rows of the run.
    """

    columns: tuple[str, ...]
    first_chunk: int
    chunks: list[Chunk] = field(repr=False)
    total: int


class RowChunks:
    """Collects the rows of a training run. Keeps all of them, since a lost file is written again.

    Full chunks are kept as float32 arrays, as they are written: 20 bytes per row of a sweep.

    Args:
        columns: Names of the columns, starting with the row index.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._full: list[Chunk] = []
        self._open: list[tuple[float, ...]] = []
        self._lock = threading.Lock()  # only held briefly

    def append(self, row: tuple[float, ...], columns: tuple[str, ...]) -> None:
        """Add one row.

        Args:
            row: The values of the columns.
            columns: All columns so far, new ones last.
        """
        with self._lock:
            self._columns = columns
            self._open.append(row)
            if len(self._open) == schema.ROWS_PER_CHUNK:
                self._full.append(self._open_chunk())
                self._open = []

    def since(self, row: int) -> NewRows:
        """Return the rows starting with this one, and the earlier ones in its chunk."""
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
        with np.errstate(over="ignore"):  # values that overflow a float32 are infinite
            return np.array(rows, np.float64).astype(np.float32)
