"""The state of a training: remembered before a sweep, put back after it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from tb_lrfinder.keras import backend, internals


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
        # A generator that is made during the sweep has no place in a training without one.
        self._seed_generator = internals.global_seed_generator()
        if self._seed_generator is not None:
            variables.append(self._seed_generator.state)
        self._values = [(variable, backend.copy_of(variable)) for variable in variables]
        self._python_random = random.getstate()
        self._numpy_random = np.random.get_state()  # noqa: NPY002 - the one that other code draws from
        self._put_back_backend_random = backend.random_state()

    @property
    def num_bytes(self) -> int:
        """Memory that the copies take."""
        return sum(value.nbytes for _, value in self._values)

    def restore(self) -> None:
        """Put everything back. May be called again, with the same result."""
        for variable, value in self._values:
            variable.assign(value)
        internals.set_global_seed_generator(self._seed_generator)
        random.setstate(self._python_random)
        np.random.set_state(self._numpy_random)  # noqa: NPY002
        self._put_back_backend_random()
