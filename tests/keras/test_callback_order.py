"""Functions that run before or after all other callbacks of a `fit`."""

import keras
import numpy as np

from tb_lrfinder import LRTrial
from tb_lrfinder.keras.callback_order import run_first, run_last
from tests.keras.replay import regression_data, small_model


class Recorder(keras.callbacks.Callback):
    def __init__(self, name, calls):
        super().__init__()
        self.name, self.calls = name, calls

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(self.name)


def callback_list(*callbacks):
    return keras.callbacks.CallbackList([*callbacks], model=small_model(), add_history=False)


def test_the_order_does_not_depend_on_that_of_the_list():
    calls = []
    one, other = Recorder("one", calls), Recorder("other", calls)
    callbacks = callback_list(one, other)
    run_last(callbacks, one, on_epoch_end=lambda epoch, logs: calls.append("last"))
    run_first(callbacks, other, on_epoch_end=lambda epoch, logs: calls.append("first"))
    callbacks.on_epoch_end(0)
    assert calls == ["first", "one", "other", "last"]


def test_each_owner_replaces_its_own_functions_only():
    calls = []
    one, other = Recorder("one", calls), Recorder("other", calls)
    callbacks = callback_list(one, other)
    for owner in (one, other, one):
        call = f"first of {owner.name}"
        run_first(callbacks, owner, on_epoch_end=lambda epoch, logs, call=call: calls.append(call))
    callbacks.on_epoch_end(0)
    assert calls == ["first of one", "first of other", "one", "other"]


def test_one_owner_may_have_both():
    calls = []
    one = Recorder("one", calls)
    callbacks = callback_list(one)
    for _ in range(2):
        run_first(callbacks, one, on_epoch_end=lambda epoch, logs: calls.append("first"))
        run_last(callbacks, one, on_epoch_end=lambda epoch, logs: calls.append("last"))
    callbacks.on_epoch_end(0)
    assert calls == ["first", "one", "last"]


def test_two_trials_in_one_fit_both_see_the_learning_rate():
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: [0.5, 0.25][epoch])
    trials = [LRTrial(verbose=0), LRTrial(verbose=0)]
    small_model("sgd").fit(*regression_data(), epochs=2, verbose=0, callbacks=[schedule, *trials])
    for trial in trials:
        assert np.array_equal(trial.trial.learning_rate, [0.5, 0.25])
