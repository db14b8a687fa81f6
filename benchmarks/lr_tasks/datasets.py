"""The data sets of the tasks: real data that packages ship. Each is wholly for training or for test."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import packages

CHARACTERS = 64  # in the alphabet of texts; the rarer ones share the last


@dataclass(frozen=True)
class Data:
    """Inputs and targets.

    Args:
        x: Numbers, or int32 tokens.
        y: Classes (int32), classes of each position, or numbers (float32).
        classes: How many classes; 0 if the targets are numbers.
        tokens: How many kinds of tokens the inputs have; 0 if they are numbers.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    classes: int = 0
    tokens: int = 0


def _classified(x: NDArray[Any], y: NDArray[np.int32], tokens: int = 0) -> Data:
    return Data(x, y, int(y.max()) + 1, tokens)


def keel(name: str, most: int = 6000) -> Callable[[], Data]:
    """A table with classes."""

    def data() -> Data:
        rows = packages.keel(name)
        order = np.random.default_rng(7).permutation(len(rows))[:most]
        x = packages.features([row[:-1] for row in rows])[order]
        return _classified(x, packages.coded([row[-1] for row in rows])[order])

    return data


def letters_of_dna() -> Data:
    """60 letters of DNA: the end or the beginning of a gene, or neither?"""
    rows = packages.keel("splice")
    x = packages.coded([cell for row in rows for cell in row[:-1]]).reshape(len(rows), -1)
    return _classified(x, packages.coded([row[-1] for row in rows]), int(x.max()) + 1)


def r_table(
    name: str,
    target: str,
    without: tuple[str, ...] = (),
    log: bool = False,
    raw: bool = False,
    most: int = 6000,
) -> Callable[[], Data]:
    """A table whose target is a number, standardized unless it is wanted raw."""

    def data() -> Data:
        header, rows = packages.r_table(name)
        rows = [row for row in rows if row[header.index(target)] not in packages.MISSING]
        order = np.random.default_rng(7).permutation(len(rows))[:most]
        rows = [rows[i] for i in order]
        y = packages.numbers([row[header.index(target)] for row in rows])
        assert y is not None
        y = np.log(np.maximum(y, 1e-3)) if log else y
        if not raw:
            y = (y - y.mean()) / y.std()
        used = [i for i, column in enumerate(header) if column not in (target, *without)]
        return Data(packages.features([[row[i] for i in used] for row in rows]), y.astype(np.float32))

    return data


def r_classes(name: str, target: str, without: tuple[str, ...] = ()) -> Callable[[], Data]:
    """A table whose target is a class."""

    def data() -> Data:
        header, rows = packages.r_table(name)
        rows = [row for row in rows if row[header.index(target)] not in packages.MISSING]
        used = [i for i, column in enumerate(header) if column not in (target, *without)]
        x = packages.features([[row[i] for i in used] for row in rows])
        return _classified(x, packages.coded([row[header.index(target)] for row in rows]))

    return data


def housing() -> Data:
    table = np.loadtxt(
        packages.folder("mlxtend") / "data" / "data" / "boston_housing.csv",
        delimiter=",",
        dtype=str,
        skiprows=1,
    )
    rows = table.tolist()
    return Data(packages.features([row[:-1] for row in rows]), np.array(table[:, -1], np.float32))


def mnist(size: int = 14) -> Callable[[], Data]:
    """Handwritten digits, made smaller by averaging."""

    def data() -> Data:
        x, y = packages.mnist()
        by = 28 // size
        x = x.reshape(len(x), size, by, size, by).mean((2, 4))[..., None]
        return _classified(x.astype(np.float32), y)

    return data


def small_digits() -> Data:
    rows = packages.keel("optdigits")
    table = np.array(rows, np.float32)
    return _classified(table[:, :-1].reshape(-1, 8, 8, 1) / 16, table[:, -1].astype(np.int32))


