"""All private Keras attributes that the package relies on; no other module names one.

Keras has no public API for the loss of a single batch, for the learning rate that was used, or for restoring
its random state. The private attributes used instead are listed in `NEEDED` and checked before a sweep
changes anything, so that an incompatible Keras version raises an error instead of giving wrong results.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import keras

WORKS_WITH: Final = "3.7 to 3.15"

NEEDED: Final = {
    "model": (
        "_assert_compile_called",
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
"""Required attributes by owner. The functions below handle a missing attribute that is not listed."""

NEEDED_ON_JAX: Final = ("_jax_state_synced", "_make_function", "jax_state_sync")
"""Required attributes of the model on JAX, where train steps are pure functions."""

_CALLBACK_ATTRIBUTES: Final = ("_model", "params", "validation_data")

SET_BY_FIT: Final = (
    "_eval_epoch_iterator",
    "_initial_epoch",
    "_jax_state",
    "_jax_state_synced",
    "_self_unconditional_checkpoint_dependencies",
    "_self_unconditional_dependency_names",
    "evaluate",
    "history",
    "make_train_function",
    "predict_function",
    "stop_evaluating",
    "stop_predicting",
    "stop_training",
    "test_function",
    "train_function",
)
"""Attributes of a model that `fit` or a sweep sets, and that no train step depends on."""

_GLOBAL_STATE: Final = "keras.src.backend.common.global_state"
_GLOBAL_SEED_GENERATOR: Final = "global_seed_generator"
_GLOBAL_SEED: Final = "global_random_seed"


def check(model: Any, optimizers: list[Any]) -> None:
    """Check that this version of Keras is compatible.

    Raises:
        RuntimeError: If an attribute of `NEEDED`, on JAX of `NEEDED_ON_JAX`, or the global state is missing.
    """
    needed = [("model", model, name) for name in NEEDED["model"]]
    if keras.backend.backend() == "jax":
        needed += [("model", model, name) for name in NEEDED_ON_JAX]
    needed += [("optimizer", optimizer, name) for optimizer in optimizers for name in NEEDED["optimizer"]]
    missing = sorted({f"{kind}.{name}" for kind, owner, name in needed if not hasattr(owner, name)})
    try:
        _global_state()
    except ImportError:
        missing.append(_GLOBAL_STATE)
    if missing:
        raise RuntimeError(
            f"LRFinder is not compatible with Keras {keras.__version__}, which lacks {', '.join(missing)}. "
            f"Supported versions: Keras {WORKS_WITH}. Install one with: pip install 'keras>=3.7,<3.16'"
        )


def check_compiled(model: Any) -> None:
    """Raise the error of `fit` if the model has not been compiled.

    Raises:
        ValueError: If it has not been compiled.
    """
    if not model.compiled:
        model._assert_compile_called("fit")


def metrics_of(model: Any) -> list[Any]:
    """All metrics that a train step may update or read; the loss tracker of Keras comes last."""
    candidates = [*model._metrics, *model.metrics]
    candidates += [value for value in vars(model).values() if isinstance(value, keras.metrics.Metric)]
    for layer in model._flatten_layers():
        candidates += getattr(layer, "_metrics", ())
    candidates += [inner for metric in candidates for inner in getattr(metric, "metrics", ())]
    if model._loss_tracker is not None:
        candidates.append(model._loss_tracker)
    return list({id(metric): metric for metric in candidates}.values())


def is_mean_of_values(metric: Any) -> bool:
    """Whether `metric` is updated with the values that it averages, not with, say, (y_true, y_pred)."""
    kind = type(metric)
    return (
        getattr(kind, "update_state", None) is keras.metrics.Mean.update_state
        and getattr(kind, "result", None) is keras.metrics.Mean.result
    )


def is_own_tracker(model: Any, metric: Any) -> bool:
    """Whether `metric` is the loss tracker of Keras."""
    return metric is model._loss_tracker


def is_built(model: Any) -> bool:
    """Whether all layers are built."""
    return all(layer.built for layer in model._flatten_layers())


def has_built_layers(model: Any) -> bool:
    """Whether all layers except for the model itself are built, so that all weights are known."""
    return all(layer.built for layer in model._flatten_layers(include_self=False))


def symbolic_build(model: Any, batch: Any) -> None:
    """Create the variables that the first batch would create; `batch` has shapes and dtypes only."""
    model._symbolic_build(data_batch=batch)


def evaluation_loss(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
    """The total loss as in `evaluate`, also if `compute_loss` has no argument `training`."""
    return model._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)


def attributes_until_compile(model: Any) -> dict[str, Any]:
    """Attributes that `compile` drops, and that Keras neither tracks nor saves."""
    return {} if model._loss_tracker is None else vars(model._loss_tracker)


@contextlib.contextmanager
def step_function_replaced(model: Any, replace: Callable[[Any], Any]) -> Iterator[None]:
    """Context in which `make_train_function` wraps the compiled step with `replace` (JAX)."""
    make = model._make_function
    object.__setattr__(
        model, "_make_function", lambda step_function, **options: make(replace(step_function), **options)
    )
    try:
        yield
    finally:
        del vars(model)["_make_function"]


def sync(model: Any) -> None:
    """Copy the training state into the model's variables during `fit`, and have `fit` read them again.

    On JAX, `fit` keeps the training state separate from the variables, and values that a callback assigns
    to them are only used after this call. The other backends have no such state.
    """
    if keras.backend.backend() != "jax":
        return
    try:
        model.jax_state_sync()
    except RuntimeError:
        # The failed step has donated the buffers of the old state. Keras would try the same at the end of
        # `fit`, and its error would hide the original one.
        model._jax_state_synced = True


def keep_variables(model: Any) -> None:
    """Have `fit` keep the variables of the model as its training state, until the next batch (JAX).

    If the data end before there is one, Keras copies the state that it keeps into the variables. Without this
    call, that is the state before a callback assigned anything to them.
    """
    if keras.backend.backend() != "jax":
        return
    model._jax_state = {
        "trainable_variables": [variable.value for variable in model.trainable_variables],
        "non_trainable_variables": [variable.value for variable in model.non_trainable_variables],
        "optimizer_variables": [variable.value for variable in model.optimizer.variables],
        "metrics_variables": [variable.value for variable in model.metrics_variables],
    }


def drop_state(model: Any) -> None:
    """Discard the training state that `fit` keeps separate from the variables (JAX)."""
    if keras.backend.backend() == "jax":
        model._jax_state_synced = True


def iterations(optimizer: Any) -> int:
    """Number of batches that the optimizer has seen, including an unfinished gradient accumulation."""
    return int(optimizer._iterations.numpy())


def own_learning_rate(optimizer: Any) -> Any:
    """The learning rate of the optimizer: a variable, a schedule or a callable."""
    return optimizer._learning_rate


def current_learning_rate(optimizer: Any) -> float:
    """The current value of `own_learning_rate`."""
    return float(keras.ops.convert_to_numpy(optimizer._get_current_learning_rate()))


def override_learning_rate(optimizer: Any, current_learning_rate: Callable[[], Any]) -> None:
    """Make the optimizer get its learning rate from `current_learning_rate`."""
    # Not by assignment: Keras tracks what is assigned to an optimizer.
    object.__setattr__(optimizer, "_get_current_learning_rate", current_learning_rate)


def reset_learning_rate(optimizer: Any) -> None:
    """Undo `override_learning_rate`. Idempotent."""
    vars(optimizer).pop("_get_current_learning_rate", None)


def default_optimizer(optimizer: Any) -> Any | None:
    """The default optimizer of a `MultiOptimizer`; None for any other optimizer."""
    return getattr(getattr(optimizer, "_optimizer_map", None), "default_optimizer", None)


def backend_variable(variable: Any) -> Any | None:
    """The variable of the backend inside a `keras.Variable`; None before its initialization."""
    return getattr(variable, "_value", None)


def epoch_iterator_of_fit(model: Any) -> Any | None:
    """The epoch iterator of the `fit` that calls this function, directly or not; None if not found."""
    for frame in callers():
        if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model:
            iterator = frame.f_locals.get("epoch_iterator")
            if iterator is not None:
                return iterator
    return None


def callback_list(callback: Any) -> Any | None:
    """The `CallbackList` that calls `callback.set_model()`; None if not found.

    A callback has no other access to the other callbacks.
    """
    for frame in callers():
        caller = frame.f_locals.get("self")
        if isinstance(caller, keras.callbacks.CallbackList) and callback in caller.callbacks:
            return caller
    return None


def batch_size_of_fit(model: Any) -> int | None:
    """The batch size of the `fit` that calls this function, directly or not; None if not found."""
    adapter = getattr(epoch_iterator_of_fit(model), "data_adapter", None)
    size = getattr(adapter, "batch_size", None)
    return int(size) if size else None


def call_in_this_thread(callbacks: Any) -> None:
    """Keep Keras from calling the hooks of the callbacks in another thread."""
    callbacks._async_train = False


def has_backup(callback: Any) -> bool:
    """Whether a `BackupAndRestore` has a backup, which it restores when `fit` begins."""
    path = getattr(callback, "_weights_path", None)
    return path is not None and bool(_file_utils().exists(path))


def set_epoch_of_backup(callback: Any, epoch: int) -> None:
    """Tell a `BackupAndRestore` the current epoch, if it has missed the end of the previous one."""
    callback._current_epoch = epoch


def clear_progress_bars(callbacks: Any) -> None:
    """Make the progress bars of `fit` forget the values that they average, in older versions of Keras."""
    for callback in callbacks.callbacks:
        if isinstance(callback, keras.callbacks.ProgbarLogger) and callback.progbar is not None:
            getattr(callback.progbar, "_values", {}).clear()
            getattr(callback.progbar, "_values_order", []).clear()


def attributes_without_fit(callback: Any) -> dict[str, Any]:
    """The attributes of a callback, except for those that Keras sets for a `fit`."""
    return {name: value for name, value in vars(callback).items() if name not in _CALLBACK_ATTRIBUTES}


def detach_callback(callback: Any) -> None:
    """Reset the attributes of a callback that Keras sets for a `fit`."""
    vars(callback).update(dict.fromkeys(_CALLBACK_ATTRIBUTES))


def global_seed_generator() -> Any | None:
    """The seed generator of layers and functions without one of their own; None before its first use."""
    return _global_state().get_global_attribute(_GLOBAL_SEED_GENERATOR)


def set_global_seed_generator(generator: Any | None) -> None:
    """Set the global seed generator; with None, Keras creates one at the next use."""
    _global_state().set_global_attribute(_GLOBAL_SEED_GENERATOR, generator)


def global_seed() -> int | None:
    """The seed of the global seed generator; None if not set."""
    seed: int | None = _global_state().get_global_attribute(_GLOBAL_SEED)
    return seed


def set_global_seed(seed: int | None) -> None:
    """Set the seed of the global seed generator."""
    _global_state().set_global_attribute(_GLOBAL_SEED, seed)


def method_of_keras(model: Any) -> str | None:
    """The method of the model that calls this function, directly or not: `"fit"`, `"evaluate"`, `"predict"`.

    A `fit` that evaluates the model is a `"fit"`.
    """
    methods = ("fit", "evaluate", "predict")
    names = {
        frame.f_code.co_name
        for frame in callers()
        # First the name: up to Python 3.12, the local variables stay in a frame whose `f_locals` is read, and
        # in one of the user, such as a cell of a notebook, they would keep the model.
        if frame.f_code.co_name in methods and frame.f_locals.get("self") is model
    }
    return next((name for name in methods if name in names), None)


def _file_utils() -> Any:
    return importlib.import_module("keras.src.utils.file_utils")


def _global_state() -> Any:
    return importlib.import_module(_GLOBAL_STATE)


def is_tracker(value: Any) -> bool:
    """Whether `value` is the object with which a layer or an optimizer tracks its variables."""
    return type(value).__name__ == "Tracker" and type(value).__module__.startswith("keras.")


def layer_names(model: Any) -> list[str]:
    """The names of a model and of all its layers, in order."""
    return [layer.name for layer in model._flatten_layers()]


def callers() -> Iterator[FrameType]:
    """The frames of the callers of the calling function, innermost first."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back
