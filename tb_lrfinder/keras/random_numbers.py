"""The random numbers that a training draws from: remembered, and put back."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import numpy as np

from tb_lrfinder.keras import backend, internals


def remember() -> Callable[[], None]:
    """Remember the random numbers of Python, NumPy, Keras and its backend; call the result to put them back.

    It may be called again, with the same result.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the one that others draw from
    seed, generator = internals.global_seed(), internals.global_seed_generator()
    state = None if generator is None else backend.copy_of(generator.state)
    put_back_backend = backend.random_state()
    put_back_tensorflow = _tensorflow_seed()

    def put_back() -> None:
        # A generator that was made since then has no place in a training without it.
        if generator is not None:
            generator.state.assign(state)
        internals.set_global_seed_generator(generator)
        internals.set_global_seed(seed)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        put_back_tensorflow()
        put_back_backend()

    return put_back


def _tensorflow_seed() -> Callable[[], None]:
    """`keras.utils.set_random_seed` sets that of TensorFlow on every backend."""
    if "tensorflow" not in sys.modules:
        return lambda: None
    from tensorflow.python.eager import context

    tensorflow = context.context()
    seed, numbers = getattr(tensorflow, "_seed", None), getattr(tensorflow, "_rng", None)

    def put_back() -> None:
        if getattr(tensorflow, "_seed", None) == seed:
            return  # what has been drawn since then is a matter of the backend
        tensorflow._seed = seed
        if numbers is not None:
            tensorflow._rng = numbers  # setting a seed makes new ones
        if getattr(tensorflow, "_context_handle", None) is not None:
            tensorflow.clear_kernel_cache()

    return put_back
