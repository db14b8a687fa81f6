"""Backend-specific code."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import keras

SUPPORTED = ("tensorflow", "jax", "torch")


def check() -> None:
    """Check that the active backend is supported.

    Raises:
        RuntimeError: If it is not one of `SUPPORTED`.
    """
    name = keras.backend.backend()
    if name not in SUPPORTED:
        raise RuntimeError(
            f"LRFinder supports the Keras backends {', '.join(SUPPORTED)}, but the active backend is "
            f"{name!r}. Set the environment variable KERAS_BACKEND before importing Keras."
        )


def check_workers() -> None:
    """Refuse multi-worker training on TensorFlow.

    `fit` itself fails there before it calls any callback, and its error does not name the cause.

    Raises:
        RuntimeError: If a MultiWorkerMirroredStrategy has more than one worker.
    """
    if keras.backend.backend() != "tensorflow":
        return
    from tensorflow.python.eager import context

    # Set by the strategy, which has no public accessor. This must not initialize TensorFlow.
    server = getattr(context.context_safe(), "_collective_ops_server_def", None)
    workers = 1 if server is None else sum(len(job.tasks) for job in server.cluster.job)
    if workers > 1:
        raise RuntimeError(
            f"Keras 3 does not support tf.distribute.MultiWorkerMirroredStrategy with {workers} workers: "
            "`fit` fails before the first step, with or without LRFinder (keras-team/keras#20585). "
            "Run the sweep in one process at the global batch size, with tf.distribute.MirroredStrategy or "
            "on one device, or use the JAX backend, which supports several processes."
        )


def is_first_process() -> bool:
    """Whether this process writes and prints; with several processes (JAX), only the first one does."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return bool(jax.process_index() == 0)


def copy_of(variable: Any) -> Any:
    """A copy of the value of a variable, as a NumPy array.

    Raises:
        RuntimeError: If the variable is sharded across processes.
    """
    value = variable.value
    if not (getattr(value, "is_fully_addressable", True) or value.is_fully_replicated):
        raise RuntimeError(
            f"LRFinder cannot copy the variable {variable.path!r} because it is sharded across processes. "
            "Use keras.distribution.DataParallel, or pass restore=False and rebuild the model after the "
            "sweep."
        )
    # numpy() copies; np.asarray() may return a view of the memory of the variable.
    return variable.numpy()


def raw_copy_of(variable: Any) -> Any:
    """A copy of the value of a backend variable that is not inside a `keras.Variable`."""
    return variable.detach().clone() if keras.backend.backend() == "torch" else variable.numpy()


def assign(variable: Any, value: Any) -> None:
    """Assign a copy to a variable of Keras or of the backend."""
    if hasattr(variable, "assign"):
        variable.assign(value)
        return
    import torch

    with torch.no_grad():
        variable.copy_(value)


def versions() -> dict[str, str]:
    """The versions of Keras and of its backend."""
    name = keras.backend.backend()
    return {"keras": keras.__version__, name: importlib.import_module(name).__version__}


def kind_of_steps(model: Any) -> Literal["compiled", "eager", "pure"]:
    """The kind of train step of a model.

    "compiled" changes variables inside a compiled function (TensorFlow, and PyTorch with `jit_compile`),
    "eager" is run by Python for each batch (PyTorch), and "pure" takes and returns the state (JAX).
    """
    name = keras.backend.backend()
    if name == "jax":
        return "pure"
    return "eager" if name == "torch" and not model.jit_compile else "compiled"


def trains_unbuilt_models() -> bool:
    """Whether `fit` leaves it to the train step to build the model."""
    return bool(keras.backend.backend() == "tensorflow")


def is_traced(model: Any) -> bool:
    """Whether Python runs a train step only once, to trace it."""
    return keras.backend.backend() in ("tensorflow", "jax") and not model.run_eagerly


