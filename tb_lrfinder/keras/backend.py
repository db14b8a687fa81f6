"""What differs from one Keras backend to the next."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

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


def check_workers() -> None:
    """Raise an error where TensorFlow has been spread over several machines.

    Keras' own `fit` fails there before it calls any callback, with an error that names no cause.

    Raises:
        RuntimeError: If a MultiWorkerMirroredStrategy has more than one worker.
    """
    if keras.backend.backend() != "tensorflow":
        return
    from tensorflow.python.eager import context

    # Set by the strategy; no public function tells whether there is one. Asking must not start TensorFlow.
    server = getattr(context.context_safe(), "_collective_ops_server_def", None)
    workers = 1 if server is None else sum(len(job.tasks) for job in server.cluster.job)
    if workers > 1:
        raise RuntimeError(
            f"Keras 3 cannot train under tf.distribute.MultiWorkerMirroredStrategy with {workers} workers: "
            "its `fit` fails before the first step, with and without LRFinder (keras-team/keras#20585). "
            "Find the learning rate in one process, with tf.distribute.MirroredStrategy or on one device, at "
            "the global batch size, or train on the JAX backend, where several processes work."
        )


def is_first_process() -> bool:
    """Whether this is the one of several processes that writes and prints (JAX)."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return bool(jax.process_index() == 0)


def copy_of(variable: Any) -> Any:
    """The whole value of a variable, as a NumPy array of its own.

    Raises:
        RuntimeError: If parts of it are out of this process' reach.
    """
    value = variable.value
    if not (getattr(value, "is_fully_addressable", True) or value.is_fully_replicated):
        raise RuntimeError(
            f"LRFinder cannot keep a copy of {variable.path!r}: it is split over several processes. "
            "Use keras.distribution.DataParallel, or LRFinder(..., restore=False) and build the model anew "
            "after the sweep."
        )
    # numpy() copies; np.asarray() may give a view of the variable's own memory.
    return variable.numpy()


def raw_copy_of(variable: Any) -> Any:
    """The same of a variable of the backend that Keras does not know."""
    return variable.detach().clone() if keras.backend.backend() == "torch" else variable.numpy()


def assign(variable: Any, value: Any) -> None:
    """Put a copy back, into a variable of Keras or of the backend."""
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
    """What a train step of the model is.

    "compiled" changes variables inside a compiled function (TensorFlow, and PyTorch with `jit_compile`),
    "eager" is run by Python each time (PyTorch), and "pure" takes the state and returns it (JAX).
    """
    name = keras.backend.backend()
    if name == "jax":
        return "pure"
    return "eager" if name == "torch" and not model.jit_compile else "compiled"


def is_traced(model: Any) -> bool:
    """Whether a train step is run by Python once, for all the times that it is run on the device."""
    return keras.backend.backend() in ("tensorflow", "jax") and not model.run_eagerly


def device_scope(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Where the variables of a model live: what is made inside is on all of its devices."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow only
    return contextlib.nullcontext() if strategy is None else strategy.scope()


@contextlib.contextmanager
def after(batch: Any) -> Iterator[None]:
    """A context inside a train step in which nothing is done before `batch` is there.

    TensorFlow runs what does not depend on the batch at the same time as the iterator is asked for it, and
    so also when the iterator then has none: a counter would count a batch that never was. That of the
    optimizer does (`optimizer.iterations` is one too many after each epoch of a dataset of unknown length).
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    def at_any_time(make: Callable[..., Any], **arguments: Any) -> Any:
        # What a step creates is initialized outside of it, which XLA insists on, and so before any batch.
        with tf.control_dependencies(None):
            return make(**arguments)

    tensors = [part for part in tf.nest.flatten(batch, expand_composites=True) if isinstance(part, tf.Tensor)]
    with tf.variable_creator_scope(at_any_time), tf.control_dependencies(tensors):
        yield


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
