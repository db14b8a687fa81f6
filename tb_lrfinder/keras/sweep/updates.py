"""Verifies that the optimizers of a sweep have trained the model."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import keras

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import leaf_optimizers, total_iterations
from tb_lrfinder.keras.sweep.optimizers import COMPILED, SweptOptimizers, optimizers_of

_WITHOUT_UPDATES = ("completed", "diverged", "incomplete")
_WITHOUT_CHANGES = ("completed", "diverged")  # a few rows of tiny learning rates may all round to nothing


class UpdateCheck:
    """Detects sweeps in which the recorded learning rates had no effect.

    In a model with several optimizers for its parts, such as a GAN, `model.optimizer` may be the default one
    that `compile` creates. Sweeping its learning rate has no effect.

    Args:
        model: A compiled model, before the first batch of its sweep.
        optimizers: The optimizers that are swept.
    """

    def __init__(self, model: Any, optimizers: SweptOptimizers) -> None:
        self._model = model
        self._swept = optimizers
        self._reference = optimizers.all[0]
        self._iterations = self._iterations_now()
        self._others = {
            name: total_iterations(other)
            for name, other in (optimizers.by_name | optimizers.others).items()
            if other is not self._reference
        }
        self._scale = self._scale_now()
        self._weights = [(variable, _checksum(variable)) for variable in model.trainable_variables]
        self.names_in_use = optimizers.expected
        """Names of the swept optimizers that have trained the model; known at the end of the sweep."""

    def unused_learning_rate(self) -> RuntimeError:
        """The error for a compiled train step that does not read the learning rate of the optimizer."""
        return RuntimeError(
            f"LRFinder sweeps the learning rate of {self._described()}, which the train step of "
            f"{self._model_class()} does not use. {self._advice()}"
        )

    def error_of_new_optimizer(self) -> RuntimeError | None:
        """Why the sweep is invalid, if a batch has created an optimizer, which has its own learning rate."""
        if self._swept.is_selection:
            return None
        known = {id(other) for other in (self._swept.by_name | self._swept.others).values()}
        created = {
            name: other
            for name, other in optimizers_of(self._model).items()
            if id(other) not in known and total_iterations(other)
        }
        if not created:
            return None
        return RuntimeError(
            f"A batch of the sweep has created {_listed(created)} and trained with it at its own learning "
            f"rate. Create it before the sweep, in `compile()` or `__init__()` of {self._model_class()}, or "
            f"pass LRFinder(..., optimizer={self._swept.reference!r}) to sweep that one alone."
        )

    def error_after(self, stop_reason: str) -> RuntimeError | None:
        """Why a sweep that ended with `stop_reason` is invalid; None if it is valid.

        The variables must be synchronized, and not restored yet.
        """
        before = self._others
        self.names_in_use = tuple(
            name
            for name, optimizer in self._swept.by_name.items()
            if optimizer is self._reference or total_iterations(optimizer) != before.get(name, 0)
        )
        if stop_reason in _WITHOUT_UPDATES and self._iterations_now() == self._iterations:
            if self._scale_now() != self._scale:
                if stop_reason == "incomplete":
                    return None  # the first steps, in which the scale is adjusted
                return RuntimeError(
                    f"{_described(self._reference)} has skipped every batch of the sweep, because its "
                    "gradients were not finite. Check data and loss for overflow, or sweep in float32."
                )
            counts = ", ".join(map(str, dict.fromkeys(self._iterations)))
            return RuntimeError(
                f"LRFinder has swept the learning rate of {self._described()}, "
                f"which the train step of {self._model_class()} does not call: its `iterations` stayed at "
                f"{counts}. {self._advice()}"
            )
        if stop_reason in _WITHOUT_CHANGES and not self._has_changed():
            return RuntimeError(
                f"No weight of {self._model_class()} has changed during the sweep. Either all gradients "
                "are 0: check that the loss depends on the trainable weights. Or the learning rates are too "
                "small for the precision of the weights: pass a larger `end_lr` to `LRFinder`."
            )
        return self.error_of_new_optimizer() if stop_reason in _WITHOUT_UPDATES else None

    def _advice(self) -> str:
        if not self._model.trainable_variables:
            return "The model has no trainable weights: set `trainable = True` on the layers to train."
        others = {name: other for name, other in optimizers_of(self._model).items() if name in self._others}
        updated = [name for name, other in others.items() if total_iterations(other) != self._others[name]]
        names = updated or [name for name in others if name != COMPILED]
        if not names:
            return (
                "Call `self.optimizer.apply(gradients, self.trainable_variables)` in `train_step`, on JAX "
                "`self.optimizer.stateless_apply(...)`."
            )
        found = f"{'Updated instead' if updated else 'The model also has'}: " + _listed(
            {name: others[name] for name in names}
        )
        if keras.backend.backend() == "jax":
            return (
                f"{found}. Pass the optimizer to sweep to `compile`, as in `super().compile(optimizer=...)`, "
                "and use it as `self.optimizer` in `train_step`."
            )
        return (
            f"{found}. Pass LRFinder(..., optimizer={names[0]!r}) to sweep that one alone, or the main "
            "optimizer to `compile`, as in `super().compile(optimizer=...)`, and use it as `self.optimizer` "
            "in `train_step`; the others are then swept in proportion to it."
        )

    def _described(self) -> str:
        name = self._swept.reference
        return f"`{f'model.{name}' if name == COMPILED else name}`, {_described(self._reference)}"

    def _has_changed(self) -> bool:
        if len(self._model.trainable_variables) > len(self._weights):
            return True  # built by the first batch, so that there is nothing to compare with
        return any(before is None or _checksum(variable) != before for variable, before in self._weights)

    def _iterations_now(self) -> list[int]:
        return [internals.iterations(leaf) for leaf in leaf_optimizers(self._reference)]

    def _scale_now(self) -> float | None:
        scale = getattr(self._reference, "dynamic_scale", None)  # of a LossScaleOptimizer
        return None if scale is None else float(scale.numpy())

    def _model_class(self) -> str:
        return type(self._model).__name__


def _listed(optimizers: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}` ({type(one).__name__})" for name, one in optimizers.items())


def _checksum(variable: Any) -> int | None:
    """Checksum of the value of a variable; None if it is sharded across processes."""
    try:
        return zlib.crc32(backend.copy_of(variable).tobytes())
    except RuntimeError:
        return None


def _described(optimizer: Any) -> str:
    return f"{type(optimizer).__name__} {optimizer.name!r}"
