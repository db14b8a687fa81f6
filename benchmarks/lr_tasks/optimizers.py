"""The optimizers of the tasks: all of Keras', some of them with several settings."""

from __future__ import annotations

from typing import Any

import keras

# Name: Keras' class, its settings, where the grid of learning rates begins to grow from (log10), and how many
# of a hundred tasks train with it.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], float, int]] = {
    "sgd": ("SGD", {}, -1.0, 9),
    "momentum": ("SGD", {"momentum": 0.9}, -1.75, 9),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}, -1.75, 5),
    "heavyball": ("SGD", {"momentum": 0.98}, -2.5, 2),
    "sgdw": ("SGD", {"momentum": 0.9, "weight_decay": 1e-3}, -1.75, 2),
    "adam": ("Adam", {}, -2.25, 15),
    "adam_b2": ("Adam", {"beta_2": 0.95}, -2.25, 3),
    "adam_clipped": ("Adam", {"global_clipnorm": 1.0}, -2.25, 3),
    "amsgrad": ("Adam", {"amsgrad": True}, -2.25, 3),
    "adamw": ("AdamW", {}, -2.25, 9),
    "adamw_decay": ("AdamW", {"weight_decay": 0.1, "beta_2": 0.98}, -2.25, 4),
    "nadam": ("Nadam", {}, -2.25, 4),
    "adamax": ("Adamax", {}, -2.0, 4),
    "rmsprop": ("RMSprop", {}, -2.5, 7),
    "rmsprop_momentum": ("RMSprop", {"momentum": 0.9, "centered": True}, -3.0, 2),
    "lion": ("Lion", {}, -3.25, 6),
    "adagrad": ("Adagrad", {}, -1.25, 5),
    "adadelta": ("Adadelta", {}, 0.25, 3),
    "adafactor": ("Adafactor", {"relative_step": False}, -1.75, 4),
    "ftrl": ("Ftrl", {}, -0.75, 2),
    "lamb": ("Lamb", {}, -1.75, 3),
    "muon": ("Muon", {}, -2.0, 3),
}


def optimizer(name: str) -> Any:
    """A new optimizer, with Keras' default learning rate."""
    kind, settings, _, _ = OPTIMIZERS[name]
    return getattr(keras.optimizers, kind)(**settings)


def identifier(name: str) -> str:
    """What `keras.optimizers.get` takes."""
    return OPTIMIZERS[name][0].lower()


def middle(name: str) -> float:
    """The logarithm of a usual learning rate, a multiple of a quarter."""
    return OPTIMIZERS[name][2]
