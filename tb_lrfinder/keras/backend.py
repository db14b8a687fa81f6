"""What differs from one Keras backend to the next."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

SUPPORTED = ("tensorflow", "jax", "torch")


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
    name = keras.backend.backend()
    return {"keras": keras.__version__, name: importlib.import_module(name).__version__}


def steps_are_pure() -> bool:
    """Whether a train step takes the state and returns it, and changes no variable (JAX)."""
    return bool(keras.backend.backend() == "jax")


def sync(model: Any) -> None:
    """Bring the model's variables up to date in the middle of `fit`, and have `fit` read them again.

    On JAX the state of the training is kept apart from the variables; what a callback assigns to them
    counts only after this.
    """
    if getattr(model, "_jax_state", None) is None:
        return
    try:
        model.jax_state_sync()
    except RuntimeError:
        # The step that failed has used the old state up. There is nothing left to bring back, and Keras,
        # which tries the same at the end of `fit`, must not hide the error that matters.
        model._jax_state_synced = True


def device_scope(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Where the variables of a model live: what is made inside is on all of its devices."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow only
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def batch_structure(iterator: Any) -> Any:
    """Shapes and dtypes of the batches that an iterator of the train function will give (TensorFlow).

    The other backends build a model before the first callback is called.
    """
    import tensorflow as tf

    def without_optional(spec: Any) -> Any:
        # Absent inputs, such as a missing sample weight in a list of several, travel as Optional.
        return None if isinstance(spec, tf.OptionalSpec) else spec

    return keras.tree.map_structure(without_optional, iterator.element_spec)


def compiled(
    function: Callable[[Sequence[Any]], Any], model: Any, variables: Sequence[Any]
) -> Callable[[], Any]:
    """`function` of the values of `variables`, compiled as the model's own steps are."""

    def on_values() -> Any:
        return function([variable.value for variable in variables])

    name = keras.backend.backend()
    if name == "torch":
        import torch

        return torch.no_grad()(on_values)  # type: ignore[no-any-return]
    if model.run_eagerly:
        return on_values
    if name == "jax":
        import jax

        pure = jax.jit(function)
        return lambda: pure([variable.value for variable in variables])
    import tensorflow as tf

    compiled_function: Callable[[], Any] = tf.function(
        on_values, autograph=False, jit_compile=model.jit_compile
    )
    return compiled_function


def ends_the_data(error: BaseException) -> bool:
    """Whether `error` only says that there are no more batches."""
    if keras.backend.backend() != "tensorflow":
        return isinstance(error, StopIteration)
    import tensorflow as tf

    return isinstance(error, StopIteration | tf.errors.OutOfRangeError)


def random_state() -> Callable[[], None]:
    """Remember the backend's own random numbers; call the result to put them back."""
    name = keras.backend.backend()
    if name == "torch":
        return _torch_random_state()
    if name == "tensorflow":
        return _tensorflow_random_state()
    return lambda: None  # JAX has none; Keras' seed generators are variables


def _torch_random_state() -> Callable[[], None]:
    import torch

    host = torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def put_back() -> None:
        torch.set_rng_state(host)
        if devices:
            torch.cuda.set_rng_state_all(devices)

    return put_back


def _tensorflow_random_state() -> Callable[[], None]:
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
