"""Writes columns as CSV, for downloads and for `tb-lrfinder export`."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

from numpy.typing import NDArray

from tb_lrfinder.plugin.csv_cells import text_cell

_ROWS_PER_BATCH: Final = 10_000


class CsvTable:
    """A table with one header, to which the rows of several runs can be added.

    Example:

    ```python
    table = CsvTable(stream, ["step", "loss"], labels=["run"])
    table.add({"step": np.arange(2), "loss": np.array([2.3, 2.1])}, labels=["adam"])
    ```

    Args:
        stream: Text stream to write to.
        names: Names of the columns.
        labels: Names of the leading columns, which hold one text per run. A column with the same name is
            renamed: `metric_run` instead of `run`.
    """

    def __init__(self, stream: TextIO, names: Iterable[str], labels: Sequence[str] = ()) -> None:
        self._names = list(dict.fromkeys(names))
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow([*labels, *map(text_cell, _distinct(self._names, labels))])

    def add(self, columns: Mapping[str, NDArray[Any]], labels: Sequence[str] = ()) -> None:
        """Write rows at full precision. Missing columns are left empty, and texts are spreadsheet-safe."""
        leading = [itertools.repeat(text_cell(label)) for label in labels]
        rows = max(map(len, columns.values()), default=0)
        for start in range(0, rows, _ROWS_PER_BATCH):
            batch = slice(start, start + _ROWS_PER_BATCH)
            cells = [
                columns[name][batch].tolist() if name in columns else itertools.repeat("")
                for name in self._names
            ]
            self._writer.writerows(zip(*leading, *cells, strict=False))


def _distinct(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    taken = {*labels, *names}
    distinct = []
    for name in names:
        if name in labels:
            name = f"metric_{name}"
            while name in taken:
                name = f"metric_{name}"
            taken.add(name)
        distinct.append(name)
    return distinct
