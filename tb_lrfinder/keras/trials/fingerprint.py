"""Fingerprint of a trial: equal fingerprints mean equal settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import internals

_HASHED_BYTES = 2**24  # of larger arrays, evenly spaced rows of this total size are hashed


def fingerprint(model: Any, settings: Mapping[str, Any]) -> str:
    """Return a digest of a compiled model and its training settings.

    The digest covers the values of the initial weights, which depend on checkpoints and the seed, except for
    weights that are only created when the model sees data. It does not cover the names of layers and
    optimizers, because Keras numbers them consecutively; the code of layers or of a custom `train_step`; and
    the contents of datasets that are generated while they are read.

    Args:
        model: A compiled model, before training.
        settings: Mapping. All other settings of the training run; arrays are hashed by their contents.
    """
    description = {
        "model": _model_config(model),
        "weights": [_array_digest(weight, every_byte=True) for weight in model.weights],
        "optimizer": _without_names(_config(model.optimizer)),
        "loss": _without_names(_to_json(model.loss)),
        "backend": keras.backend.backend(),
        "settings": _to_json(settings),
    }
    return hashlib.blake2b(json.dumps(description, sort_keys=True).encode(), digest_size=12).hexdigest()


def _model_config(model: Any) -> Any:
    names = dict.fromkeys(internals.layer_names(model))
    return _renamed(_config(model), {name: f"#{index}" for index, name in enumerate(names)})


def _without_names(config: Any) -> Any:
    """Return the configuration without the names of optimizers and losses, including nested ones."""
    if isinstance(config, list):
        return [_without_names(item) for item in config]
    if isinstance(config, dict):
        return {key: _without_names(value) for key, value in config.items() if key != "name"}
    return config


def _config(configurable: Any) -> Any:
    """Return the configuration of a layer, optimizer, loss or metric, as JSON."""
    kind = _qualified_name(type(configurable))
    try:
        config = configurable.get_config()
    except (NotImplementedError, TypeError, AttributeError):
        return kind
    return [kind, {name: _to_json(value) for name, value in config.items()}]


def _to_json(value: Any) -> Any:
    """Return `value` as JSON, with a description of values that are not JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array_digest(value)
    if hasattr(value, "get_config"):
        return _config(value)
    if callable(value) and hasattr(value, "__qualname__"):
        return _qualified_name(value)
    if hasattr(value, "element_spec"):  # tf.data
        return ["dataset", repr(value.element_spec), int(value.cardinality())]
    length = len(value) if hasattr(value, "__len__") else None
    return [_qualified_name(type(value)), length]


def _qualified_name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _array_digest(value: Any, *, every_byte: bool = False) -> Any:
    try:
        array = np.asarray(value if isinstance(value, np.ndarray) else keras.ops.convert_to_numpy(value))
    except (TypeError, ValueError):  # a dtype that this backend does not support
        return [repr(value.shape), str(value.dtype)]
    description = [list(array.shape), str(array.dtype)]
    if array.dtype == object:
        return description
    if array.nbytes > _HASHED_BYTES and array.ndim and not every_byte:
        array = array[:: -(-array.nbytes // _HASHED_BYTES)]
    contents = np.ascontiguousarray(array).view(np.uint8).data if array.size else b""
    return [*description, hashlib.blake2b(contents, digest_size=12).hexdigest()]


def _renamed(config: Any, names: Mapping[str, str]) -> Any:
    if isinstance(config, list):
        return [_renamed(item, names) for item in config]
    if isinstance(config, dict):
        return {key: _renamed(value, names) for key, value in config.items()}
    return names.get(config, config) if isinstance(config, str) else config