def patches(
    *names: str, size: int = 12, each: int = 700, grey: bool = False, shrink: int = 2
) -> Callable[[], Data]:
    """Patches of pictures; the class is the picture. Standardized over all."""

    def data() -> Data:
        random = np.random.default_rng(7)
        x, y = [], []
        for label, name in enumerate(names):
            picture = packages.photograph(name)[::shrink, ::shrink]
            picture = picture.mean(-1, keepdims=True) if grey else picture
            rows = random.integers(0, picture.shape[0] - size, each)
            columns = random.integers(0, picture.shape[1] - size, each)
            x += [picture[i : i + size, j : j + size] for i, j in zip(rows, columns, strict=True)]
            y += [label] * each
        stack = np.array(x, np.float32)
        return _classified((stack - stack.mean()) / stack.std(), np.array(y, np.int32))

    return data


def faces() -> Data:
    """Faces or not; five places of each picture, since there are only 200."""
    x = packages.faces()
    moved = [x[:, i : i + 22, j : j + 22] for i, j in ((0, 0), (0, 3), (3, 0), (3, 3), (1, 1))]
    small = np.concatenate(moved).reshape(-1, 11, 2, 11, 2).mean((2, 4))[..., None]
    y = np.tile(np.repeat([1, 0], 100), 5).astype(np.int32)
    return _classified(((small - small.mean()) / small.std()).astype(np.float32), y)


