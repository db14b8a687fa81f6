"""Keeps functions that a train step calls from mixing their compiled form with that of a sweep.

A function that is decorated with `tf.function` or `jax.jit` is traced at its first call. An existing trace
reads the optimizer's own learning rate and reports no loss. A new one would keep the learning rate of the
sweep, and be used by the training after it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

_step = threading.local()  # copies of functions, while a step is run or traced
_patches: list[type] = []  # one for each step that is being run or traced
_patch_lock = threading.Lock()


def nested_functions_retraced(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Context of one step of `model`, in which decorated functions are traced anew, for this step only."""
    name = keras.backend.backend()
    if name == "tensorflow":
        return _tensorflow_functions_copied()
    if name == "jax":
        return _jax_functions_retraced(model)
    return contextlib.nullcontext()


def forget_traces(model: Any) -> None:
    """Have the next `fit` trace the train step anew, for example because a trace contains an old schedule.

    Not only `model.train_function` has traces: on TensorFlow, so have methods and attributes of the model
    that are decorated with `tf.function`. JAX finds those of any function again that is equal to an earlier
    one, as the train step is, and can only forget all.
    """
    model.train_function = None  # `fit` makes it anew
    name = keras.backend.backend()
    if name == "tensorflow":
        _forget_traces_of_tensorflow_functions(model)
    elif name == "jax":
        import jax

        jax.clear_caches()


def _forget_traces_of_tensorflow_functions(model: Any) -> None:
    import tensorflow as tf

    kind: Any = type(tf.function(lambda: None))
    for name, value in list(vars(model).items()):
        if isinstance(value, kind):
            object.__setattr__(model, name, value._clone(None))
    for name in dir(type(model)):
        method = inspect.getattr_static(type(model), name)
        if isinstance(method, kind):
            method._descriptor_cache.pop(model, None)  # the function that is bound to this model


def _jax_functions_retraced(model: Any) -> contextlib.AbstractContextManager[Any]:
    import jax

    if model.run_eagerly:  # tracing all operations anew in each batch would be slow
        disabled: contextlib.AbstractContextManager[Any] = jax.disable_jit()
        return disabled
    if _jax_context is None:
        return contextlib.nullcontext()
    # A value of its own is part of the key under which JAX caches traces.
    context: contextlib.AbstractContextManager[Any] = _jax_context(object())
    return context


def _make_jax_context() -> Any | None:
    if keras.backend.backend() != "jax":
        return None
    import jax

    return jax.make_user_context() if hasattr(jax, "make_user_context") else None


_jax_context = _make_jax_context()  # on import, because JAX traces everything anew after it


@contextlib.contextmanager
def _tensorflow_functions_copied() -> Iterator[None]:
    """Context in which a copy of each `tf.function` is called, and discarded at the end."""
    import tensorflow as tf

    kind: Any = type(tf.function(lambda: None))
    outer = getattr(_step, "copies", None)
    _step.copies = {}
    with _patch_lock:  # each replica of a distribution strategy has a thread
        if not _patches:
            kind.__call__ = _calling_copies(kind, kind.__call__)
        _patches.append(kind)
    try:
        yield
    finally:
        _step.copies = outer
        with _patch_lock:
            _patches.pop()
            if not _patches:
                kind.__call__ = kind.__call__.__wrapped__


def _calling_copies(kind: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def call_copy(function: Any, *arguments: Any, **keywords: Any) -> Any:
        copies: dict[int, tuple[Any, Any]] | None = getattr(_step, "copies", None)
        if copies is None or type(function) is not kind:  # in another thread, or loaded from a SavedModel
            return call(function, *arguments, **keywords)
        if id(function) not in copies:
            copies[id(function)] = function, function._clone(None)
        return call(copies[id(function)][1], *arguments, **keywords)

    return call_copy
