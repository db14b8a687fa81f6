"""The recorded loss of each batch is that of the weights before it."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import several_batches_an_execution
from tests.keras.replay import batches_of, regression_data, replay, small_model


def sweep(model, *data, num_steps=12, epochs=2, batch_size=16, finder=None, **arguments):
    """A sweep whose rates move the weights visibly from one batch to the next."""
    options = {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": num_steps, "stop": None, "verbose": 0}
    finder = LRFinder(None, **options | (finder or {}))
    history = model.fit(
        *data, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0, callbacks=[finder], **arguments
    )
    finder.history = history.history
    return finder


def test_each_batch_over_several_epochs_with_a_partial_last_one():
    x, y = regression_data(90)  # five full batches and one of ten
    finder = sweep(small_model(), x, y)
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert len(finder.sweep) == 12
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)
    # The running mean of the epoch, which is what the logs hold, is something else.
    assert finder.history["loss"][1] != pytest.approx(expected[11], rel=1e-2)


def test_sample_weights():
    x, y = regression_data()
    weight = np.linspace(0, 3, len(x)).astype("float32")
    finder = sweep(small_model(), x, y, sample_weight=weight)
    expected = replay(small_model(), batches_of(x, y, weight, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


def classifier(**compile_arguments):
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", **compile_arguments)
    return model


def test_class_weights():
    x, _ = regression_data()
    y = np.random.default_rng(0).integers(0, 3, len(x))
    class_weight = {0: 0.1, 1: 1.0, 2: 5.0}
    finder = sweep(classifier(), x, y, class_weight=class_weight)
    weight = np.array([class_weight[label] for label in y], "float32")
    expected = replay(classifier(), batches_of(x, y, weight, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


class _Penalty(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(0.3 * keras.ops.mean(keras.ops.square(inputs)))
        return inputs


def test_regularizers_and_add_loss_are_part_of_it():
    def model():
        keras.utils.set_random_seed(7)
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.1))(inputs)
        outputs = keras.layers.Dense(1, activity_regularizer=keras.regularizers.L1(0.05))(_Penalty()(hidden))
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        return model

    x, y = regression_data()
    finder = sweep(model(), x, y)
    expected = replay(model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


def test_several_inputs_and_outputs():
    def model():
        keras.utils.set_random_seed(7)
        a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
        both = keras.layers.Concatenate()([a, b])
        outputs = {"p": keras.layers.Dense(1, name="p")(both), "q": keras.layers.Dense(2, name="q")(both)}
        model = keras.Model({"a": a, "b": b}, outputs)
        model.compile(
            "sgd", {"p": "mse", "q": "mae"}, loss_weights={"p": 1.0, "q": 0.5}, metrics={"p": ["mae"]}
        )
        return model

    x, y = regression_data()
    inputs, targets = {"a": x, "b": x[::-1].copy()}, {"p": y, "q": np.hstack([y, -y])}
    finder = sweep(model(), inputs, targets)
    expected = replay(model(), batches_of(inputs, targets, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


def test_masked_sequences():
    def model():
        keras.utils.set_random_seed(7)
        model = keras.Sequential(
            [
                keras.Input((6,), dtype="int32"),
                keras.layers.Embedding(10, 4, mask_zero=True),
                keras.layers.LSTM(5, return_sequences=True),
                keras.layers.Dense(1),
            ]
        )
        model.compile("sgd", "mse")
        return model

    rng = np.random.default_rng(0)
    x = rng.integers(1, 10, (48, 6)).astype("int32")
    x[np.arange(6) >= rng.integers(1, 7, (48, 1))] = 0
    y = rng.normal(size=(48, 6, 1)).astype("float32")
    finder = sweep(model(), x, y, num_steps=6)
    expected = replay(model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("samples", [96, 90])
@pytest.mark.parametrize("steps_per_execution", [4, 32])
@several_batches_an_execution
def test_a_row_for_each_batch_of_an_execution(steps_per_execution, samples):
    """Six batches an epoch: executions of four and two, or one of six."""
    x, y = regression_data(samples)
    finder = sweep(small_model(steps_per_execution=steps_per_execution), x, y)
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.step.tolist() == list(range(12))
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


def test_compiled_by_xla():
    x, y = regression_data()
    finder = sweep(small_model(jit_compile=True), x, y)
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-5)


@several_batches_an_execution
def test_compiled_by_xla_with_several_batches_an_execution():
    x, y = regression_data()
    finder = sweep(small_model(jit_compile=True, steps_per_execution=3), x, y)
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-5)


def test_run_eagerly():
    x, y = regression_data()
    finder = sweep(small_model(run_eagerly=True), x, y, num_steps=6)
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


def test_mixed_precision_with_its_loss_scaling():
    keras.config.set_dtype_policy("mixed_float16")
    x, y = regression_data()
    model = small_model()
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"
    finder = sweep(model, x, y)
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-3)


def test_a_fixed_loss_scale_is_not_part_of_the_loss():
    x, y = regression_data()
    scaled = keras.optimizers.SGD(0.01, loss_scale_factor=128.0)
    finder = sweep(small_model(scaled), x, y)
    expected = replay(small_model("sgd"), batches_of(x, y, epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-5)


def accumulating(steps=3):
    return small_model(keras.optimizers.SGD(0.01, gradient_accumulation_steps=steps))


def test_gradient_accumulation_has_a_row_for_each_update():
    x, y = regression_data()
    finder = sweep(accumulating(), x, y, num_steps=4)
    expected = replay(accumulating(), batches_of(x, y, epochs=2), finder.sweep.learning_rate, 3)
    assert finder.sweep.loss == pytest.approx(expected.reshape(4, 3).mean(axis=1), rel=1e-6)


def test_an_accumulation_that_was_left_unfinished_is_finished_first():
    """Two of three batches are behind, so the first row is the one batch that its update lacks."""
    x, y = regression_data()
    model, twin = accumulating(), accumulating()
    for each in (model, twin):
        each.fit(x[:32], y[:32], batch_size=16, shuffle=False, verbose=0)
    finder = sweep(model, x, y, num_steps=4, epochs=2)
    rates = np.repeat(finder.sweep.learning_rate, 3)[2:]
    expected = replay(twin, batches_of(x, y, epochs=2), rates)
    assert finder.sweep.loss[0] == pytest.approx(expected[0], rel=1e-6)
    assert finder.sweep.loss[1:] == pytest.approx(expected[1:10].reshape(3, 3).mean(axis=1), rel=1e-6)


@pytest.mark.parametrize("steps_per_execution", [1, pytest.param(4, marks=several_batches_an_execution)])
def test_several_batches_per_step_are_averaged(steps_per_execution):
    x, y = regression_data()
    finder = sweep(
        small_model(steps_per_execution=steps_per_execution),
        x,
        y,
        num_steps=4,
        finder={"batches_per_step": 3},
    )
    expected = replay(small_model(), batches_of(x, y, epochs=2), finder.sweep.learning_rate, 3)
    assert finder.sweep.loss == pytest.approx(expected.reshape(4, 3).mean(axis=1), rel=1e-6)


def test_history_is_the_same_as_without_a_sweep():
    """The mean over the epoch's batches by their size, which the logs have, and not the last batch's."""
    x, y = regression_data(90)
    finder = sweep(small_model(metrics=["mae"]), x, y)
    sizes = np.array([16] * 5 + [10])
    by_epoch = finder.sweep.loss.reshape(2, 6) @ sizes / sizes.sum()
    assert finder.history["loss"] == pytest.approx(by_epoch, rel=1e-5)
    assert set(finder.history) == {"loss", "mae"}


def test_history_of_the_stopped_epoch_is_that_of_the_sweeps_training():
    x, y = regression_data()
    finder = sweep(small_model(), x, y, num_steps=3, epochs=1)
    assert finder.history["loss"][0] == pytest.approx(finder.sweep.loss.mean(), rel=1e-5)


def test_what_other_callbacks_see_of_each_batch_is_the_running_mean():
    x, y = regression_data()
    seen = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    finder = LRFinder(None, start_lr=1e-3, end_lr=0.2, num_steps=6, stop=None, verbose=0)
    small_model().fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[finder, spy])
    assert all(set(logs) == {"loss"} for logs in seen)
    means = np.cumsum(finder.sweep.loss) / np.arange(1, 7)
    assert [logs["loss"] for logs in seen] == pytest.approx(means, rel=1e-6)
