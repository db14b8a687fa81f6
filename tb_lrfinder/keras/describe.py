"""Describes the model and its optimizer for the event file."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import backend
from tb_lrfinder.keras.learning_rate import leaf_optimizers, reference_optimizer
from tb_lrfinder.storage.schema import ModelConfig
from tb_lrfinder.version import __version__


def describe(model: Any, batch_size: int | None, optimizers: Sequence[Any] = ()) -> ModelConfig:
    """The description of a compiled model.

    Args:
        model: A compiled model.
        batch_size: The batch size of its `fit`.
        optimizers: The optimizers that train it, the main one first. Defaults to `model.optimizer`.
    """
    optimizers = optimizers or [model.optimizer]
    optimizer = reference_optimizer(optimizers[0])
    names = [type(leaf).__name__ for leaf in leaf_optimizers(*optimizers)]
    return {
        "optimizer": "+".join(dict.fromkeys(names)),
        "optimizer_settings": _settings(optimizer),
        "model": model_name(model),
        "parameters": int(sum(int(np.prod(variable.shape)) for variable in model.weights)),
        "batch_size": batch_size,
        "loss": loss_name(model.loss),
        "versions": {
            "tb_lrfinder": __version__,
            **backend.versions(),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def model_name(model: Any) -> str:
    """The name of the model, without the number that Keras appends to automatic names.

    Without it, sweeps of the same architecture have the same model name.
    """
    name = str(model.name)
    numbered = re.fullmatch(r"(.+)_\d+", name)
    if numbered and numbered[1].replace("_", "") == type(model).__name__.lower():
        return numbered[1]
    return name


def loss_name(loss: Any) -> str:
    """The loss that was passed to `compile`, as a string."""
    if loss is None:
        return "none"
    if isinstance(loss, str):
        return loss
    if isinstance(loss, dict):
        return ", ".join(f"{output}: {loss_name(value)}" for output, value in loss.items())
    if isinstance(loss, list | tuple):
        return ", ".join(loss_name(value) for value in loss)
    if isinstance(loss, keras.losses.Loss):
        return type(loss).__name__
    return str(getattr(loss, "__name__", type(loss).__name__))


def _settings(optimizer: Any) -> dict[str, Any]:
    """The configuration of the optimizer as JSON values, without the learning rate."""
    try:
        config = optimizer.get_config()
    except NotImplementedError:
        return {}
    settings = {}
    for key, value in config.items():
        if key in ("name", "learning_rate") or value is None:
            continue
        try:
            settings[key] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            settings[key] = str(value)
    return settings
