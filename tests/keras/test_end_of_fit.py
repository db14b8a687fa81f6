"""The model is restored when its sweep ends, however it ends, and never later."""

import contextlib
import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND
from tests.keras.replay import regression_data, same_state, small_model, state_of
from tests.keras.test_interruptions import StopError, cut_off


def new_finder(num_steps=12, **arguments):
    return LRFinder(None, 1e-4, 10.0, num_steps, **{"stop": None, "verbose": 0} | arguments)


def prepared(optimizer="adam"):
    model = small_model(optimizer)
    model.fit(*regression_data(), verbose=0)
    return model


def raising(hook, error, at=0):
    """A callback that raises at the given call of a hook."""
    calls = iter(range(at))

    def raise_it(*arguments, **keywords):
        if next(calls, None) is None:
            raise error

    return type("Raising", (keras.callbacks.Callback,), {hook: lambda self, *a, **k: raise_it()})()


def fit(model, finder, *others, order="finder first", **arguments):
    callbacks = [finder, *others] if order == "finder first" else [*others, finder]
    options = {"batch_size": 20, "epochs": 3, "verbose": 0, "shuffle": False} | arguments
    return model.fit(*regression_data(), callbacks=callbacks, **options)


orders = pytest.mark.parametrize("order", ["finder first", "finder last"])
errors = pytest.mark.parametrize(
    "error", [StopError("broken"), KeyboardInterrupt()], ids=lambda error: type(error).__name__
)
HOOKS = {
    "on_epoch_begin": 1,
    "on_train_batch_begin": 5,
    "on_train_batch_end": 5,
    "on_epoch_end": 0,
    "on_test_begin": 0,
    "on_test_batch_end": 0,
    "on_test_end": 0,
    "on_train_end": 0,
}


@pytest.mark.combinations
@pytest.mark.parametrize(
    ("error", "order"), [(StopError("broken"), "finder first"), (KeyboardInterrupt(), "finder last")]
)
@pytest.mark.parametrize("hook", HOOKS)
def test_an_error_in_another_callback_restores_the_model_immediately(hook, error, order):
    model = prepared()
    before, names = state_of(model), set(vars(model))
    finder = new_finder()
    with pytest.raises(type(error)):
        fit(model, finder, raising(hook, error, HOOKS[hook]), order=order, validation_data=regression_data())
    assert same_state(before, state_of(model))
    assert set(vars(model)) - names <= {"_eval_epoch_iterator", "stop_evaluating"}  # which are Keras' own
    assert finder.snapshot_bytes == 0
    expected = "failed" if isinstance(error, StopError) else "interrupted"
    assert finder.stop_reason == ("completed" if hook == "on_train_end" else expected)


@pytest.mark.combinations
@errors
@pytest.mark.parametrize("num_steps", [12, 4], ids=["within the sweep", "after its end"])
def test_an_error_in_the_validation_data_restores_the_model_immediately(error, num_steps):
    model = prepared()
    before = state_of(model)

    def batches():
        for _ in range(4):  # Keras reads some of them before it begins to evaluate
            yield tuple(part[:8] for part in regression_data())
        raise error

    finder = new_finder(num_steps)
    # TensorFlow wraps what a generator raises in an error of its own.
    with pytest.raises(BaseException):  # noqa: B017, PT011
        fit(model, finder, validation_data=batches(), validation_steps=6)
    assert same_state(before, state_of(model))
    assert finder.snapshot_bytes == 0


AFTER_THE_SWEEP = {
    "on_epoch_end": lambda model: [raising("on_epoch_end", KeyboardInterrupt())],
    "on_train_end": lambda model: [raising("on_train_end", KeyboardInterrupt())],
    "validation": lambda model: [raising("on_test_end", KeyboardInterrupt())],
    "unseen": lambda model: cut_off(model, KeyboardInterrupt()) or [],
}


@pytest.mark.combinations
@pytest.mark.parametrize("how", ["restore", "with", "sweep of another model", "next fit"])
@pytest.mark.parametrize("where", AFTER_THE_SWEEP)
def test_training_after_an_interrupted_fit_is_kept(where, how):
    """The sweep itself had ended; whatever the finder is asked to do later, the training stays."""
    model, finder = prepared(), new_finder(4)
    before = state_of(model)
    others = AFTER_THE_SWEEP[where](model)
    if where == "unseen":
        # The sweep ends with the epoch, and the next one is cut off before it begins.
        others = [
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: setattr(model, "stop_training", False))
        ]
    with pytest.raises(KeyboardInterrupt):
        fit(model, finder, *others, validation_data=regression_data())
    assert finder.stop_reason == "completed"
    assert same_state(before, state_of(model))
    if how == "next fit":
        twin = prepared()
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            for each in (model, twin):
                each.fit(*regression_data(), shuffle=False, verbose=0)
        assert same_state(state_of(twin), state_of(model))
        return
    train_in_a_loop(model)
    trained = state_of(model)
    if how == "sweep of another model":
        prepared().fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
    else:
        AFTERWARDS[how](finder, model)
    assert same_state(trained, state_of(model))


AFTERWARDS = {
    "restore": lambda finder, model: finder.restore(),
    "with": lambda finder, model: finder.__exit__(None, None, None),
    "next sweep": lambda finder, model: model.fit(
        *regression_data(), batch_size=8, verbose=0, callbacks=[new_finder()]
    ),
}


def train_in_a_loop(model):
    """Training without `fit` of Keras."""
    optimizer, gradients = model.optimizer, [np.ones(v.shape, "float32") for v in model.trainable_variables]
    for _ in range(8):
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], model.trainable_variables)


