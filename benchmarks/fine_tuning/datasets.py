"""The data of the fine-tuning tasks: what a network is pre-trained on, and what it is tuned on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.lr_tasks import packages
from benchmarks.lr_tasks.datasets import DATASETS, Data
from benchmarks.lr_tasks.networks import of_first_half, of_second_half

TOKENS = 96  # printable ASCII; all other characters share the first token
LENGTH = 24
_TEXTS = {  # pre-trained on, continued on more of it, and shifted to
    "english": (("pydoc_data/topics.py",), ("asyncio", "logging")),
    "code": (("email", "http", "json"), ("turtle.py", "tkinter", "idlelib")),
}


def data(family: str, mode: str) -> tuple[Data, Data]:
    """What the network of a family is pre-trained on, and what it is tuned on."""
    if family in _TEXTS:
        known, other = (_next_letters(packages.source_text(*parts)) for parts in _TEXTS[family])
        first, second = _parts(known)
        return first, other if mode == "shifted" else second
    whole = next(sets[family] for sets in DATASETS.values() if family in sets)()
    if mode in ("frozen", "all"):
        return of_first_half(whole), of_second_half(whole)
    first, second = _parts(whole)
    return first, shifted(second) if mode == "shifted" else second


def _parts(whole: Data) -> tuple[Data, Data]:
    """Two random halves of the examples."""
    order = np.random.default_rng(11).permutation(len(whole.x))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    return replace(whole, x=whole.x[first], y=whole.y[first]), replace(
        whole, x=whole.x[second], y=whole.y[second]
    )


def shifted(given: Data) -> Data:
    """The same targets, but each input feature has another scale and offset, as of another sensor."""
    random = np.random.default_rng(12)
    shape, deviation = given.x.shape[1:], float(given.x.std())
    scale = np.exp(0.3 * random.normal(size=shape))
    offset = 0.4 * deviation * random.normal(size=shape)
    return replace(given, x=(scale * given.x + offset).astype(np.float32))


def _next_letters(text: str) -> Data:
    """After each character, which is the next?"""
    letters: NDArray[np.int32] = np.array([ord(letter) - 31 for letter in text], np.int32)
    letters = np.where((letters > 0) & (letters < TOKENS), letters, 0).astype(np.int32)
    starts = np.random.default_rng(7).permutation(len(letters) // (LENGTH + 1))[:6000] * (LENGTH + 1)
    cut = letters[starts[:, None] + np.arange(LENGTH + 1)]
    return Data(cut[:, :-1], cut[:, 1:], TOKENS, TOKENS)
