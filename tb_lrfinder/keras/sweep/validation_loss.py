"""The loss on a fixed sample, scored many times in a sweep (Smith, 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import backend, internals

Batch = tuple[Any, Any, Any]  # x, y, sample_weight


class ValidationLoss:
    """Scores a model on a sample that stays the same, and changes nothing of the model.

    One compiled forward pass over the whole sample; every update that the pass would make, to metrics,
    seed generators or batch statistics, is kept from the variables by a `keras.StatelessScope`.

    Args:
        model: A compiled, built model.
        data: See `validation_data` of `LRFinder`.
        samples: At most this many are taken.
        seed: Chooses the samples where there are more.
    """

    def __init__(self, model: Any, data: Any, samples: int, seed: int | None) -> None:
        self._model = model
        batch = fixed_sample(data, samples, seed)
        self._batch = keras.tree.map_structure(_to_tensor, batch)
        self._variables = list(model.variables)
        self._score = backend.compiled(self._forward, model, self._variables)

    def __call__(self) -> float:
        """The loss with the weights of this moment, regularization included, as `evaluate` has it."""
        internals.sync(self._model)
        return float(keras.ops.convert_to_numpy(self._score()))

    def _forward(self, values: Sequence[Any]) -> Any:
        x, y, sample_weight = self._batch
        model = self._model
        # Each variable mapped to its own value: regularizers ask the scope for it.
        with keras.StatelessScope(list(zip(self._variables, values, strict=True)), collect_losses=True):
            y_pred = model(x, training=False)
            return internals.evaluation_loss(model, x, y, y_pred, sample_weight)


def fixed_sample(data: Any, samples: int, seed: int | None) -> Batch:
    """The same samples whenever it is called with the same data, as `(x, y, sample_weight)` of arrays.

    Raises:
        ValueError: If there is nothing in `data`, or no targets.
    """
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(tuple(data))
        total = len(keras.tree.flatten(x)[0])
        # Sorted, so that a sample as large as the data is the data in their own order.
        chosen = np.sort(np.random.default_rng(seed or 0).choice(total, min(samples, total), replace=False))
        batch = keras.tree.map_structure(
            lambda array: None if array is None else _to_numpy(array)[chosen], (x, y, sample_weight)
        )
    else:
        batch = _first_samples(data, samples)
    batch = batch[0], batch[1], batch[2]
    if batch[1] is None or not len(keras.tree.flatten(batch[0])[0]):
        raise ValueError(
            "`validation_data` must have samples and targets: (x, y), (x, y, sample_weight), or a dataset of "
            f"such batches. Received: validation_data={type(data).__name__}"
        )
    return batch


def _first_samples(data: Any, samples: int) -> Batch:
    """The first samples of a dataset that gives batches."""
    batches: list[Batch] = []
    found = 0
    ordered = (
        (data[index] for index in range(len(data))) if isinstance(data, keras.utils.PyDataset) else iter(data)
    )
    for item in ordered:
        batch = keras.utils.unpack_x_y_sample_weight(tuple(item) if isinstance(item, list) else item)
        batches.append(keras.tree.map_structure(_to_numpy, batch))
        found += len(keras.tree.flatten(batches[-1][0])[0])
        if found >= samples:
            break
    if not batches:
        raise ValueError(
            "`validation_data` gave no batches. Pass (x, y), or a dataset that is not exhausted."
        )
    joined: Batch = keras.tree.map_structure(
        lambda *parts: None if parts[0] is None else np.concatenate(parts)[:samples], *batches
    )
    return joined


def _to_numpy(value: Any) -> Any:
    return None if value is None else keras.ops.convert_to_numpy(value)


def _to_tensor(value: Any) -> Any:
    # float64 arrays become what the model computes with, as they do in fit.
    if value is None:
        return None
    floating = np.issubdtype(np.asarray(value).dtype, np.floating)
    return keras.ops.convert_to_tensor(value, dtype=keras.config.floatx() if floating else None)
