"""The recorded learning rate is the applied one, and the original one is used again afterward."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import needs_multi_optimizer, several_batches_an_execution
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

OPTIMIZERS = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax",
    "Adafactor", "Nadam", "Ftrl", "Lion", "Lamb", "Muon", "ScheduleFreeAdamW",
]  # fmt: skip


def swept(model, num_steps=8, **arguments):
    """Sweep and keep the swept weights."""
    x, y = regression_data()
    options = {"start_lr": 1e-4, "end_lr": 0.1, "stop": None, "restore": False, "verbose": 0}
    finder = LRFinder(None, num_steps=num_steps, **options | arguments)
    model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def trained_with(model, rates):
    x, y = regression_data()
    replay(model, batches_of(x, y, epochs=4), rates)
    return model.get_weights()


def same_weights(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_list_is_that_of_keras():
    names = {
        name
        for name, kind in vars(keras.optimizers).items()
        if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer)
    }
    assert names - {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"} <= set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_the_weights_as_with_the_recorded_rate(name):
    if not hasattr(keras.optimizers, name):
        pytest.skip(f"Keras {keras.__version__} has no {name}")
    kind = getattr(keras.optimizers, name)
    settings = {"weight_decay": 0.01} if name in ("AdamW", "Muon", "ScheduleFreeAdamW") else {}
    model, twin = (small_model(kind(learning_rate=0.5, **settings)) for _ in range(2))
    # ScheduleFreeAdamW that Keras builds inside its first step copies the weights anew at every step.
    twin.optimizer.build(twin.trainable_variables)
    before = model.get_weights()
    finder = swept(model)
    expected = trained_with(twin, finder.sweep.learning_rate)
    assert not same_weights(before, expected)
    assert same_weights(model.get_weights(), expected)


def test_every_step_of_sgd_is_the_gradient_times_the_recorded_rate():
    """Bit for bit, from the weights alone: a net whose gradient is the same power of two at every step."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", lambda y_true, y_pred: -y_pred)
    model.layers[0].kernel.assign([[0.0]])
    weights = []
    spy = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: weights.append(
            float(
                spy.model.layers[0].kernel.numpy()[0, 0]
            )  # not `model`: on JAX its variables are empty here
        ),
    )
    finder = LRFinder(None, 1e-7, 10, 50, stop=None, verbose=0)
    model.fit(np.ones((50, 1)), np.ones((50, 1)), batch_size=1, verbose=0, callbacks=[spy, finder])
    # The loss falls by the rate itself; in float32, from where the weight was.
    before = np.array(weights, np.float32)
    after = before[:-1] + finder.sweep.learning_rate[:-1].astype(np.float32)
    assert np.array_equal(before[1:], after)
    assert before[1] == np.float32(1e-7)


SCHEDULES = {
    "exponential": lambda: keras.optimizers.schedules.ExponentialDecay(0.05, 10, 0.5),
    "cosine": lambda: keras.optimizers.schedules.CosineDecay(0.05, 40),
    "piecewise": lambda: keras.optimizers.schedules.PiecewiseConstantDecay([5, 9], [0.05, 0.01, 0.002]),
}