def device_scope(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Scope of the distribution strategy of a model, in which to create variables."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow only
    return contextlib.nullcontext() if strategy is None else strategy.scope()


@contextlib.contextmanager
def after(batch: Any) -> Iterator[None]:
    """Context inside a train step in which no operation runs before `batch` is available.

    TensorFlow runs operations that do not depend on the batch in parallel with the iterator, so also if the
    iterator turns out to be exhausted: a counter would count a batch too many. That happens to
    `optimizer.iterations` after each epoch of a dataset of unknown length.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    def at_any_time(make: Callable[..., Any], **arguments: Any) -> Any:
        # Variables that a step creates are initialized outside of it, as XLA requires, so before any batch.
        with tf.control_dependencies(None):
            return make(**arguments)

    tensors = [part for part in tf.nest.flatten(batch, expand_composites=True) if isinstance(part, tf.Tensor)]
    with tf.variable_creator_scope(at_any_time), tf.control_dependencies(tensors):
        yield


def batch_structure(iterator: Any) -> Any:
    """Shapes and dtypes of the batches of an iterator that is passed to the train function (TensorFlow).

    The other backends build a model before they call the first callback.
    """
    import tensorflow as tf

    def without_optional(spec: Any) -> Any:
        # Absent inputs, such as one missing sample weight of several, are passed as Optional.
        return None if isinstance(spec, tf.OptionalSpec) else spec

    return keras.tree.map_structure(without_optional, iterator.element_spec)


def compiled(
    function: Callable[[Sequence[Any]], Any], model: Any, variables: Sequence[Any]
) -> Callable[[], Any]:
    """`function` of the values of `variables`, compiled like the steps of the model."""

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
    """Whether `error` only signals the end of the data."""
    if keras.backend.backend() != "tensorflow":
        return isinstance(error, StopIteration)
    import tensorflow as tf

    return isinstance(error, StopIteration | tf.errors.OutOfRangeError)


def random_state() -> Callable[[], None]:
    """Save the random state of the backend; call the result to restore it."""
    name = keras.backend.backend()
    restores = [_tensorflow_seed()]  # which keras.utils.set_random_seed sets on every backend
    if name == "torch":
        restores.append(_torch_random_state())
    elif name == "tensorflow":
        restores.append(_tensorflow_random_state())
    # JAX has no global random state: the seed generators of Keras are variables.

    def restore() -> None:
        for each in restores:
            each()

    return restore


def advance_random_state() -> None:
    """Continue the random numbers of the backend elsewhere, in a way that only depends on their state."""
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(int(torch.randint(2**31, ())))
    numbers = _seed_numbers() if "tensorflow" in sys.modules else None
    if numbers is not None:
        from tensorflow.python.eager import context

        # Not with `set_seed()`, which replaces `numbers`: a trace remains valid.
        context.context()._seed = numbers.randint(0, 2**31 - 1)


def _torch_random_state() -> Callable[[], None]:
    import torch

    host = torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def restore() -> None:
        torch.set_rng_state(host)
        if devices:
            torch.cuda.set_rng_state_all(devices)

    return restore


def _tensorflow_seed() -> Callable[[], None]:
    if "tensorflow" not in sys.modules:
        return lambda: None
    from tensorflow.python.eager import context

    tensorflow = context.context()
    seed, numbers = getattr(tensorflow, "_seed", None), _seed_numbers()

    def restore() -> None:
        if getattr(tensorflow, "_seed", None) == seed:
            return  # `_tensorflow_random_state` restores what has been drawn since then
        tensorflow._seed = seed
        if numbers is not None:
            tensorflow._rng = numbers  # setting a seed creates new ones
        if getattr(tensorflow, "_context_handle", None) is not None:
            tensorflow.clear_kernel_cache()

    return restore


def _tensorflow_random_state() -> Callable[[], None]:
    import tensorflow as tf
    from tensorflow.python.eager import context
    from tensorflow.python.ops import stateful_random_ops

    numbers = _seed_numbers()
    numbers_before = None if numbers is None else numbers.getstate()
    # get_global_generator() would create a generator, which draws a random number.
    generator = getattr(stateful_random_ops, "global_generator", None)
    generator_before = None if generator is None else tf.identity(generator.state).numpy()

    def restore() -> None:
        # Only if seeds were drawn: without its kernels, TensorFlow optimizes every traced function anew.
        if numbers is not None and numbers.getstate() != numbers_before:
            numbers.setstate(numbers_before)
            # A cached random operation keeps its position in its stream.
            context.context().clear_kernel_cache()
        if generator is not None:
            generator.state.assign(generator_before)

    return restore


def random_numbers_of_traces() -> Any | None:
    """An object that is replaced when the seed is set that TensorFlow derives those of a trace from."""
    return _seed_numbers() if keras.backend.backend() == "tensorflow" else None


def _seed_numbers() -> Any | None:
    """The `random.Random` that TensorFlow draws the seeds of operations from; None before any set_seed()."""
    from tensorflow.python.eager import context

    return getattr(context.context(), "_rng", None)
