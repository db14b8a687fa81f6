"""The data of the tasks of `regret_tasks.py`: those of scikit-learn, and some made up here. No downloads.

All random numbers are fixed. Inputs come standardized or scaled, targets as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Arrays = tuple[NDArray[Any], NDArray[Any]]


def _standardized(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((x - x.mean(0)) / (x.std(0) + 1e-8), np.float32)


def table(load: Callable[[], Any]) -> Callable[[], Arrays]:
    """A data set of scikit-learn with standardized features."""

    def data() -> Arrays:
        bunch = load()
        x, y = (bunch.data, bunch.target) if hasattr(bunch, "data") else bunch
        return _standardized(x), y

    return data


def generated(make: str, **settings: Any) -> Callable[[], Arrays]:
    """A data set of one of scikit-learn's generators."""

    def data() -> Arrays:
        x, y = getattr(datasets, f"make_{make}")(random_state=7, **settings)[:2]
        return _standardized(x), y

    return data


def digits(images: bool = False, wrong_labels: float = 0.0) -> Callable[[], Arrays]:
    def data() -> Arrays:
        bunch = datasets.load_digits()
        x = np.asarray(bunch.images if images else bunch.data, np.float32) / 16
        random = np.random.default_rng(7)
        wrong = random.random(len(x)) < wrong_labels
        y = np.where(wrong, random.integers(0, 10, len(x)), bunch.target)
        return (x[..., None] if images else x), y

    return data


def digits_to_themselves() -> Arrays:
    x = np.asarray(datasets.load_digits().data, np.float32) / 16
    return x, x


def two_spirals() -> Arrays:
    random = np.random.default_rng(7)
    y = np.arange(1200) % 2
    turn = 3 * np.pi * np.sqrt(random.random(1200))
    x = np.stack([turn * np.cos(turn + np.pi * y), turn * np.sin(turn + np.pi * y)], 1)
    return _standardized(x + 0.3 * random.normal(size=x.shape)), y


def noisy_sine() -> Arrays:
    random = np.random.default_rng(7)
    x = random.uniform(-3, 3, (1000, 1))
    return x.astype(np.float32), np.sin(2 * x[:, 0]) + 0.2 * random.normal(size=1000)


def counts() -> Arrays:
    """Counts whose logarithm is a smooth function of four features."""
    random = np.random.default_rng(7)
    x = random.normal(size=(1500, 4))
    rate = np.exp(0.8 * x[:, 0] - 0.5 * x[:, 1] * x[:, 2] + 0.5 * np.sin(2 * x[:, 3]))
    return x.astype(np.float32), random.poisson(np.minimum(rate, 20))


def bags_of_words() -> Arrays:
    """Which of six topics do 20 words speak of, of a vocabulary of 300?"""
    random = np.random.default_rng(7)
    y = random.integers(0, 6, 1800)
    weights = random.gamma(0.1, size=(6, 300))
    words = [random.choice(300, 20, p=0.5 * weights[k] / weights[k].sum() + 0.5 / 300) for k in y]
    return np.array(words, np.int32), y


def first_and_last() -> Arrays:
    """Is the first of 12 tokens the same as the last?"""
    random = np.random.default_rng(7)
    x = random.integers(0, 4, (1600, 12))
    x[::2, -1] = x[::2, 0]
    return x.astype(np.int32), x[:, 0] == x[:, -1]


def sum_of_signs() -> Arrays:
    """Is the sum of 20 noisy signs positive?"""
    random = np.random.default_rng(7)
    signs = random.choice([-1.0, 1.0], (1600, 20, 1))
    noisy = signs + 0.3 * random.normal(size=signs.shape)
    return noisy.astype(np.float32), signs.sum((1, 2)) > 0


def adding() -> Arrays:
    """The sum of the two marked numbers of 12."""
    random = np.random.default_rng(7)
    numbers, marks = random.random((1600, 12)), np.zeros((1600, 12))
    marks[np.arange(1600), random.integers(0, 6, 1600)] = 1
    marks[np.arange(1600), random.integers(6, 12, 1600)] = 1
    return np.stack([numbers, marks], 2).astype(np.float32), (numbers * marks).sum(1)


