"""Tells trials apart: the same fingerprint means the same training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import internals

_HASHED_BYTES = 2**24  # of larger arrays, as many bytes in evenly spaced rows


def fingerprint(model: Any, settings: Mapping[str, Any]) -> str:
    """A digest of a compiled model and of how it is trained.

    The initial weights are in it by their contents, because a checkpoint or another seed changes them. Those
    that a model only makes when it sees data are not. Names of layers and optimizers are left out, because
    Keras counts them up. What cannot be seen from outside is not in it: the code of a layer or of a custom
    train step, and the contents of a data set that is made anew each time it is read.

    Args:
        model: A compiled model, before its training.
        settings: What else decides the training; arrays are taken by their contents.
    """
    described = {
        "model": _model_config(model),
        "weights": [_array(weight, every_byte=True) for weight in model.weights],
        "optimizer": _unnamed(_config(model.optimizer)),
        "loss": _unnamed(_plain(model.loss)),
        "backend": keras.backend.backend(),
        "settings": _plain(settings),
    }
    return hashlib.blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=12).hexdigest()


def _model_config(model: Any) -> Any:
    names = dict.fromkeys(internals.layer_names(model))
    return _renamed(_config(model), {name: f"#{index}" for index, name in enumerate(names)})


def _unnamed(config: Any) -> Any:
    """Without the names of optimizers and losses, those inside others too."""
    if isinstance(config, list):
        return [_unnamed(item) for item in config]
    if isinstance(config, dict):
        return {key: _unnamed(value) for key, value in config.items() if key != "name"}
    return config


def _config(described: Any) -> Any:
    """The configuration of a layer, optimizer, loss or metric, as JSON."""
    kind = f"{type(described).__module__}.{type(described).__qualname__}"
    try:
        config = described.get_config()
    except (NotImplementedError, TypeError, AttributeError):
        return kind
    return [kind, {name: _plain(value) for name, value in config.items()}]


def _plain(value: Any) -> Any:
    """`value` as JSON; what is no JSON is described."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array(value)
    if hasattr(value, "get_config"):
        return _config(value)
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "element_spec"):  # tf.data
        return ["dataset", repr(value.element_spec), int(value.cardinality())]
    described = f"{type(value).__module__}.{type(value).__qualname__}"
    length = len(value) if hasattr(value, "__len__") else None
    return [described, length]


def _array(value: Any, *, every_byte: bool = False) -> Any:
    try:
        array = np.asarray(value if isinstance(value, np.ndarray) else keras.ops.convert_to_numpy(value))
    except (TypeError, ValueError):  # of a kind that this backend does not know
        return [repr(value.shape), str(value.dtype)]
    about = [list(array.shape), str(array.dtype)]
    if array.dtype == object:
        return about
    if array.nbytes > _HASHED_BYTES and array.ndim and not every_byte:
        array = array[:: -(-array.nbytes // _HASHED_BYTES)]
    contents = np.ascontiguousarray(array).view(np.uint8).data if array.size else b""
    return [*about, hashlib.blake2b(contents, digest_size=12).hexdigest()]


def _renamed(config: Any, names: Mapping[str, str]) -> Any:
    if isinstance(config, list):
        return [_renamed(item, names) for item in config]
    if isinstance(config, dict):
        return {key: _renamed(value, names) for key, value in config.items()}
    return names.get(config, config) if isinstance(config, str) else config
