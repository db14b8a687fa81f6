"""Which models and data a fit can sweep and then train."""

import copy
import itertools
import math

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from tb_lrfinder import LRFinder
from tb_lrfinder.keras.schedules import peak, scaled
from tests.keras.backends import (
    BACKEND,
    needs_multi_optimizer,
    only_on_tensorflow,
    several_batches_an_execution,
)
from tests.keras.replay import same_state, small_model, state_of
from tests.keras.several_optimizers import Gan
from tests.keras.twin_training import (
    BATCH_SIZE,
    DATA,
    EPOCHS,
    STEPS,
    assert_same_training,
    fit,
    logs_of,
    new_finder,
    noisy_model,
    train_twin,
)

SCHEDULES = {
    "decay": schedules.ExponentialDecay(0.5, 20, 0.7),
    "warmup": schedules.CosineDecay(0.0, 60, warmup_target=0.5, warmup_steps=20),
}


@pytest.mark.parametrize("is_trained", [False, True], ids=["new", "trained before"])
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.combinations
def test_a_schedule_has_its_peak_at_the_suggestion_and_starts_where_it_was(name, is_trained):
    schedule = SCHEDULES[name]
    model, twin = (noisy_model(keras.optimizers.SGD(scaled(schedule, 1e-4))) for _ in range(2))
    if is_trained:  # the train function has been traced with the schedule
        for each in (model, twin):
            fit(each, epochs=1)
    finder = new_finder()
    fit(model, finder)
    learning_rate = finder.suggestion.learning_rate
    assert peak(model.optimizer._learning_rate) == pytest.approx(learning_rate, rel=1e-6)
    factor = learning_rate / peak(scaled(schedule, 1e-4))
    twin.optimizer.learning_rate = scaled(scaled(schedule, 1e-4), factor)
    twin.train_function = None
    train_twin(twin, STEPS)
    assert_same_training(model, twin)


def test_another_callable_is_refused():
    model = noisy_model(keras.optimizers.SGD(lambda: 0.1))
    before = state_of(model)
    with pytest.raises(TypeError, match=r"then='train', the learning rate .* a callable as the learning"):
        fit(model, new_finder())
    assert same_state(before, state_of(model))


@needs_multi_optimizer
def test_the_optimizers_of_a_multi_optimizer_keep_their_ratio():
    def make(rate):
        model = noisy_model()
        others = {model.layers[-1].kernel.path: keras.optimizers.SGD(rate / 4)}
        optimizer_map = keras.optimizers.OptimizerMap(keras.optimizers.SGD(rate), others)
        model.compile(keras.optimizers.MultiOptimizer(optimizer_map), "mse")
        return model

    finder, model = new_finder(), make(0.1)
    fit(model, finder)
    twin = make(finder.suggestion.learning_rate)
    train_twin(twin, STEPS)
    assert_same_training(model, twin)


@pytest.mark.skipif(BACKEND == "jax", reason="on JAX, Keras supports one optimizer")
def test_both_optimizers_of_a_gan_keep_their_ratio():
    model = Gan()
    model.compile(d_optimizer=keras.optimizers.SGD(0.02), g_optimizer=keras.optimizers.SGD(0.01))
    finder = new_finder(monitor="d_loss")
    history = model.fit(*DATA, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, callbacks=[finder])
    rates = [float(each.learning_rate.numpy()) for each in (model.d_optimizer, model.g_optimizer)]
    assert rates == pytest.approx([finder.suggestion.learning_rate, finder.suggestion.learning_rate / 2])
    assert int(model.g_optimizer.iterations.numpy()) == 12 * EPOCHS - len(finder.sweep)
    assert np.isnan(history.history["d_loss"]).tolist() == [True] * 2 + [False] * (EPOCHS - 2)


@only_on_tensorflow
def test_a_model_without_call_is_built_again():
    class Trainer(keras.Model):
        def __init__(self):
            super().__init__()
            self.network = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
            self.compile("adam")

        def train_step(self, data):
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self.network(x, training=True) - y))
            weights = self.network.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"own_loss": loss}

    model = Trainer()
    history = fit(model, new_finder())
    losses = history.history["own_loss"]
    assert losses[-1] < losses[2] / 2
    assert int(model.optimizer.iterations.numpy()) == 12 * EPOCHS - STEPS
    assert len(model.network.weights) == 4


@pytest.mark.long
def test_mixed_precision():
    """The loss scale, which the sweep decreases, is restored."""
    keras.config.set_dtype_policy("mixed_float16")
    finder = new_finder(end_lr=1e3)
    model = noisy_model(keras.optimizers.SGD(0.01))
    fit(model, finder)
    twin = noisy_model(keras.optimizers.SGD(finder.suggestion.learning_rate or 0.01))
    train_twin(twin, len(finder.sweep))
    assert_same_training(model, twin)


