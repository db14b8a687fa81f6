"""The loss on a fixed sample at every learning rate."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.keras.sweep.validation_loss import ValidationLoss, fixed_sample
from tests.keras.backends import several_batches_an_execution, tensorflow_data
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of


def finder(validation_data, **arguments):
    options = {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": 6, "stop": None, "verbose": 0}
    return LRFinder(None, validation_data=validation_data, **options | arguments)


def regularized_model(**arguments):
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", metrics=["mae"], **arguments)
    return model


@pytest.mark.parametrize("compile_arguments", [{}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_it_is_the_loss_of_evaluate_after_the_step(compile_arguments):
    validation = regression_data(40, seed=3)
    model = regularized_model(**compile_arguments)
    expected = []
    spy = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: expected.append(_evaluate_elsewhere(spy.model, validation))
    )
    sweep = finder(validation)
    model.fit(*regression_data(), batch_size=16, verbose=0, callbacks=[spy, sweep])
    assert sweep.sweep.validation_loss == pytest.approx(expected, rel=1e-5)


def _evaluate_elsewhere(model, data):
    """`evaluate` of a twin, so that the model's metrics are left alone."""
    twin = regularized_model()
    twin.set_weights(model.get_weights())
    return twin.evaluate(*data, batch_size=len(data[0]), verbose=0)[0]


def test_it_changes_nothing():
    """Dropout's seeds, batch statistics, metrics and History are as without it."""
    states = []
    for validation in (None, regression_data(40, seed=3)):
        model = regularized_model()
        sweep = finder(validation, restore=False)
        history = model.fit(*regression_data(), batch_size=16, verbose=0, callbacks=[sweep])
        metrics = np.array([history.history["loss"], history.history["mae"]])
        states.append([*state_of(model), sweep.sweep.loss, metrics])
    assert same_state(*states)


def test_several_outputs_keep_their_own_loss_trackers():
    def run(validation):
        keras.utils.set_random_seed(7)
        inputs = keras.Input((4,))
        outputs = [keras.layers.Dense(1, name="p")(inputs), keras.layers.Dense(1, name="q")(inputs)]
        model = keras.Model(inputs, outputs)
        model.compile("sgd", ["mse", "mae"])
        x, y = regression_data()
        data = None if validation is None else (validation[0], [validation[1]] * 2)
        sweep = finder(data)
        history = model.fit(x, [y, y], batch_size=16, shuffle=False, verbose=0, callbacks=[sweep])
        return history.history, sweep

    plain, _ = run(None)
    observed, sweep = run(regression_data(40, seed=3))
    assert set(plain) == {"loss", "p_loss", "q_loss"}
    assert observed == plain
    assert np.isfinite(sweep.sweep.validation_loss).all()


def test_a_large_set_is_sampled_once_and_the_same_each_time():
    x, y = regression_data(1000)
    first, again = fixed_sample((x, y), 256, None), fixed_sample((x, y), 256, None)
    other = fixed_sample((x, y), 256, 1)
    assert first[0].shape == (256, 4)
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])
    assert all(any(np.array_equal(row, each) for each in x) for row in first[0][:5])


def test_sample_weights_of_the_validation_data():
    x, y = regression_data(40)
    weight = np.r_[np.ones(20), np.zeros(20)].astype("float32")
    model = small_model()
    half = ValidationLoss(model, (x, y, weight), 256, None)()
    assert half == pytest.approx(ValidationLoss(model, (x[:20], y[:20]), 256, None)() / 2, rel=1e-5)


class _Batches(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        x, y = regression_data(40)
        return x[8 * index :][:8], y[8 * index :][:8]


@pytest.mark.parametrize(
    "data",
    [
        lambda: tensorflow_data().Dataset.from_tensor_slices(regression_data(40)).batch(8),
        lambda: tensorflow_data().Dataset.from_tensor_slices(regression_data(40)).batch(8).repeat(),
        _Batches,
        lambda: ((x, y) for x, y, _ in batches_of(*regression_data(40), batch_size=8)),
    ],
    ids=["dataset", "endless dataset", "PyDataset", "generator"],
)
def test_datasets_are_read_until_there_are_samples_enough(data):
    x, y, weight = fixed_sample(data(), 20, None)
    assert np.array_equal(x, regression_data(40)[0][:20])
    assert np.array_equal(y, regression_data(40)[1][:20])
    assert weight is None


@pytest.mark.parametrize(
    "bad", [(np.ones((3, 4)), None), (np.ones((0, 4)), np.ones((0, 1)))], ids=["no y", "empty"]
)
def test_unusable_data_is_an_error_before_the_first_batch(bad):
    model = small_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"`validation_data` must be .* with samples and targets"):
        model.fit(*regression_data(), verbose=0, batch_size=8, callbacks=[finder(bad)])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@several_batches_an_execution
def test_with_several_batches_an_execution_the_last_row_of_each_has_one():
    model = small_model(steps_per_execution=3)
    sweep = finder(regression_data(40, seed=3))
    model.fit(*regression_data(), batch_size=16, verbose=0, callbacks=[sweep])
    assert np.isfinite(sweep.sweep.validation_loss).tolist() == [False, False, True] * 2


def test_with_several_batches_a_step_each_row_has_one():
    sweep = finder(regression_data(40, seed=3), num_steps=3, batches_per_step=2)
    small_model().fit(*regression_data(), batch_size=16, verbose=0, callbacks=[sweep])
    assert np.isfinite(sweep.sweep.validation_loss).all()


def test_validation_data_of_the_finder_has_priority_over_that_of_fit():
    own = regression_data(40, seed=3)
    sweep = finder(own, per="epoch", num_steps=3)
    model = small_model()
    history = model.fit(
        *regression_data(), epochs=3, validation_data=regression_data(), verbose=0, callbacks=[sweep]
    )
    assert np.isfinite(sweep.sweep.validation_loss).all()
    assert not np.allclose(sweep.sweep.validation_loss, history.history["val_loss"])


def test_training_losses_stay_true_with_it():
    x, y = regression_data()
    sweep = finder((x, y))
    small_model().fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[sweep])
    expected = replay(small_model(), batches_of(x, y), sweep.sweep.learning_rate)
    assert sweep.sweep.loss == pytest.approx(expected, rel=1e-6)
