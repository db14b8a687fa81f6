"""The arguments of `find_lr` that are not those of `LRFinder`."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tb_lrfinder.checks import check_integer
from tb_lrfinder.keras.learning_rate import accumulation_steps
from tb_lrfinder.keras.sweep.settings import Settings


def verbose_of_fit(verbose: Any) -> Any:
    """`verbose` of a real `fit` as that of `LRFinder`: `"auto"` and 2 become 1."""
    is_two = isinstance(verbose, numbers.Integral) and verbose == 2
    return 1 if is_two or (isinstance(verbose, str) and verbose == "auto") else verbose


def is_read_once(x: Any) -> bool:
    """Whether `x` is a generator, which `fit` can only read once, in one epoch."""
    return hasattr(x, "__next__")


def enough_epochs(
    fit: Mapping[str, Any], x: Any, settings: Settings, optimizers: Sequence[Any]
) -> dict[str, Any]:
    """The argument `epochs` of a `fit` that is long enough for the ramp; empty if it is left as it is.

    An epoch has at least one batch, so as many epochs as batches are enough; the sweep stops on its own. A
    generator has only one epoch: in later ones, Keras repeats its first batch. With `num_steps=None`, the
    ramp is as long as the `fit`.

    Args:
        fit: The arguments of `fit`.
        x: Its data.
        settings: The arguments of `LRFinder`.
        optimizers: Those that the train step is expected to use.
    """
    if settings.num_steps is None or is_read_once(x):
        return {}
    needed = settings.num_steps * settings.batches_per_step * accumulation_steps(*optimizers)
    needed += int(fit.get("initial_epoch", 0))
    given = fit.get("epochs", 1)
    if not isinstance(given, numbers.Integral):
        return {}  # an error of `fit`
    return {"epochs": max(int(given), needed)}


def check_repeats(repeats: Any, x: Any) -> int:
    """Return the argument `repeats` as an int.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is less than 1, or the data can only be read once.
    """
    checked = check_integer("repeats", repeats, at_least=1)
    if checked > 1 and is_read_once(x):
        raise ValueError(
            f"`repeats` must be 1 with a generator, which can only be read once. Received: "
            f"repeats={repeats!r}. Pass arrays, a tf.data.Dataset, a PyDataset or a DataLoader."
        )
    return checked


def check_batch_sizes(batch_sizes: Any, x: Any, fit: Mapping[str, Any]) -> list[int]:
    """Return the argument `batch_sizes` as a list of ints.

    Raises:
        TypeError: If it is not a list of integers.
        ValueError: If a size is out of range or occurs twice, or if `fit` cannot choose the batch size.
    """
    if not isinstance(batch_sizes, Sequence | np.ndarray) or isinstance(batch_sizes, str | bytes):
        raise TypeError(
            f"`batch_sizes` must be a list of integers, or None. Received: batch_sizes={batch_sizes!r}"
        )
    sizes = [check_integer(f"batch_sizes[{i}]", size, at_least=1) for i, size in enumerate(batch_sizes)]
    if not sizes or len(set(sizes)) < len(sizes):
        raise ValueError(
            f"`batch_sizes` must be distinct sizes, at least one. Received: batch_sizes={batch_sizes!r}"
        )
    if "batch_size" in fit:
        raise ValueError(
            "`batch_sizes` takes the place of `batch_size`: pass only one of them. "
            f"Received: batch_sizes={batch_sizes!r}, batch_size={fit['batch_size']!r}"
        )
    samples = _num_samples(x)
    if samples is None:
        raise ValueError(
            "`batch_sizes` must be None unless the data is arrays, which `fit` divides into batches of any "
            f"size. Received: batch_sizes={batch_sizes!r}, with x of type {type(x).__name__}. Call `find_lr` "
            "once for each batch size instead, with data that has batches of this size."
        )
    if max(sizes) > samples:
        raise ValueError(
            f"`batch_sizes` must be at most the number of samples, {samples}. "
            f"Received: batch_sizes={batch_sizes!r}"
        )
    return sizes


def _num_samples(x: Any) -> int | None:
    """Number of samples of arrays; None for all other data."""
    leaves = [leaf for leaf in keras.tree.flatten(x) if leaf is not None]
    shapes = [getattr(leaf, "shape", None) for leaf in leaves]
    if not leaves or isinstance(x, keras.utils.PyDataset) or not all(shapes):
        return None
    return min(int(shape[0]) for shape in shapes if shape)
