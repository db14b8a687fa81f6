"""Validation loss on a fixed sample, computed at every step (Smith, 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.nested_functions import nested_functions_retraced

Batch = tuple[Any, Any, Any]  # x, y, sample_weight


class ValidationLoss:
    """Computes the loss of a model on a fixed sample without changing the model.

    One compiled forward pass over the whole sample. A `keras.StatelessScope` discards all updates of the
    pass, such as those of metrics, seed generators and batch statistics.

    Args:
        model: A compiled, built model.
        data: See `validation_data` of `LRFinder`.
        samples: Maximum number of samples.
        seed: Seed for drawing the samples if there are more.
    """

    def __init__(self, model: Any, data: Any, samples: int, seed: int | None) -> None:
        self._model = model
        batch = fixed_sample(data, samples, seed)
        self._batch = keras.tree.map_structure(_to_tensor, batch)
        self._variables = list(model.variables)
        self._score = backend.compiled(self._forward, model, self._variables)

    def __call__(self) -> float:
        """The current loss including regularization, as in `evaluate`."""
        internals.sync(self._model)
        return float(keras.ops.convert_to_numpy(self._score()))

    def _forward(self, values: Sequence[Any]) -> Any:
        x, y, sample_weight = self._batch
        model = self._model
        # Each variable is mapped to its own value, which regularizers read from the scope.
        scope = keras.StatelessScope(list(zip(self._variables, values, strict=True)), collect_losses=True)
        with scope, nested_functions_retraced(model):
            y_pred = model(x, training=False)
            return internals.evaluation_loss(model, x, y, y_pred, sample_weight)


def fixed_sample(data: Any, samples: int, seed: int | None) -> Batch:
    """The samples as arrays `(x, y, sample_weight)`, the same for each call with the same data.

    Raises:
        ValueError: If `data` has no samples or no targets.
    """
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(tuple(data))
        total = len(keras.tree.flatten(x)[0])
        # Sorted, so that a sample as large as the data keeps the order of the data.
        chosen = np.sort(np.random.default_rng(seed or 0).choice(total, min(samples, total), replace=False))
        batch = keras.tree.map_structure(
            lambda array: None if array is None else _to_numpy(array)[chosen], (x, y, sample_weight)
        )
    else:
        batch = _first_samples(data, samples)
    batch = batch[0], batch[1], batch[2]
    if batch[1] is None or not len(keras.tree.flatten(batch[0])[0]):
        raise ValueError(
            "`validation_data` must be (x, y), (x, y, sample_weight), or a dataset of such batches, with "
            f"samples and targets. Received: validation_data of type {type(data).__name__}"
        )
    return batch


def _first_samples(data: Any, samples: int) -> Batch:
    """The first samples of a dataset of batches."""
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
            "`validation_data` must yield at least one batch. Pass (x, y), or a dataset that is not "
            f"exhausted. Received: validation_data of type {type(data).__name__}"
        )
    joined: Batch = keras.tree.map_structure(
        lambda *parts: None if parts[0] is None else np.concatenate(parts)[:samples], *batches
    )
    return joined


def _to_numpy(value: Any) -> Any:
    return None if value is None else keras.ops.convert_to_numpy(value)


def _to_tensor(value: Any) -> Any:
    # Floating-point arrays get the dtype of the model, as in fit.
    if value is None:
        return None
    floating = np.issubdtype(np.asarray(value).dtype, np.floating)
    return keras.ops.convert_to_tensor(value, dtype=keras.config.floatx() if floating else None)
