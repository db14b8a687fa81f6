"""Training after a sweep is bit for bit the same as without the sweep."""

import random
import re

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.keras import internals
from tests.keras.backends import (
    BACKEND,
    averaged_weights,
    draw_from_backend,
    only_on_tensorflow,
    several_batches_an_execution,
    tensorflow_data,
)
from tests.keras.replay import regression_data, same_state, small_model, state_of


def finder(**arguments):
    options = {"start_lr": 1e-4, "end_lr": 10.0, "num_steps": 10, "stop": None, "verbose": 0}
    return LRFinder(None, **options | arguments)


def train(model, data, *, epochs=2, **arguments):
    model.fit(*data, epochs=epochs, verbose=0, **arguments)
    return state_of(model)


def noisy_model(optimizer="adam", *, with_input=True, **compile_arguments):
    """Everything that has state: dropout's seeds, batch statistics, a layer that draws without a seed."""
    keras.utils.set_random_seed(7)
    layers = [
        keras.layers.Dense(8, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.3),
        keras.layers.GaussianNoise(0.1),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(([keras.Input((4,))] if with_input else []) + layers)
    model.compile(optimizer, "mse", **compile_arguments)
    return model


def assert_no_trace(make_model, data=None, *, warm_up=False, sweep_arguments=None, **fit_arguments):
    """Train one model after a sweep, another without one, and compare all that there is."""
    data = regression_data() if data is None else data
    states, draws = [], []
    for swept in (False, True):
        model = make_model()
        keras.utils.set_random_seed(11)
        if warm_up:
            train(model, data, batch_size=16, **fit_arguments)
        if swept:
            before = model.get_weights()
            sweep = finder(**sweep_arguments or {})
            model.fit(*data, batch_size=16, epochs=4, verbose=0, callbacks=[sweep], **fit_arguments)
            assert len(sweep.sweep) == 10
            if before:
                assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        states.append(train(model, data, batch_size=16, **fit_arguments))
        numpy_draw = np.random.random()  # noqa: NPY002 - the generator that other code shares
        draws.append((random.random(), numpy_draw, draw_from_backend()))
    assert same_state(*states)
    assert draws[0] == draws[1]


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "nadam": lambda: keras.optimizers.Nadam(0.01),
    "ema": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.05, 30)),
    "accumulation": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=4),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.01), initial_scale=64.0, dynamic_growth_steps=3
    ),
}


