"""Builds the optimizer of a model before its first training step."""

from __future__ import annotations

from typing import Any

import keras

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.sweep import trained_state
from tb_lrfinder.keras.sweep.unbuilt import Unbuilt


def build_optimizer(model: Any) -> list[Unbuilt]:
    """Build the optimizer of a model, which `fit` would do with the first batch, if all weights are known.

    Args:
        model: A compiled model.

    Returns:
        What was not built before, to be restored. Empty if the optimizer was built.
    """
    optimizer = model.optimizer
    if optimizer.built:
        return []
    unbuilt = [Unbuilt(each) for each in trained_state.find(optimizer).unbuilt]
    if internals.has_built_layers(model):
        with keras.name_scope(optimizer.name, caller=optimizer):
            optimizer.build(model.trainable_variables)
    return unbuilt
