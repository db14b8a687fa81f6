"""The learning rate of a sweep, in place of the one that the optimizer was given."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tb_lrfinder.keras import internals


def leaf_optimizers(optimizer: Any) -> list[Any]:
    """The optimizers that hold a learning rate: those inside a wrapper, or `optimizer` itself."""
    if hasattr(optimizer, "inner_optimizer"):  # LossScaleOptimizer
        return leaf_optimizers(optimizer.inner_optimizer)
    if hasattr(optimizer, "optimizers"):  # MultiOptimizer
        return [leaf for inner in optimizer.optimizers for leaf in leaf_optimizers(inner)]
    return [optimizer]


def reference_optimizer(optimizer: Any) -> Any:
    """The one whose learning rate a sweep is about: of several, the default of their map, else the first."""
    leaves = leaf_optimizers(optimizer)
    default = getattr(getattr(optimizer, "_optimizer_map", None), "default_optimizer", None)
    return default if any(default is leaf for leaf in leaves) else leaves[0]


def accumulation_steps(optimizer: Any) -> int:
    """Batches from one update of the weights to the next."""
    return math.lcm(*(leaf.gradient_accumulation_steps or 1 for leaf in leaf_optimizers(optimizer)))


def schedule_name(optimizer: Any) -> str | None:
    """Name of the schedule or callable that the learning rate comes from; None where it is a number."""
    given = internals.own_learning_rate(reference_optimizer(optimizer))
    if isinstance(given, keras.optimizers.schedules.LearningRateSchedule):
        return type(given).__name__
    if callable(given) and not isinstance(given, keras.Variable):
        return str(getattr(given, "__name__", type(given).__name__))
    return None


def acted_last(optimizer: Any) -> float:
    """The learning rate of the last step; that of a schedule is by now the one of the next."""
    given = internals.own_learning_rate(optimizer)
    if isinstance(given, keras.optimizers.schedules.LearningRateSchedule):
        rate = given(max(internals.iterations(optimizer) - 1, 0))
        return float(keras.ops.convert_to_numpy(rate))
    return internals.current_learning_rate(optimizer)


def shortest(rate: float) -> float:
    """The shortest number that is the same to an optimizer: 0.01 for the float32 nearest to it."""
    return float(str(np.float32(rate)))


def relative_rates(optimizer: Any) -> list[float]:
    """The learning rate of each leaf optimizer as a multiple of the reference's.

    Raises:
        ValueError: If the reference has a learning rate of 0, so that there are no multiples.
    """
    leaves, reference = leaf_optimizers(optimizer), reference_optimizer(optimizer)
    if len(leaves) == 1:
        return [1.0]
    base = internals.current_learning_rate(reference)
    if base == 0:
        raise ValueError(
            "The learning rates of a MultiOptimizer are scaled together, relative to that of its default "
            f"optimizer, and that of {reference.name!r} is 0. Give it a learning rate above 0."
        )
    return [internals.current_learning_rate(leaf) / base for leaf in leaves]


class RampedLearningRate:
    """Makes an optimizer take its learning rate from a table, without touching what it was given.

    The optimizers are asked for their learning rate by one method only; overriding that on the instance
    works for floats, schedules and callables alike, and leaves every variable where it is. Inside a train
    step the answer is the entry of the table that the step was started with, so that the recorded number
    is the one that acted, bit for bit. Outside it is the same entry as a number.

    Args:
        optimizer: A built optimizer.
        rates: Learning rate of each step of the ramp.
    """

    def __init__(self, optimizer: Any, rates: npt.NDArray[np.float64]) -> None:
        # Rounded once, to what the optimizer computes with; the records show the rounded ones.
        dtype = keras.config.floatx()
        self._leaves = leaf_optimizers(optimizer)
        factors = relative_rates(optimizer)
        self._tables = [keras.ops.convert_to_tensor(rates * factor, dtype=dtype) for factor in factors]
        exact = keras.ops.convert_to_tensor(rates, dtype=dtype)
        self.rates = np.asarray(keras.ops.convert_to_numpy(exact), np.float64)
        self._last = len(rates) - 1
        self._acting: list[Any] | None = None
        self.step = 0  # of the ramp, as the host knows it
        self.used = False
        """Whether a train step has asked for it."""

    def attach(self) -> None:
        """Begin to act."""
        for index, optimizer in enumerate(self._leaves):
            # Not by assignment: Keras tracks what is assigned to an optimizer.
            object.__setattr__(optimizer, "_get_current_learning_rate", self._reader(index))

    def detach(self) -> None:
        """Leave the optimizers as they were."""
        for optimizer in self._leaves:
            vars(optimizer).pop("_get_current_learning_rate", None)

    @contextlib.contextmanager
    def acting(self, step: Any) -> Iterator[None]:
        """For the extent of one train step, use the learning rate of the ramp's `step`, number or tensor."""
        if isinstance(step, int):
            self._acting = [table[min(step, self._last)] for table in self._tables]
        else:
            step = keras.ops.minimum(step, self._last)
            self._acting = [keras.ops.take(table, step) for table in self._tables]
        try:
            yield
        finally:
            self._acting = None

    def _reader(self, index: int) -> Any:
        def current_learning_rate() -> Any:
            if self._acting is not None:
                self.used = True
                return self._acting[index]
            return self._tables[index][min(self.step, self._last)]

        return current_learning_rate