@several_batches_an_execution
def test_several_batches_in_one_execution():
    finder = new_finder()
    model = noisy_model(steps_per_execution=4)
    fit(model, finder)
    assert finder.stop_reason == "completed"
    twin = noisy_model(keras.optimizers.SGD(finder.suggestion.learning_rate), steps_per_execution=4)
    train_twin(twin, 32)  # the whole execution
    assert_same_training(model, twin)


def test_one_step_per_epoch():
    data = tuple(array[: 2 * BATCH_SIZE] for array in DATA)
    finder = new_finder(per="epoch", num_steps=12)
    model = small_model("sgd")
    history = fit(model, finder, data=data, epochs=48)
    assert finder.stop_reason == "completed"
    twin = small_model(keras.optimizers.SGD(finder.suggestion.learning_rate))
    expected = logs_of(fit(twin, data=data, epochs=48, initial_epoch=12))
    assert all(math.isnan(loss) for loss in history.history["loss"][:12])
    assert logs_of(history)[12:] == expected
    assert_same_training(model, twin)


def test_a_later_initial_epoch():
    finder = new_finder()
    history = fit(small_model("sgd"), finder, initial_epoch=5, epochs=5 + EPOCHS)
    assert history.epoch == list(range(5, 5 + EPOCHS))
    assert np.isnan(history.history["loss"]).tolist() == [True] * 2 + [False] * (EPOCHS - 2)


def generator(batches):
    while True:
        for start in range(0, batches * BATCH_SIZE, BATCH_SIZE):
            yield tuple(array[start : start + BATCH_SIZE] for array in DATA)


def finite(first, last):
    yield from itertools.islice(generator(12), first, last)


def test_data_of_unknown_length():
    """The ramp has the requested length; a generator goes on where the sweep ends."""
    finder = new_finder(num_steps=None)
    with pytest.raises(ValueError, match="requires data with a known number of batches"):
        noisy_model().fit(generator(12), epochs=2, verbose=0, callbacks=[finder])

    finder = new_finder()
    model = noisy_model()
    history = model.fit(finite(0, 40), verbose=0, callbacks=[finder])
    twin = noisy_model(keras.optimizers.SGD(finder.suggestion.learning_rate))
    twin.fit(finite(STEPS, 40), verbose=0)
    assert_same_training(model, twin)
    assert all(map(math.isfinite, history.history["loss"]))


@pytest.mark.parametrize(
    ("batches", "message"),
    [(20, "sweep is incomplete"), (STEPS, "has used all batches of `fit\\(\\)`, so the model has not been")],
)
def test_data_that_end_too_early(batches, message):
    model = noisy_model()
    before = state_of(model)
    finder = new_finder()
    with pytest.warns(UserWarning, match=message):
        model.fit(finite(0, batches), verbose=0, callbacks=[finder])
    assert same_state(before[:6], state_of(model)[:6])
    assert finder.stop_reason == ("incomplete" if batches < STEPS else "completed")


def test_nan_in_the_data_ends_the_sweep_alone():
    x, y = DATA[0], DATA[1].copy()
    y[40] = np.nan
    finder = new_finder(stop="divergence")
    with pytest.warns(UserWarning, match="no suggestion"):
        history = fit(noisy_model(), finder, data=(x, y))
    assert finder.stop_reason == "non_finite"
    assert len(history.epoch) == EPOCHS


@pytest.mark.long
def test_deep_copies_sweep_and_train():
    """As in a tuner, which copies the callbacks for each of its trials."""
    finder = new_finder()
    copies = [copy.deepcopy(finder) for _ in range(2)]
    for each in copies:
        model = noisy_model()
        fit(model, each)
        assert int(model.optimizer.iterations.numpy()) == 12 * EPOCHS - STEPS
    assert np.array_equal(*(each.sweep.loss for each in copies))
    assert finder.stop_reason is None


@pytest.mark.parametrize(
    ("arguments", "epochs", "message"),
    [
        (
            {},
            3,
            r"A ramp of 30 steps needs 120 batches in all, .* only has 36 \(12 per epoch\)\. Pass epochs=10",
        ),
        ({"num_steps": 15}, 3, "A ramp of 15 steps needs 60 batches in all, .* Pass epochs=5 to"),
        ({"per": "epoch"}, 60, "a ramp of 30 steps needs 120 epochs in all, .* only has 60. Pass epochs=120"),
    ],
)
def test_a_fit_that_is_too_short_is_refused(arguments, epochs, message):
    model = noisy_model()
    before = state_of(model)
    with pytest.raises(ValueError, match=message):
        fit(model, new_finder(**arguments), epochs=epochs)
    assert same_state(before, state_of(model))


def test_the_ramp_takes_at_most_a_quarter_of_the_fit():
    for num_steps in (None, 100):
        finder = new_finder(num_steps=num_steps)
        fit(small_model("sgd"), finder, epochs=15)
        assert len(finder.sweep) == 15 * 12 // 4


def test_without_restoring_there_is_no_training():
    with pytest.raises(ValueError, match="`restore` must be True with then='train'"):
        LRFinder(then="train", restore=False)
