"""Models as in Keras' examples: their sweep is exact, and training afterward is as without it."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.replay import batches_of, regression_data, replay, same_state, state_of
from tests.keras.stand_ins import ALL


def fit(model, **arguments):
    keras.utils.set_random_seed(3)
    data = regression_data()
    return model.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0, **arguments).history


@pytest.mark.parametrize("kind", ALL)
def test_the_sweep_is_exact_and_training_goes_on_as_without_it(kind):
    model, twin, replayed = (ALL[kind]() for _ in range(3))
    finder = LRFinder(None, 1e-4, 0.1, 10, stop=None, verbose=0)
    fit(model, callbacks=[finder])
    assert finder.stop_reason == "completed"
    keras.utils.set_random_seed(3)
    batches = batches_of(*regression_data(), batch_size=8)
    expected = replay(replayed, batches, finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)
    assert len(np.unique(finder.sweep.loss)) == 10

    assert fit(model) == fit(twin)
    assert same_state(state_of(model), state_of(twin))
