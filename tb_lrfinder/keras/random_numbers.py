"""Saves, restores and advances the random state of Python, NumPy, Keras and its backend."""

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


def advance() -> None:
    """Continue all random numbers elsewhere, in a way that only depends on their current state.

    What `fit` shuffles next is then in another order, also on TensorFlow: with a global seed, it shuffles the
    data of each `fit` in the same order, whatever has been drawn before.
    """
    random.seed(random.getrandbits(64))
    np.random.seed(np.random.randint(2**31))  # noqa: NPY002 - the global one
    generator = internals.global_seed_generator()
    if generator is not None:
        generator.next()
    backend.advance_random_state()
