"""Overrides the learning rate of an optimizer during a sweep."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tb_lrfinder.keras import internals


def leaf_optimizers(*optimizers: Any) -> list[Any]:
    """The optimizers with a learning rate of their own, each once: those inside a wrapper, or it itself."""
    leaves = (leaf for optimizer in optimizers for leaf in _leaves(optimizer))
    return list({id(leaf): leaf for leaf in leaves}.values())


def _leaves(optimizer: Any) -> list[Any]:
    if hasattr(optimizer, "inner_optimizer"):  # LossScaleOptimizer
        return _leaves(optimizer.inner_optimizer)
    if hasattr(optimizer, "optimizers"):  # MultiOptimizer
        return [leaf for inner in optimizer.optimizers for leaf in _leaves(inner)]
    return [optimizer]


def reference_optimizer(optimizer: Any) -> Any:
    """The optimizer whose learning rate is recorded: the default one of a MultiOptimizer, else the first."""
    leaves = leaf_optimizers(optimizer)
    default = internals.default_optimizer(optimizer)
    return default if any(default is leaf for leaf in leaves) else leaves[0]


def accumulation_steps(*optimizers: Any) -> int:
    """Number of batches until all optimizers have updated their weights."""
    return math.lcm(*(leaf.gradient_accumulation_steps or 1 for leaf in leaf_optimizers(*optimizers)))


def total_iterations(*optimizers: Any) -> int:
    """Number of batches that the optimizers have seen, all added up."""
    return sum(map(internals.iterations, leaf_optimizers(*optimizers)))


def schedule_name(optimizer: Any) -> str | None:
    """Name of the schedule or callable of the learning rate; None if it is a number."""
    own = internals.own_learning_rate(reference_optimizer(optimizer))
    if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
        return type(own).__name__
    if callable(own) and not isinstance(own, keras.Variable):
        return str(getattr(own, "__name__", type(own).__name__))
    return None


def last_applied_lr(optimizer: Any) -> float:
    """The learning rate of the last step; a schedule already returns that of the next step."""
    own = internals.own_learning_rate(optimizer)
    if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
        rate = own(max(internals.iterations(optimizer) - 1, 0))
        return float(keras.ops.convert_to_numpy(rate))
    return internals.current_learning_rate(optimizer)


def round_to_float32(rate: float) -> float:
    """Round to the shortest decimal with the same float32 value: 0.01 for the float32 nearest to it."""
    return float(str(np.float32(rate)))


def relative_rates(*optimizers: Any) -> list[float]:
    """The learning rate of each leaf optimizer relative to that of the reference optimizer of the first.

    Raises:
        ValueError: If the learning rate of the reference optimizer is 0.
    """
    leaves, reference = leaf_optimizers(*optimizers), reference_optimizer(optimizers[0])
    if len(leaves) == 1:
        return [1.0]
    base = internals.current_learning_rate(reference)
    if base == 0:
        kind, first = (
            ("a MultiOptimizer", "its default optimizer")
            if len(leaf_optimizers(optimizers[0])) > 1
            else ("several optimizers", "the first one")
        )
        raise ValueError(
            f"The learning rates of {kind} are scaled relative to that of {first}, which must be positive. "
            f"Received: a learning rate of 0 for {reference.name!r}"
        )
    return [internals.current_learning_rate(leaf) / base for leaf in leaves]


class RampedLearningRate:
    """Makes optimizers read their learning rate from a table, leaving their own learning rate unchanged.

    Keras reads the learning rate of an optimizer through a single method. Overriding it on the instance
    works for floats, schedules and callables alike, and changes no variable. Inside a train step, the method
    returns the rate that the step was given, so that the recorded learning rate is bit for bit the one that
    was applied. Outside, it returns the table entry of the current step as a number.

    Args:
        optimizers: The optimizers to ramp; the first one is the reference, and the others keep their ratio to
            it.
        rates: Learning rate of the reference at each step of the ramp.
    """

    def __init__(self, optimizers: Sequence[Any], rates: npt.NDArray[np.float64]) -> None:
        self._optimizers = list(optimizers)
        self._leaves = leaf_optimizers(*optimizers)
        self._of_reference = len(leaf_optimizers(optimizers[0]))  # which are the first ones
        self._applied: Any = None
        self.used = False
        """Whether a train step has read the learning rate of the reference."""
        self.load(rates)

    def load(self, rates: npt.NDArray[np.float64]) -> None:
        """Start another ramp of the same optimizers, whose ratios may have changed.

        Raises:
            ValueError: If the learning rate of the reference optimizer is 0.
        """
        # Rounded to the dtype of the optimizer; the rounded values are recorded.
        dtype = keras.config.floatx()
        factors = relative_rates(*self._optimizers)
        columns = [keras.ops.convert_to_tensor(rates * factor, dtype=dtype) for factor in factors]
        exact = keras.ops.convert_to_tensor(rates, dtype=dtype)
        self.rates = np.asarray(keras.ops.convert_to_numpy(exact), np.float64)
        self.table = np.stack([keras.ops.convert_to_numpy(column) for column in columns], axis=1)
        """Learning rates by step and leaf optimizer."""
        self._last = len(rates) - 1
        self.step = 0  # of the ramp, on the host

    def attach(self) -> None:
        """Override the learning rate of the optimizers."""
        for index, optimizer in enumerate(self._leaves):
            internals.override_learning_rate(optimizer, self._reader(index))

    def detach(self) -> None:
        """Undo `attach`. Idempotent."""
        for optimizer in self._leaves:
            internals.reset_learning_rate(optimizer)

    def row(self, step: int) -> npt.NDArray[Any]:
        """The learning rates of all leaf optimizers at a step of the ramp; after it, those of its last."""
        row: npt.NDArray[Any] = self.table[min(step, self._last)]
        return row

    @contextlib.contextmanager
    def applied(self, row: Any) -> Iterator[None]:
        """Context of one train step, with the learning rates of `row`, an array or tensor."""
        self._applied = row
        try:
            yield
        finally:
            self._applied = None

    def _reader(self, index: int) -> Any:
        def current_learning_rate() -> Any:
            if self._applied is not None:
                self.used = self.used or index < self._of_reference
                return self._applied[index]
            return keras.ops.convert_to_tensor(self.row(self.step)[index])

        return current_learning_rate