@pytest.mark.parametrize("how", AFTERWARDS)
def test_a_model_that_was_trained_after_an_interrupted_sweep_is_not_restored(how, capsys):
    """Interrupted in the middle of the sweep, undetected, and then trained in a custom loop."""
    model, finder = prepared(), new_finder(verbose=1)
    cut_off(model, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fit(model, finder)
    train_in_a_loop(model)
    trained = state_of(model)
    with pytest.warns(UserWarning, match="trained since"):
        AFTERWARDS[how](finder, model)
    assert same_state(trained, state_of(model))
    shown = capsys.readouterr().out
    assert shown.endswith("The model was not restored, because it has been trained since then.\n")


# Restore first, then print and warn.


def test_with_warnings_as_errors_the_model_is_restored_first():
    model, finder = prepared(), new_finder()
    before = state_of(model)
    cut_off(model, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fit(model, finder)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(UserWarning, match="interrupted"):
            model.fit(*regression_data(), verbose=0)
        assert same_state(before, state_of(model))
        model.fit(*regression_data(), verbose=0)  # and nothing is left over


def test_with_warnings_as_errors_an_incomplete_sweep_is_printed_and_restored(capsys):
    model, finder = prepared(), new_finder(300, verbose=1)
    before = state_of(model)
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(model, "stop_training", True)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(UserWarning, match="incomplete"):
            fit(model, finder, callback, epochs=100)
    assert same_state(before, state_of(model))
    assert "LR Finder:" in capsys.readouterr().out


def test_with_warnings_as_errors_an_event_file_that_is_lost(tmp_path):
    import shutil

    model = prepared()
    before = state_of(model)
    finder = LRFinder(tmp_path / "sweep", 1e-4, 10.0, 12, stop=None, verbose=0)

    def remove(batch, logs):
        if batch == 3:
            shutil.rmtree(tmp_path / "sweep")

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=remove)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with contextlib.suppress(RuntimeWarning):
            fit(model, finder, callback, batch_size=8, epochs=1)
    assert (tmp_path / "sweep").exists()  # written again
    assert same_state(before, state_of(model))
    assert finder.snapshot_bytes == 0


class _Frozen:
    """Makes a variable refuse what is assigned to it, from a moment on."""

    def __init__(self, variable):
        self.variable = variable

    def __call__(self, *_):
        def assign(value):
            raise MemoryError("no room")

        object.__setattr__(self.variable, "assign", assign)


@pytest.mark.parametrize("when", ["at the end", "after an error"])
def test_one_variable_that_cannot_be_restored_is_named_and_the_others_are(when):
    model = prepared()
    before, weights = state_of(model), model.variables
    path = weights[0].path

    # In the middle: JAX assigns to variables at the end of an epoch only.
    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                _Frozen(weights[0])()
                if when == "after an error":
                    raise StopError("broken")

    finder = new_finder(6)
    with warnings.catch_warnings(record=True) as caught, pytest.raises((RuntimeError, StopError)) as raised:
        fit(model, finder, Break(), batch_size=8, order="finder last")
    del vars(weights[0])["assign"]
    said = " ".join([str(raised.value), *(str(each.message) for each in caught)])
    assert path in said
    assert "MemoryError: no room" in said
    others = [v for v in (*weights, *model.optimizer.variables) if v is not weights[0]]
    assert same_state(before[1:], [np.array(variable.numpy()) for variable in others])
    assert finder.stop_reason == ("completed" if when == "at the end" else "failed")
    finder.restore()  # it is tried once more
    assert same_state(before, state_of(model))


# What trains the model in the middle of its sweep.


class _TrainsOnBatch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.train_on_batch(*regression_data(8))


class _Recompiles(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.compile("sgd", "mse")
            self.model.make_train_function()


class _Fits(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.fit(*regression_data(8), verbose=0)


@pytest.mark.combinations
@orders
@pytest.mark.parametrize(
    ("kind", "caught"), [(_TrainsOnBatch, False), (_TrainsOnBatch, True), (_Recompiles, False), (_Fits, True)]
)
def test_a_callback_that_trains_the_model_is_an_error_that_names_it(kind, order, caught):
    model = prepared()
    before, optimizer = state_of(model), model.optimizer
    callback = kind()
    if caught:
        hook = "on_epoch_end" if kind is _Fits else "on_train_batch_end"
        original = getattr(callback, hook)

        def catching(*arguments, **keywords):
            with contextlib.suppress(RuntimeError):
                original(*arguments, **keywords)

        setattr(callback, hook, catching)
        fit(model, finder := new_finder(), callback, order=order)
    else:
        with pytest.raises(RuntimeError, match=f"Remove {kind.__name__} from the callbacks of this fit"):
            fit(model, finder := new_finder(), callback, order=order)
    assert finder.stop_reason == "failed"
    model.optimizer = optimizer
    assert same_state(before, state_of(model))


def test_restore_in_a_hook_ends_the_fit_too():
    model, finder = prepared(), new_finder()
    before = state_of(model)
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: finder.restore() if batch == 2 else None
    )
    fit(model, finder, callback)
    assert finder.stop_reason == "interrupted"
    assert same_state(before, state_of(model))


@pytest.mark.skipif(BACKEND != "jax", reason="only there Keras sets the averages after an error too")
def test_averaged_weights_are_not_set_after_an_error():
    model = small_model(keras.optimizers.SGD(0.01, use_ema=True))
    model.optimizer.build(model.trainable_variables)
    before = state_of(model)
    with pytest.raises(StopError):
        fit(model, new_finder(), raising("on_train_batch_end", StopError(), 5))
    assert same_state(before, state_of(model))
