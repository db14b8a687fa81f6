"""What differs from one Keras backend to the next."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import keras

SUPPORTED = ("tensorflow",)


def check() -> None:
    """Raise an error where the active backend is not one that the sweep knows.

    Raises:
        RuntimeError: If Keras runs on another backend than those of `SUPPORTED`.
    """
    name = keras.backend.backend()
    if name not in SUPPORTED:
        raise RuntimeError(
            f"LRFinder works with Keras on {', '.join(SUPPORTED)} in this version, and Keras runs on "
            f"{name!r}. Set the environment variable KERAS_BACKEND before Keras is imported."
        )


def versions() -> dict[str, str]:
    """The versions of Keras and of its backend."""
    import tensorflow as tf

    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def device_scope(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Where the variables of a model live: what is made inside is on all of its devices."""
    scope: contextlib.AbstractContextManager[Any] = model.distribute_strategy.scope()
    return scope


def batch_structure(iterator: Any) -> Any:
    """Shapes and dtypes of the batches that an iterator of the train function will give."""
    import tensorflow as tf

    def without_optional(spec: Any) -> Any:
        # Absent inputs, such as a missing sample weight in a list of several, travel as Optional.
        return None if isinstance(spec, tf.OptionalSpec) else spec

    return keras.tree.map_structure(without_optional, iterator.element_spec)


def compiled(function: Callable[[], Any], model: Any) -> Callable[[], Any]:
    """`function` compiled as the model's own steps are."""
    if model.run_eagerly:
        return function
    import tensorflow as tf

    compiled_function: Callable[[], Any] = tf.function(
        function, autograph=False, jit_compile=model.jit_compile
    )
    return compiled_function


def ends_the_data(error: BaseException) -> bool:
    """Whether `error` only says that there are no more batches."""
    import tensorflow as tf

    return isinstance(error, StopIteration | tf.errors.OutOfRangeError)


def random_state() -> Callable[[], None]:
    """Remember the backend's own random numbers; call the result to put them back."""
    import tensorflow as tf
    from tensorflow.python.eager import context
    from tensorflow.python.ops import stateful_random_ops

    seeds = getattr(context.context(), "_rng", None)  # None unless tf.random.set_seed() was called
    seeds_before = None if seeds is None else seeds.getstate()
    # get_global_generator() would create one, and that draws a random number.
    generator = getattr(stateful_random_ops, "global_generator", None)
    generator_before = None if generator is None else tf.identity(generator.state).numpy()

    def put_back() -> None:
        if seeds is not None:
            seeds.setstate(seeds_before)
            # An operation that draws keeps its place in its stream for as long as it is cached by its seed.
            context.context().clear_kernel_cache()
        if generator is not None:
            generator.state.assign(generator_before)

    return put_back
