"""Train steps whose losses are lists, as in a GAN with a loss of real and of generated data."""

import keras
import pytest

from tb_lrfinder import LRFinder
from tests.keras.custom_steps import CustomStep
from tests.keras.replay import batches_of, regression_data, replay, same_state, state_of


def sweep(model, **arguments):
    finder = LRFinder(None, 1e-3, 0.2, 6, stop=None, verbose=0, **arguments)
    model.fit(*regression_data(), batch_size=16, shuffle=False, verbose=0, callbacks=[finder])
    return finder


class ListOfOne(CustomStep):
    def finish(self, loss, y, y_pred):
        return {"loss": [loss]}


class BesideAList(CustomStep):
    def finish(self, loss, y, y_pred):
        return {"loss": loss, "parts": [loss, 2 * loss]}


class MeanOfAList(CustomStep):
    """Both losses update a tracker at once, which averages them."""

    def __init__(self):
        super().__init__()
        self.tracker = keras.metrics.Mean(name="d_loss")

    @property
    def metrics(self):
        return [self.tracker]

    def finish(self, loss, y, y_pred):
        self.tracker.update_state([loss, 3 * loss])
        return {"d_loss": self.tracker.result()}


class ListOfTwo(CustomStep):
    def finish(self, loss, y, y_pred):
        return {"d_loss": [loss, 2 * loss], "accuracy": 0 * loss}


@pytest.mark.parametrize("kind", [ListOfOne, BesideAList, MeanOfAList], ids=lambda kind: kind.__name__)
def test_a_single_number_is_recorded(kind):
    finder = sweep(kind())
    twin = MeanOfAList()
    expected = replay(twin, batches_of(*regression_data()), finder.sweep.learning_rate, name="d_loss")
    factor = 1 if kind is MeanOfAList else 0.5
    assert finder.sweep.loss == pytest.approx(factor * expected, rel=1e-6)


@pytest.mark.parametrize("monitor", ["loss", "d_loss"])
def test_several_numbers_are_refused(monitor):
    model = ListOfTwo()
    model(regression_data()[0])
    model.optimizer.build(model.trainable_variables)
    before = state_of(model)
    message = r"The loss 'd_loss' of ListOfTwo must be one number .* of shape \(2,\)\. Report its mean"
    with pytest.raises(ValueError, match=message):
        sweep(model, monitor=monitor)
    assert same_state(before, state_of(model))
    model.fit(*regression_data(), verbose=0)