@pytest.mark.combinations
@pytest.mark.parametrize("warm_up", [False, True], ids=["fresh", "trained"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_optimizer_and_all_that_is_random(optimizer, warm_up):
    epochs_of_ramp = {"num_steps": 10, "end_lr": 0.1}
    if optimizer == "ema" and warm_up and BACKEND == "jax":
        pytest.skip(averaged_weights.kwargs["reason"])
    if optimizer == "accumulation":
        data = regression_data(192)  # 12 batches an epoch: 40 are needed
        assert_no_trace(lambda: noisy_model(OPTIMIZERS[optimizer]()), data, warm_up=warm_up)
    else:
        assert_no_trace(
            lambda: noisy_model(OPTIMIZERS[optimizer]()), warm_up=warm_up, sweep_arguments=epochs_of_ramp
        )


def test_shuffled_arrays():
    """`shuffle=True`, as it is by default: the order after the sweep is that without it."""
    assert_no_trace(noisy_model, shuffle=True)


def test_a_model_without_variables():
    assert_no_trace(lambda: noisy_model(with_input=False))


def test_a_subclassed_model_without_variables():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.drop, self.out = (
                keras.layers.Dense(8),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(1),
            )

        def call(self, inputs, training=False):
            return self.out(self.drop(self.hidden(inputs), training=training))

    def make():
        keras.utils.set_random_seed(7)
        model = Net()
        model.compile("adam", "mse", metrics=["mae"])
        return model

    assert_no_trace(make)


def test_building_an_unbuilt_model_does_not_use_up_data():
    x, y = regression_data(32)
    seen = []

    def batches():
        for start in range(0, 32, 8):
            seen.append(start)
            yield x[start : start + 8], y[start : start + 8]

    model = noisy_model(with_input=False)
    sweep = finder(num_steps=4)
    model.fit(batches(), verbose=0, callbacks=[sweep])
    assert len(sweep.sweep) == 4
    assert seen[:4] == [0, 8, 16, 24]


@several_batches_an_execution
def test_several_batches_an_execution():
    assert_no_trace(lambda: noisy_model(steps_per_execution=4))


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    assert_no_trace(noisy_model)


def test_a_tf_dataset_that_restarts():
    x, y = regression_data()
    data = tensorflow_data().Dataset.from_tensor_slices((x, y)).batch(16)
    states = []
    for swept in (False, True):
        model = noisy_model()
        if swept:
            model.fit(data, epochs=4, verbose=0, callbacks=[finder()])
        model.fit(data, epochs=2, verbose=0)
        states.append(state_of(model))
    assert same_state(*states)


class _Batches(keras.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        x, y = regression_data()
        return x[16 * index :][:16], y[16 * index :][:16]


def test_a_py_dataset_that_shuffles_with_pythons_random_numbers():
    states = []
    for swept in (False, True):
        model = noisy_model()
        keras.utils.set_random_seed(11)
        if swept:
            model.fit(_Batches(), epochs=4, verbose=0, shuffle=True, callbacks=[finder()])
        model.fit(_Batches(), epochs=2, verbose=0, shuffle=True)
        states.append(state_of(model))
    assert same_state(*states)


class _UnseededNoise(keras.layers.Layer):
    """Draws from Keras' global generator, whose state belongs to no layer."""

    def call(self, inputs):
        return inputs + 0.1 * keras.random.normal(keras.ops.shape(inputs))


@pytest.mark.skipif(BACKEND == "jax", reason="Keras on JAX refuses random numbers without a seed")
@pytest.mark.parametrize("used_before", [True, False])
def test_the_global_generator_of_keras(used_before):
    def make():
        keras.utils.set_random_seed(7)
        model = keras.Sequential([keras.Input((4,)), _UnseededNoise(), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    states = []
    for swept in (False, True):
        model = make()
        keras.utils.set_random_seed(3)
        internals.set_global_seed_generator(None)  # the one that making the model has used
        if used_before:
            keras.random.uniform(())
        if swept:
            model.fit(*regression_data(), epochs=4, verbose=0, callbacks=[finder()])
        states.append([*train(model, regression_data()), np.array(keras.random.uniform((3,)))])
    assert same_state(*states)


@pytest.mark.skipif(BACKEND == "torch", reason="the data loader of torch draws numbers of its own")
def test_random_numbers_that_are_drawn_during_the_sweep_come_again():
    def draw():
        numpy_draw = np.random.random()  # noqa: NPY002 - the generator that other code shares
        return random.random(), numpy_draw, draw_from_backend(), float(keras.random.uniform(()))

    def seed():
        keras.utils.set_random_seed(5)
        internals.set_global_seed_generator(None)  # which older versions of Keras do not do
        draw()

    seed()
    expected = [draw() for _ in range(10)]
    drawn = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: drawn.append(draw()))
    model = noisy_model()
    seed()
    model.fit(*regression_data(), batch_size=8, shuffle=False, verbose=0, callbacks=[spy, finder()])
    assert drawn == expected  # nor does the finder draw any itself
    assert draw() == expected[0]


@only_on_tensorflow
def test_generators_that_were_made_for_the_backend():
    import tensorflow as tf

    generator = tf.random.get_global_generator()
    generator.reset_from_seed(5)
    expected = generator.uniform((3,)).numpy()
    generator.reset_from_seed(5)
    drawing = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: generator.uniform(()))
    model = noisy_model()
    model.fit(*regression_data(), epochs=4, verbose=0, callbacks=[drawing, finder()])
    assert np.array_equal(generator.uniform((3,)).numpy(), expected)


def test_the_model_has_no_additional_attributes_afterward():
    model = small_model()
    model.fit(*regression_data(), verbose=0)
    owners = [model, model.optimizer, *model.metrics]
    names = [set(vars(owner)) for owner in owners]
    train_function, tracker = model.train_function, model._loss_tracker
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder()])
    kept = {"_lr_finder_train_function"}  # until `compile`, see test_cached_train_function.py
    assert [set(vars(owner)) - kept for owner in owners] == names
    assert model.train_function is train_function
    assert model._loss_tracker is tracker


def test_the_model_is_restored_when_validation_and_the_epoch_hooks_see_it():
    model = small_model()
    before = model.get_weights()
    seen = []

    class Spy(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append(("validation", model.get_weights()))

        def on_epoch_end(self, epoch, logs=None):
            seen.append(("epoch", model.get_weights()))

    data = regression_data()
    unswept = model.evaluate(*data, verbose=0)
    history = model.fit(
        *data, batch_size=8, verbose=0, validation_data=data, callbacks=[Spy(), finder(num_steps=5)]
    )
    assert [kind for kind, _ in seen] == ["validation", "epoch"]
    assert all(np.array_equal(a, b) for _, weights in seen for a, b in zip(weights, before, strict=True))
    assert history.history["val_loss"] == pytest.approx([unswept], rel=1e-6)


def test_restore_false_keeps_the_swept_model():
    model = small_model()
    before = model.get_weights()
    sweep = finder(restore=False)
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[sweep])
    assert not np.array_equal(before[0], model.get_weights()[0])
    assert int(model.optimizer.iterations.numpy()) == 10
    assert float(model.optimizer.learning_rate.numpy()) == np.float32(0.001)  # the ramp itself is over
    assert "train_step" not in vars(model)


def test_a_second_optimizer_of_the_model_is_restored_too():
    model = small_model("sgd")
    second = keras.optimizers.Adam(0.1)
    second.build(model.trainable_variables)
    model.second = second
    step = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: second.apply(
            [v * 0 + 1 for v in step.model.trainable_variables]
        ),
    )
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[step, finder()])
    assert int(second.iterations.numpy()) == 0
    assert not any(np.any(v.numpy()) for v in second.variables if v.name != "learning_rate")


def test_one_snapshot_is_taken_and_released():
    model = small_model()
    model.optimizer.build(model.trainable_variables)
    sweep = finder()
    during = []
    spy = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: during.append(sweep.snapshot_bytes)
    )
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[sweep, spy])
    numbers = sum(array.nbytes for array in state_of(model))
    assert numbers <= during[0] < 1.5 * numbers
    assert sweep.snapshot_bytes == 0


def test_a_large_snapshot_is_announced(monkeypatch, capsys):
    from tb_lrfinder.keras.sweep import prepared_sweep

    small_model().fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder()])
    assert not capsys.readouterr().out
    monkeypatch.setattr(prepared_sweep, "_NOTICE_THRESHOLD_BYTES", 100)
    small_model().fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder()])
    assert re.search(r"keeping a copy of the weights .* GB\).*restore=False", capsys.readouterr().out)