def series(name: str, steps: int) -> Callable[[], Data]:
    """Classes of time series, averaged down to so many steps or fewer, standardized per channel."""

    def data() -> Data:
        x, y = packages.series(name)
        by = -(-x.shape[1] // steps)
        whole = x[:, : x.shape[1] // by * by]
        x = whole.reshape(len(x), -1, by, x.shape[2]).mean(2)
        return _classified(((x - x.mean((0, 1))) / (x.std((0, 1)) + 1e-6)).astype(np.float32), y)

    return data


def windows(name: str, column: str, steps: int = 24, differences: bool = False) -> Callable[[], Data]:
    """The next value of a time series from the last ones."""

    def data() -> Data:
        header, rows = packages.r_table(name)
        values = packages.numbers([row[header.index(column)] for row in rows])
        assert values is not None
        values = np.diff(values) if differences else values
        values = (values - values.mean()) / values.std()
        cut = np.lib.stride_tricks.sliding_window_view(values, steps + 1).astype(np.float32)[:6000]
        return Data(cut[:, :-1, None].copy(), cut[:, -1].copy())

    return data


def movements() -> Data:
    """Signs of a sign language: 45 positions of a hand."""
    table = np.array([row[:-1] for row in packages.keel("movement_libras")], np.float32)
    y = packages.coded([row[-1] for row in packages.keel("movement_libras")])
    x = table.reshape(len(table), -1, 2)
    return _classified((x - x.mean()) / x.std(), y)


def gait() -> Data:
    """What sensors at a leg say during two seconds, and next: nine numbers."""
    path = packages.folder("aeon") / "datasets" / "data" / "Daphnet_S06R02E0" / "S06R02E0.csv"
    values = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(1, 10), dtype=np.float32)[::2]
    values = np.clip((values - values.mean(0)) / values.std(0), -5, 5)
    cut = np.lib.stride_tricks.sliding_window_view(values, 25, axis=0)[::1]
    return Data(cut[:, :, :-1].transpose(0, 2, 1).copy(), cut[:, :, -1].copy())


def _letters(text: str) -> NDArray[np.int32]:
    characters, counts = np.unique(np.array(list(text)), return_counts=True)
    kept = characters[np.argsort(-counts, kind="stable")][: CHARACTERS - 1]
    number = {character: i for i, character in enumerate(kept.tolist())}
    return np.array([number.get(character, CHARACTERS - 1) for character in text], np.int32)


def next_letters(text: Callable[[], str], length: int = 24, most: int = 6000) -> Callable[[], Data]:
    """A language model's task: after each character, which is the next?"""

    def data() -> Data:
        letters = _letters(text())
        starts = np.random.default_rng(7).permutation(len(letters) // (length + 1))[:most] * (length + 1)
        cut = letters[starts[:, None] + np.arange(length + 1)]
        return Data(cut[:, :-1], cut[:, 1:], CHARACTERS, CHARACTERS)

    return data


def which_text(texts: Callable[[], list[str]], length: int = 40, each: int = 900) -> Callable[[], Data]:
    """From which text are these characters?"""

    def data() -> Data:
        parts = texts()
        shortest = min(len(part) for part in parts)
        random, x, y = np.random.default_rng(7), [], []
        letters = np.split(_letters("".join(parts)), np.cumsum([len(part) for part in parts])[:-1])
        for label, part in enumerate(letters):
            starts = random.permutation(shortest // length)[:each] * length
            x.append(part[starts[:, None] + np.arange(length)])
            y.append(np.full(len(starts), label, np.int32))
        return _classified(np.concatenate(x), np.concatenate(y), CHARACTERS)

    return data


def _source(*parts: str) -> Callable[[], str]:
    return lambda: packages.source_text(*parts)


def _documentation() -> str:
    text = packages.source_text("pydoc_data/topics.py", characters=800_000)
    return re.sub(r"\s*\\n'\s*'|\\n|'\s+'", "\n", text)


def _names_of_characters() -> str:
    names = (unicodedata.name(chr(point), "") for point in range(0x20, 0x2FFF))
    return "\n".join(name for name in names if name)


def _modules(*parts: str) -> Callable[[], list[str]]:
    return lambda: [packages.source_text(part) for part in parts]


# Data sets that come from the same source go to the same side.
SAME_SOURCE = (("code", "modules", "authors"),)

# Domain: data set: how to get it. The assignment to training and test is by domain, see `declare.py`.
DATASETS: dict[str, dict[str, Callable[[], Data]]] = {
    "classes": {
        **{
            name: keel(name)
            for name in [
                "letter",
                "satimage",
                "penbased",
                "texture",
                "magic",
                "segment",
                "spambase",
                "phoneme",
                "vowel",
                "vehicle",
                "german",
                "contraceptive",
                "ring",
                "banana",
                "chess",
                "marketing",
                "ionosphere",
                "sonar",
                "led7digit",
                "mushroom",
            ]
        },
        "votes": r_classes("Chile", "vote"),
    },
    "numbers": {
        "diamonds": r_table("diamonds", "price", log=True),
        "computers": r_table("Computers", "price"),
        "movies": r_table("movies", "rating", ("title", *(f"r{i}" for i in range(1, 11)))),
        "wages": r_table("Wages", "lwage"),
        "males": r_table("Males", "wage", ("nr",)),
        "visits": r_table("OFP", "ofp", raw=True),
        "contacts": r_table("DoctorContacts", "mdu", raw=True),
        "nox": r_table("NOxEmissions", "LNOx"),
        "hits": r_table("baseball", "h", ("id", "ab", "team")),
        "chains": r_table("flchain", "age", ("chapter", "death"), raw=True),
        "schools": r_table("nlschools", "lang", ("class",), raw=True),
        "quakes": r_table("quakes", "stations", raw=True),
        "housing": housing,
        "personality": r_table("bfi", "age"),
    },
    "images": {
        "mnist": mnist(),
        "optdigits": small_digits,
        "photos": patches("astronaut", "chelsea", "coffee", "rocket"),
        "views": patches("china", "flower", "retina", "hubble_deep_field", "ihc", "motorcycle_left"),
        "textures": patches("brick", "grass", "gravel", "coins", grey=True, shrink=1),
        "greys": patches("camera", "moon", "text", "page", "cell", "clock_motion", grey=True, shrink=1),
        "faces": faces,
    },
    "series": {
        "power": series("ItalyPowerDemand", 24),
        "vowels": series("JapaneseVowels_eq", 29),
        "leaves": series("OSULeaf", 48),
        "arrows": series("ArrowHead", 42),
        "motions": series("BasicMotions", 34),
        "libras": movements,
        "sunspots": windows("sunspot.month", "sunspot.month"),
        "rings": windows("treering", "treering"),
        "gait": gait,
    },
    "text": {
        "dna": letters_of_dna,
        "code": next_letters(_source("asyncio", "json", "logging")),
        "english": next_letters(_documentation),
        "names": next_letters(_names_of_characters),
        "modules": which_text(_modules("asyncio", "email", "ctypes", "lib2to3")),
        "authors": which_text(_modules("unittest", "multiprocessing", "importlib", "distutils", "xml/dom")),
    },
}
