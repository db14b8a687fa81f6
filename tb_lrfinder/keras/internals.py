"""Every private attribute of Keras that the sweep leans on, named here and nowhere else.

Keras has no public way to see the loss of one batch, to know the learning rate that acted, or to put the
state of its random numbers back. What is used instead is listed in `NEEDED`, and checked before a sweep
changes anything, so that a Keras that moved one of them gives an error and not a wrong number.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import keras

WORKS_WITH: Final = "3.7 to 3.15"

NEEDED: Final = {
    "model": (
        "_compute_loss",
        "_flatten_layers",
        "_loss_tracker",
        "_metrics",
        "_symbolic_build",
        "make_train_function",
        "train_step",
    ),
    "optimizer": ("_get_current_learning_rate", "_iterations", "_learning_rate"),
}
"""Attributes by their owner. The functions below that name others do without them where they are missing."""

NEEDED_ON_JAX: Final = ("_jax_state_synced", "_make_function", "jax_state_sync")
"""Those of the model that only exist where train steps are pure functions."""

_GLOBAL_SEED_GENERATOR: Final = "global_seed_generator"
_GLOBAL_SEED: Final = "global_random_seed"


def check(model: Any, optimizers: list[Any]) -> None:
    """Raise an error that names what this version of Keras lacks.

    Raises:
        RuntimeError: If an attribute of `NEEDED`, or on JAX of `NEEDED_ON_JAX`, is missing.
    """
    needed = [("model", model, name) for name in NEEDED["model"]]
    if keras.backend.backend() == "jax":
        needed += [("model", model, name) for name in NEEDED_ON_JAX]
    needed += [("optimizer", optimizer, name) for optimizer in optimizers for name in NEEDED["optimizer"]]
    missing = sorted({f"{kind}.{name}" for kind, owner, name in needed if not hasattr(owner, name)})
    if missing:
        raise RuntimeError(
            f"LRFinder needs {', '.join(missing)}, which Keras {keras.__version__} does not have. "
            f"It works with Keras {WORKS_WITH}: pip install 'keras>=3.7,<3.16'"
        )


def metrics_of(model: Any) -> list[Any]:
    """Every metric that a train step may update or read, the model's own first, Keras' last."""
    candidates = [*model._metrics, *model.metrics]
    candidates += [value for value in vars(model).values() if isinstance(value, keras.metrics.Metric)]
    for layer in model._flatten_layers():
        candidates += getattr(layer, "_metrics", ())
    candidates += [inner for metric in candidates for inner in getattr(metric, "metrics", ())]
    if model._loss_tracker is not None:
        candidates.append(model._loss_tracker)
    return list({id(metric): metric for metric in candidates}.values())


def is_mean_of_values(metric: Any) -> bool:
    """Whether what `metric` is told are the values that it averages, and not, say, (y_true, y_pred)."""
    kind = type(metric)
    return (
        getattr(kind, "update_state", None) is keras.metrics.Mean.update_state
        and getattr(kind, "result", None) is keras.metrics.Mean.result
    )


def is_own_tracker(model: Any, metric: Any) -> bool:
    """Whether `metric` is the one that Keras keeps the loss in."""
    return metric is model._loss_tracker


def is_built(model: Any) -> bool:
    """Whether every layer has its variables."""
    return all(layer.built for layer in model._flatten_layers())


def symbolic_build(model: Any, batch: Any) -> None:
    """Create what the first batch would create, without using it up: `batch` holds shapes and dtypes."""
    model._symbolic_build(data_batch=batch)


def evaluation_loss(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
    """The total loss as `evaluate` computes it, also for a `compute_loss` that knows no `training`."""
    return model._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)


@contextlib.contextmanager
def step_function_replaced(model: Any, replace: Callable[[Any], Any]) -> Iterator[None]:
    """For the extent of `make_train_function`, have the step that it compiles wrapped on the host (JAX)."""
    make = model._make_function
    object.__setattr__(
        model, "_make_function", lambda step_function, **options: make(replace(step_function), **options)
    )
    try:
        yield
    finally:
        del vars(model)["_make_function"]


def sync(model: Any) -> None:
    """Bring the model's variables up to date in the middle of `fit`, and have `fit` read them again.

    On JAX the state of the training is kept apart from the variables; what a callback assigns to them
    counts only after this. The other backends have no such state.
    """
    if keras.backend.backend() != "jax":
        return
    try:
        model.jax_state_sync()
    except RuntimeError:
        # The step that failed has used the old state up. There is nothing left to bring back, and Keras,
        # which tries the same at the end of `fit`, must not hide the error that matters.
        model._jax_state_synced = True


def drop_state(model: Any) -> None:
    """Have `fit` go on from the variables, and forget the state that it keeps apart from them (JAX)."""
    if keras.backend.backend() == "jax":
        model._jax_state_synced = True


def iterations(optimizer: Any) -> int:
    """Batches that the optimizer has seen, those of an unfinished accumulation included."""
    return int(optimizer._iterations.numpy())


def own_learning_rate(optimizer: Any) -> Any:
    """The variable, schedule or callable that the optimizer was given."""
    return optimizer._learning_rate


def current_learning_rate(optimizer: Any) -> float:
    """What `own_learning_rate` amounts to at this moment."""
    return float(keras.ops.convert_to_numpy(optimizer._get_current_learning_rate()))


def epoch_iterator_of_fit(model: Any) -> Any | None:
    """What the `fit` that is running below this call takes its batches from; None when it cannot be told."""
    for frame in callers():
        if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model:
            iterator = frame.f_locals.get("epoch_iterator")
            if iterator is not None:
                return iterator
    return None


def callback_list(callback: Any) -> Any | None:
    """The `CallbackList` that is calling `callback.set_model()` right now; None when nobody is.

    A callback is not told of its siblings in any other way.
    """
    for frame in callers():
        caller = frame.f_locals.get("self")
        if isinstance(caller, keras.callbacks.CallbackList) and callback in caller.callbacks:
            return caller
    return None


def batch_size_of_fit(model: Any) -> int | None:
    """The batch size of the `fit` that is running below this call; None when it cannot be told."""
    adapter = getattr(epoch_iterator_of_fit(model), "data_adapter", None)
    size = getattr(adapter, "batch_size", None)
    return int(size) if size else None


def call_in_this_thread(callbacks: Any) -> None:
    """Keep Keras from calling the hooks in another thread, as it does for a callback outside a list."""
    callbacks._async_train = False


def global_seed_generator() -> Any | None:
    """The generator that Keras draws from where a layer has none of its own; None before its first use."""
    from keras.src.backend.common import global_state

    return global_state.get_global_attribute(_GLOBAL_SEED_GENERATOR)


def set_global_seed_generator(generator: Any | None) -> None:
    """Put another one in its place; with None, Keras makes a new one at the next use."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute(_GLOBAL_SEED_GENERATOR, generator)


def global_seed() -> int | None:
    """The seed of which Keras makes that generator; None where none was set."""
    from keras.src.backend.common import global_state

    seed: int | None = global_state.get_global_attribute(_GLOBAL_SEED)
    return seed


def set_global_seed(seed: int | None) -> None:
    """Put another one in its place."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute(_GLOBAL_SEED, seed)


def is_tracker(value: Any) -> bool:
    """Whether `value` is what keeps account of the variables of a layer or an optimizer."""
    return type(value).__name__ == "Tracker" and type(value).__module__.startswith("keras.")


def layer_names(model: Any) -> list[str]:
    """The names of a model and of all its layers, in order."""
    return [layer.name for layer in model._flatten_layers()]


def callers() -> Iterator[FrameType]:
    """The frames below the function that asks."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back
