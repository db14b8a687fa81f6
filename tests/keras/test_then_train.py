"""The training after the sweep of the same fit: bit for bit that of a model compiled with the suggestion."""

import keras
import numpy as np
import pytest

from tests.keras.replay import same_state, state_of
from tests.keras.twin_training import (
    DATA,
    EPOCHS,
    STEPS,
    assert_same_training,
    fit,
    new_finder,
    noisy_model,
    train_twin,
)

OPTIMIZERS = {
    "SGD with momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "Adam": keras.optimizers.Adam,
    "accumulation": lambda rate: keras.optimizers.SGD(rate, gradient_accumulation_steps=2),
    "averaged weights": lambda rate: keras.optimizers.SGD(rate, use_ema=True, ema_overwrite_frequency=7),
}


@pytest.mark.parametrize(
    "name",
    ["SGD with momentum", *(pytest.param(name, marks=pytest.mark.long) for name in list(OPTIMIZERS)[1:])],
)
def test_it_is_that_of_a_twin_with_the_suggested_learning_rate(name):
    # With averaged weights at the end of an epoch, because each `fit` of the twin ends with an average.
    num_steps = 24 if name == "averaged weights" else STEPS
    batches, epochs = (2 * STEPS, 2 * EPOCHS) if name == "accumulation" else (num_steps, EPOCHS)
    finder = new_finder(num_steps=num_steps)
    model = noisy_model(OPTIMIZERS[name](0.5))
    fit(model, finder, epochs=epochs)
    assert len(finder.sweep) == num_steps
    twin = noisy_model(OPTIMIZERS[name](finder.suggestion.learning_rate))
    train_twin(twin, batches, epochs=epochs)
    assert_same_training(model, twin)


@pytest.mark.filterwarnings("ignore:The sweep has no suggestion")  # there are few rows
def test_after_a_divergence_whose_last_batch_is_not_the_last_of_the_ramp():
    finder = new_finder(start_lr=1e-3, end_lr=1e3, stop="divergence")
    model = noisy_model(keras.optimizers.SGD(0.02))
    fit(model, finder)
    assert finder.stop_reason == "diverged"
    assert len(finder.sweep) < STEPS
    twin = noisy_model(keras.optimizers.SGD(finder.suggestion.learning_rate or 0.02))
    train_twin(twin, len(finder.sweep))
    assert_same_training(model, twin)


def test_of_a_model_that_has_been_trained_before():
    finder = new_finder()
    model, twin = models = [noisy_model(keras.optimizers.Adam(1e-5)) for _ in range(2)]
    for each in models:
        fit(each, epochs=1)
    fit(model, finder)
    twin.optimizer.learning_rate = finder.suggestion.learning_rate
    train_twin(twin, STEPS)
    assert_same_training(model, twin)


def test_the_data_go_on_while_the_random_state_of_the_model_is_restored():
    """With shuffled data: the same batches as in a `fit` without the finder, from the next one on."""
    seen = [[], []]

    class Recording(keras.utils.PyDataset):
        def __init__(self, batches):
            super().__init__()
            self.batches = batches

        def __len__(self):
            return 12

        def __getitem__(self, index):
            rows = np.random.permutation(384)[:32]  # noqa: NPY002 - the global state
            self.batches.append(rows)
            return DATA[0][rows], DATA[1][rows]

    for batches, callbacks in zip(seen, ([], [new_finder()]), strict=True):
        noisy_model().fit(Recording(batches), epochs=EPOCHS, verbose=0, callbacks=callbacks)
    assert np.array_equal(*seen)


def test_without_a_suggestion_it_has_the_learning_rate_of_compile():
    finder = new_finder(start_lr=1e-9, end_lr=1e-8)
    model = noisy_model(keras.optimizers.SGD(0.02))
    with pytest.warns(UserWarning, match="no suggestion, so the training goes on at the learning rate that"):
        fit(model, finder)
    assert finder.suggestion.learning_rate is None
    twin = noisy_model(keras.optimizers.SGD(0.02))
    train_twin(twin, STEPS)
    assert_same_training(model, twin)


def test_an_error_in_the_sweep_restores_the_model():
    def fail(batch, logs):
        if batch == 5:
            raise KeyboardInterrupt

    model, finder = noisy_model(), new_finder()
    fit(model, epochs=1)
    before, numbers = state_of(model), np.random.get_state()[1].copy()  # noqa: NPY002 - the global state
    failing = keras.callbacks.LambdaCallback(on_train_batch_end=fail)
    with pytest.raises(KeyboardInterrupt):
        fit(model, finder, failing, keras.callbacks.EarlyStopping("loss"))
    assert finder.stop_reason == "interrupted"
    assert same_state(before, state_of(model))
    assert np.array_equal(numbers, np.random.get_state()[1])  # noqa: NPY002
    fit(model)  # which nothing restores


def test_an_error_in_the_training_leaves_its_weights():
    states = []

    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if finder.stop_reason is not None and batch == 10:
                states.append(state_of(self.model))
                raise KeyboardInterrupt

    model, finder = noisy_model(), new_finder()
    with pytest.raises(KeyboardInterrupt):
        fit(model, finder, Fails())
    assert same_state(states[0], state_of(model))
    assert not {"evaluate", "make_train_function", "train_step"} & set(vars(model))