def wave_forms() -> Arrays:
    """Sine, square or saw tooth, 32 samples with noise."""
    random = np.random.default_rng(7)
    y = random.integers(0, 3, 1200)
    phase = random.random((1200, 1)) + np.arange(32) * random.uniform(0.05, 0.15, (1200, 1))
    sine = np.sin(2 * np.pi * phase)
    x = np.select([y[:, None] == 0, y[:, None] == 1], [sine, np.sign(sine)], 2 * (phase % 1) - 1)
    return (x + 0.5 * random.normal(size=x.shape)).astype(np.float32)[..., None], y


def bars() -> Arrays:
    """Images of 10 x 10 with a bar: upright, lying, or one of the two diagonals."""
    random = np.random.default_rng(7)
    y = random.integers(0, 4, 1200)
    row, column = np.mgrid[:10, :10]
    distance = np.stack([column - 4.5, row - 4.5, (row - column) / 1.4, (row + column - 9) / 1.4])[y]
    x = np.abs(distance - random.uniform(-3, 3, (1200, 1, 1))) < 1
    return (x + 0.7 * random.normal(size=x.shape)).astype(np.float32)[..., None], y


def rings() -> Arrays:
    """Three rings around each other."""
    random = np.random.default_rng(11)
    y = random.integers(0, 3, 1200)
    radius = 1 + y + 0.25 * random.normal(size=1200)
    angle = random.uniform(0, 2 * np.pi, 1200)
    return _standardized(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)), y


def checkerboard() -> Arrays:
    x = np.random.default_rng(11).uniform(-2, 2, (1500, 2))
    return x.astype(np.float32), np.floor(x).sum(1) % 2


def parity() -> Arrays:
    """The parity of three of eight signs."""
    x = np.random.default_rng(11).choice([-1.0, 1.0], (1200, 8))
    return x.astype(np.float32), x[:, 0] * x[:, 2] * x[:, 5] > 0


def trends() -> Arrays:
    """The slope of a line under a random walk."""
    random = np.random.default_rng(11)
    slope = random.normal(size=(1200, 1))
    walk = np.cumsum(random.normal(size=(1200, 24)), 1)
    return (slope * np.linspace(-1, 1, 24) + 0.8 * walk / 5).astype(np.float32)[..., None], slope[:, 0]


def spots() -> Arrays:
    """Images of 10 x 10 with a bright spot in one of the corners or in the middle."""
    random = np.random.default_rng(11)
    y = random.integers(0, 5, 1200)
    centre = np.array([[2, 2], [2, 7], [7, 2], [7, 7], [4.5, 4.5]])[y] + random.normal(size=(1200, 2))
    places = np.mgrid[:10, :10].transpose(1, 2, 0)[None]
    bright = np.exp(-((places - centre[:, None, None]) ** 2).sum(-1) / 4)
    return (bright + 0.4 * random.normal(size=bright.shape)).astype(np.float32)[..., None], y


def frequent_tokens() -> Arrays:
    """Which of four tokens is likelier than the others in a sequence of 16?"""
    random = np.random.default_rng(11)
    y = random.integers(0, 4, 1600)
    shares = np.full((4, 6), 0.14)
    shares[np.arange(4), np.arange(4)] = 0.3
    shares /= shares.sum(1, keepdims=True)
    return np.array([random.choice(6, 16, p=shares[k]) for k in y], np.int32), y


def raw_targets() -> Arrays:
    """A smooth function with a mean of 50 and a standard deviation of about 20."""
    random = np.random.default_rng(11)
    x = random.normal(size=(1000, 8))
    y = 50 + 10 * x[:, 0] * x[:, 1] + 20 * np.tanh(x[:, 2]) + 5 * random.normal(size=1000)
    return x.astype(np.float32), y
