"""Verifies that the optimizer of a sweep has trained the model."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import leaf_optimizers

_WITHOUT_UPDATES = ("completed", "diverged", "incomplete")
_WITHOUT_CHANGES = ("completed", "diverged")  # a few rows of tiny learning rates may all round to nothing


class UpdateCheck:
    """Detects sweeps in which the learning rate had no effect.

    In a model with several optimizers for its parts, such as a GAN, `model.optimizer` may be the default one
    that `compile` creates. Sweeping its learning rate has no effect.

    Args:
        model: A compiled, built model, before the first batch of its sweep.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._optimizer = model.optimizer
        self._iterations = self._iterations_now()
        self._others = {name: _iterations(other) for name, other in self._other_optimizers()}
        self._scale = self._scale_now()
        self._weights = [(variable, _checksum(variable)) for variable in model.trainable_variables]

    def unused_learning_rate(self) -> RuntimeError:
        """The error for a compiled train step that does not read the learning rate of the optimizer."""
        return RuntimeError(
            f"LRFinder sweeps the learning rate of `model.optimizer`, {_described(self._optimizer)}, which "
            f"the train step of {self._model_class()} does not use. {self._advice()}"
        )

    def error_after(self, stop_reason: str) -> RuntimeError | None:
        """Why a sweep that ended with `stop_reason` is invalid; None if it is valid.

        The variables must be synchronized, and not restored yet.
        """
        if stop_reason in _WITHOUT_UPDATES and self._iterations_now() == self._iterations:
            if self._scale_now() != self._scale:
                if stop_reason == "incomplete":
                    return None  # the first steps, in which the scale is adjusted
                return RuntimeError(
                    f"{_described(self._optimizer)} has skipped every batch of the sweep, because its "
                    "gradients were not finite. Check data and loss for overflow, or sweep in float32."
                )
            counts = ", ".join(map(str, dict.fromkeys(self._iterations)))
            return RuntimeError(
                f"LRFinder has swept the learning rate of `model.optimizer`, {_described(self._optimizer)}, "
                f"which the train step of {self._model_class()} does not call: its `iterations` stayed at "
                f"{counts}. {self._advice()}"
            )
        if stop_reason in _WITHOUT_CHANGES and not self._has_changed():
            return RuntimeError(
                f"No weight of {self._model_class()} has changed during the sweep. Either all gradients "
                "are 0: check that the loss depends on the trainable weights. Or the learning rates are too "
                "small for the precision of the weights: pass a larger `end_lr` to `LRFinder`."
            )
        return None

    def _advice(self) -> str:
        if not self._model.trainable_variables:
            return "The model has no trainable weights: set `trainable = True` on the layers to train."
        others = dict(self._other_optimizers())
        updated = [name for name, other in others.items() if _iterations(other) != self._others.get(name, 0)]
        names = updated or list(others)
        if not names:
            return (
                "Call `self.optimizer.apply(gradients, self.trainable_variables)` in `train_step`, on JAX "
                "`self.optimizer.stateless_apply(...)`."
            )
        listed = ", ".join(f"`{name}` ({type(others[name]).__name__})" for name in names)
        return (
            f"{'Updated instead' if updated else 'The model also has'}: {listed}. Pass the optimizer to "
            "sweep to `compile`, as in `super().compile(optimizer=...)`, and use it as `self.optimizer` in "
            "`train_step`."
        )

    def _has_changed(self) -> bool:
        if len(self._model.trainable_variables) > len(self._weights):
            return True  # built by the first batch, so that there is nothing to compare with
        return any(before is None or _checksum(variable) != before for variable, before in self._weights)

    def _iterations_now(self) -> list[int]:
        return [internals.iterations(leaf) for leaf in leaf_optimizers(self._optimizer)]

    def _scale_now(self) -> float | None:
        scale = getattr(self._optimizer, "dynamic_scale", None)  # of a LossScaleOptimizer
        return None if scale is None else float(scale.numpy())

    def _other_optimizers(self) -> Iterator[tuple[str, Any]]:
        """Each optimizer once, by its name in the code of the model."""
        seen = {id(self._optimizer)}
        # Private attributes last: on TensorFlow, one of them is a dictionary of all attributes.
        for name, value in sorted(vars(self._model).items(), key=lambda item: item[0].startswith("_")):
            for path, part in _parts(name, value):
                if isinstance(part, keras.optimizers.Optimizer) and id(part) not in seen:
                    seen.add(id(part))
                    yield path, part

    def _model_class(self) -> str:
        return type(self._model).__name__


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{name}[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{name}[{index}]", part) for index, part in enumerate(value))
    else:
        yield name, value


def _iterations(optimizer: Any) -> int:
    return sum(map(internals.iterations, leaf_optimizers(optimizer)))


def _checksum(variable: Any) -> int | None:
    """Checksum of the value of a variable; None if it is sharded across processes."""
    try:
        return zlib.crc32(backend.copy_of(variable).tobytes())
    except RuntimeError:
        return None


def _described(optimizer: Any) -> str:
    return f"{type(optimizer).__name__} {optimizer.name!r}"
