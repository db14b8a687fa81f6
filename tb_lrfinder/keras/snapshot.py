"""The state of a training: remembered before a sweep, put back after it."""

from __future__ import annotations

from typing import Any

from tb_lrfinder.keras import backend, random_numbers


class Snapshot:
    """A copy of everything that a training step changes.

    Holds the variables of the model (weights, other state, seed generators) and of its optimizers (slots,
    iterations, learning rate, loss scale), and the random numbers of Python, NumPy, Keras and its backend.
    Metrics are not in it: Keras clears them at the start of every epoch, and History reads them after the
    sweep has ended. A generator, and data that are shuffled anew each time they are read, cannot be rewound.

    Args:
        model: A built model.
        optimizers: Every optimizer that may train it, built.
    """

    def __init__(self, model: Any, optimizers: list[Any]) -> None:
        variables = [*model.variables]
        for optimizer in optimizers:
            variables += optimizer.variables
        self._values = [(variable, backend.copy_of(variable)) for variable in variables]
        self._put_back_random_numbers = random_numbers.remember()

    @property
    def num_bytes(self) -> int:
        """Memory that the copies take."""
        return sum(value.nbytes for _, value in self._values)

    def restore(self) -> None:
        """Put everything back. May be called again, with the same result."""
        for variable, value in self._values:
            variable.assign(value)
        self._put_back_random_numbers()