@pytest.mark.combinations
@pytest.mark.parametrize("already_trained", [False, True], ids=["fresh", "trained"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_is_overridden_and_continues_from_its_position(schedule, already_trained):
    x, y = regression_data()

    def model():
        model = small_model(keras.optimizers.Adam(SCHEDULES[schedule]()))
        if already_trained:
            model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
        return model

    plain, other = model(), model()
    finder = LRFinder(None, 1e-4, 0.1, 8, stop=None, verbose=0)
    other.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
    assert same_weights(plain.get_weights(), other.get_weights())
    for each in (plain, other):
        each.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    assert same_state(state_of(plain), state_of(other))

    kept = model()
    optimizer = keras.optimizers.Adam(0.5)
    twin = small_model(optimizer)
    twin.set_weights(kept.get_weights())
    if already_trained:
        optimizer.build(twin.trainable_variables)
        for target, source in zip(
            [v for v in optimizer.variables if v.name != "learning_rate"],
            kept.optimizer.variables,
            strict=True,
        ):
            target.assign(source.numpy())
    finder = swept(kept)
    assert same_weights(kept.get_weights(), trained_with(twin, finder.sweep.learning_rate))


def test_a_callable_is_overridden_and_used_again():
    asked = []

    def rate():
        asked.append(1)
        return 0.05

    model = small_model(keras.optimizers.SGD(rate))
    finder = swept(model)
    expected = trained_with(small_model(keras.optimizers.SGD(0.5)), finder.sweep.learning_rate)
    assert same_weights(model.get_weights(), expected)
    asked.clear()
    x, y = regression_data()
    model.fit(x, y, verbose=0)
    assert asked


def test_an_already_trained_model_with_a_float_rate():
    x, y = regression_data()
    model, twin = small_model(), small_model()
    for each in (model, twin):
        each.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    finder = swept(model)
    assert same_weights(model.get_weights(), trained_with(twin, finder.sweep.learning_rate))


@pytest.mark.parametrize("compile_arguments", [{"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_xla_and_eager(compile_arguments):
    model = small_model("sgd", **compile_arguments)
    finder = swept(model)
    expected = trained_with(small_model("sgd"), finder.sweep.learning_rate)
    assert all(np.allclose(a, b, rtol=1e-5) for a, b in zip(model.get_weights(), expected, strict=True))


@several_batches_an_execution
def test_several_batches_an_execution():
    model = small_model(steps_per_execution=4)
    finder = swept(model, num_steps=12)
    assert same_weights(model.get_weights(), trained_with(small_model(), finder.sweep.learning_rate))


def test_loss_scaling():
    def model():
        return small_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=8.0))

    first = model()
    finder = swept(first)
    assert same_weights(first.get_weights(), trained_with(model(), finder.sweep.learning_rate))


def test_gradient_accumulation_holds_the_rate_for_the_whole_update():
    def model():
        return small_model(keras.optimizers.SGD(0.5, gradient_accumulation_steps=3))

    first = model()
    finder = swept(first)
    rates = np.repeat(finder.sweep.learning_rate, 3)
    assert len(rates) == 24
    assert same_weights(first.get_weights(), trained_with(model(), rates))


def multi(rates=(0.5, 0.05)):
    first, second = (keras.optimizers.SGD(rate) for rate in rates)
    small = small_model()
    path = small.layers[1].kernel.path
    optimizer_map = keras.optimizers.OptimizerMap(first, {path: second})
    small.compile(keras.optimizers.MultiOptimizer(optimizer_map), "mse")
    return small


@needs_multi_optimizer
def test_the_groups_of_a_multi_optimizer_are_scaled_together():
    """The recorded rate is that of the default optimizer; the others keep their relation to it."""
    model, twin = multi(), multi()
    finder = swept(model)
    x, y = regression_data()
    for (inputs, targets, _), rate in zip(
        batches_of(x, y, epochs=2), finder.sweep.learning_rate, strict=False
    ):
        second, first = twin.optimizer.optimizers
        first.learning_rate, second.learning_rate = rate, 0.1 * rate
        twin.train_on_batch(inputs, targets)
    assert all(
        np.allclose(a, b, rtol=1e-6) for a, b in zip(model.get_weights(), twin.get_weights(), strict=True)
    )


@needs_multi_optimizer
def test_a_multi_optimizer_keeps_its_rates():
    model = multi()
    swept(model, restore=True)
    assert [float(each.learning_rate.numpy()) for each in model.optimizer.optimizers] == pytest.approx(
        [0.05, 0.5]
    )


@needs_multi_optimizer
def test_a_multi_optimizer_whose_default_rate_is_zero_is_refused():
    with pytest.raises(ValueError, match="MultiOptimizer are scaled relative"):
        swept(multi((0.0, 0.1)))


def test_other_callbacks_read_the_current_learning_rate():
    x, y = regression_data()
    model = small_model()
    seen = []
    spy = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(float(model.optimizer.learning_rate)),
    )
    finder = LRFinder(None, 1e-4, 0.1, 6, stop=None, verbose=0)
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[finder, spy])
    assert seen == finder.sweep.learning_rate.tolist()
    assert float(model.optimizer.learning_rate.numpy()) == np.float32(0.001)


def test_ramped_rates_that_are_set_in_between_do_not_act():
    """Whatever another callback sets, the ramp acts, and the rate from before it comes back."""
    x, y = regression_data()
    model = small_model("sgd")
    meddler = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: setattr(model.optimizer, "learning_rate", 7.0),
    )
    finder = LRFinder(None, 1e-4, 0.1, 6, stop=None, verbose=0)
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[meddler, finder])
    expected = replay(small_model("sgd"), batches_of(x, y), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)
    assert float(model.optimizer.learning_rate.numpy()) == np.float32(0.01)
