"""Saves and restores the random state of Python, NumPy, Keras and its backend."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from tb_lrfinder.keras import backend, internals


def remember() -> Callable[[], None]:
    """Save the random state of Python, NumPy, Keras and its backend.

    Returns:
        A function that restores it, and may be called several times.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one
    seed, generator = internals.global_seed(), internals.global_seed_generator()
    state = None if generator is None else backend.copy_of(generator.state)
    restore_backend = backend.random_state()

    def restore() -> None:
        # A generator that was created since then is dropped: without the sweep there would be none.
        if generator is not None:
            generator.state.assign(state)
        internals.set_global_seed_generator(generator)
        internals.set_global_seed(seed)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        restore_backend()

    return restore
