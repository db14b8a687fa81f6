"""Copies of a finder, as created by tuners and scikit-learn: refused if nobody would see the results."""

import copy
import pickle

import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.replay import regression_data, same_state, small_model, state_of


def new_finder(**arguments):
    return LRFinder(None, 1e-4, 10.0, 10, **{"stop": None, "verbose": 0} | arguments)


def fit(model, finder):
    return model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])


def test_a_deep_copy_is_refused_and_changes_nothing():
    """KerasTuner's `search(callbacks=...)` and scikit-learn's `clone` copy so."""
    model = small_model()
    model.optimizer.build(model.trainable_variables)
    before, names = state_of(model), set(vars(model))
    copied = copy.deepcopy([new_finder()])[0]
    with pytest.raises(ValueError, match=r"deep copy.*find_lr\(model, x, y\)` in `HyperModel.fit`"):
        fit(model, copied)
    assert same_state(before, state_of(model))
    assert set(vars(model)) - names <= {
        "history",
        "_eval_epoch_iterator",
        "stop_training",
    }  # which are Keras' own
    assert copied.stop_reason is None


def test_copies_of_a_deep_copy_are_refused_too():
    """Processes of a pool get their copy pickled."""
    copied = pickle.loads(pickle.dumps(copy.copy(copy.deepcopy(new_finder()))))
    with pytest.raises(ValueError, match="deep copy"):
        fit(small_model(), copied)


def test_a_deep_copy_keeps_the_results():
    finder = new_finder()
    fit(small_model(), finder)
    copied = copy.deepcopy(finder)
    assert np.array_equal(copied.sweep.loss, finder.sweep.loss)
    assert copied.suggestion == finder.suggestion
    assert repr(copied) == repr(finder)


def test_a_shallow_copy_sweeps_with_the_same_validation_data():
    first = new_finder(validation_data=regression_data(24))
    second = copy.copy(first)
    fit(small_model(), second)
    assert np.all(np.isfinite(second.sweep.validation_loss))
    assert first.stop_reason is None


def test_a_copy_during_a_sweep_is_independent_of_it():
    import keras

    model, finder, copies = small_model(), new_finder(), []
    before = state_of(model)
    spy = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: copies.append(copy.copy(finder))
    )
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder, spy])
    copies[3].restore()
    assert same_state(before[:4], state_of(model)[:4])
    assert finder.stop_reason == "completed"
    fit(model, copies[3])
    assert copies[3].stop_reason == "completed"


def test_an_unpickled_finder_does_not_sweep_without_its_validation_data():
    copied = pickle.loads(pickle.dumps(new_finder(validation_data=regression_data(24))))
    again = pickle.loads(pickle.dumps(copied))
    for finder in (copied, again):
        with pytest.raises(ValueError, match="unpickled without its `validation_data`"):
            fit(small_model(), finder)


def test_cross_validation_is_refused():
    """Without it, each fold would be scored with a model that was never trained."""
    sklearn = pytest.importorskip("sklearn.base")

    class Estimator(sklearn.BaseEstimator):
        def __init__(self, callbacks=None):
            self.callbacks = callbacks

        def fit(self, x, y):
            small_model().fit(x, y, verbose=0, callbacks=self.callbacks)

    with pytest.raises(ValueError, match="deep copy"):
        sklearn.clone(Estimator([new_finder()])).fit(*regression_data())
