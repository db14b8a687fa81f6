"""`finder.apply()` on optimizers with schedules: the next `fit` trains with the scaled one."""

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from tb_lrfinder import LRFinder, ScaledSchedule
from tb_lrfinder.formatting import number_text, rate_text
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.schedules import peak
from tb_lrfinder.keras.sweep.set_learning_rate import set_learning_rate
from tests.keras.backends import needs_multi_optimizer, only_on_jax
from tests.keras.replay import regression_data, same_state, small_model, state_of
from tests.keras.schedules import InverseSqrt, rates_of

X, Y = regression_data(64)
FIT = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}  # 16 steps


def warmup(peak=0.02):
    return schedules.CosineDecay(0.1 * peak, 60, warmup_target=peak, warmup_steps=4)


def swept(model, verbose=0):
    finder = LRFinder(start_lr=1e-4, end_lr=10.0, num_steps=40, verbose=verbose)
    model.fit(X, Y, batch_size=16, epochs=10, verbose=0, callbacks=[finder])
    return finder


def schedule_of(optimizer):
    return internals.own_learning_rate(optimizer)


def peaks(*optimizers):
    return [
        peak(own) if callable(own := schedule_of(optimizer)) else float(optimizer.learning_rate.numpy())
        for optimizer in optimizers
    ]


def trained_with(optimizer, model):
    """The state of a twin of `model` after a `fit` with an optimizer of its own."""
    twin = small_model(optimizer, run_eagerly=model.run_eagerly)
    twin.optimizer.build(twin.trainable_variables)
    for target, source in zip(twin.variables, model.variables, strict=True):
        target.assign(source.numpy())
    for target, source in zip(twin.optimizer.variables, model.optimizer.variables, strict=True):
        target.assign(source.numpy())
    twin.fit(X, Y, **FIT)
    return state_of(twin)


eager_and_compiled = pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])


@eager_and_compiled
def test_the_next_fit_trains_with_the_scaled_schedule(run_eagerly):
    model = small_model(keras.optimizers.SGD(warmup()), run_eagerly=run_eagerly)
    finder = swept(model)
    suggestion = finder.suggestion.learning_rate
    assert np.float32(finder.apply()) == np.float32(suggestion)
    rates = rates_of(schedule_of(model.optimizer), range(16))
    assert rates.max() == np.float32(suggestion)
    np.testing.assert_allclose(rates, rates_of(warmup(suggestion), range(16)), rtol=1e-6)
    expected = trained_with(keras.optimizers.SGD(schedule_of(model.optimizer)), model)
    model.fit(X, Y, **FIT)
    assert same_state(state_of(model), expected)


@eager_and_compiled
def test_a_train_function_with_the_old_schedule_is_not_used_again(run_eagerly):
    model = small_model(keras.optimizers.SGD(warmup()), run_eagerly=run_eagerly)
    model.fit(X, Y, **FIT)
    set_learning_rate(model, [model.optimizer], 0.1)
    expected = trained_with(keras.optimizers.SGD(schedule_of(model.optimizer)), model)
    model.fit(X, Y, **FIT)
    assert same_state(state_of(model), expected)


@only_on_jax
def test_a_jitted_function_with_the_old_schedule_is_not_used_again():
    import jax

    optimizer = keras.optimizers.SGD(warmup())
    jitted = jax.jit(lambda step: 1 * schedule_of(optimizer)(step))
    old = float(jitted(3))
    model = small_model(optimizer)
    optimizer.iterations.assign(1)  # trained
    set_learning_rate(model, [optimizer], 0.04)
    assert float(jitted(3)) == pytest.approx(2 * old)


def test_a_schedule_of_a_user(tmp_path):
    model = small_model(keras.optimizers.SGD(InverseSqrt(warmup=5)))
    finder = swept(model)
    assert finder.apply() == pytest.approx(finder.suggestion.learning_rate, rel=1e-6)
    scaled = schedule_of(model.optimizer)
    assert isinstance(scaled, ScaledSchedule)
    expected = trained_with(keras.optimizers.SGD(scaled), model)
    model.fit(X, Y, **FIT)
    assert same_state(state_of(model), expected)
    model.save(tmp_path / "model.keras")
    loaded = schedule_of(keras.models.load_model(tmp_path / "model.keras").optimizer)
    np.testing.assert_array_equal(rates_of(loaded, range(9)), rates_of(scaled, range(9)))


def test_a_saved_model_has_the_scaled_schedule_and_no_class_of_ours(tmp_path):
    model = small_model(keras.optimizers.SGD(warmup()))
    applied = swept(model).apply()
    model.save(tmp_path / "model.keras")
    loaded = schedule_of(keras.models.load_model(tmp_path / "model.keras").optimizer)
    assert type(loaded) is schedules.CosineDecay
    assert loaded.warmup_target == pytest.approx(applied, rel=1e-6)


@pytest.mark.parametrize("schedule", [warmup(), InverseSqrt(warmup=5)], ids=["keras", "user"])
def test_setting_it_again_changes_nothing(schedule):
    optimizer = keras.optimizers.SGD(schedule)
    model = small_model(optimizer)
    first = set_learning_rate(model, [optimizer], 0.0123456789)
    assert first.learning_rate == pytest.approx(0.0123456789, rel=2e-7)
    config = schedule_of(optimizer).get_config()
    again = set_learning_rate(model, [optimizer], 0.0123456789)
    assert (again.learning_rate, again.message) == (first.learning_rate, "")
    assert schedule_of(optimizer).get_config() == config
    set_learning_rate(model, [optimizer], 0.3)  # scaled from its present peak
    assert rates_of(schedule_of(optimizer), range(20)).max() == pytest.approx(0.3, rel=1e-6)


def test_the_peak_of_a_training_that_ends_in_the_warmup():
    optimizer = keras.optimizers.SGD(warmup())
    change = set_learning_rate(small_model(optimizer), [optimizer], 0.5, num_steps=3)
    assert change.learning_rate == pytest.approx(0.5)
    assert rates_of(schedule_of(optimizer), range(3)).max() == pytest.approx(0.5)


def test_one_line_says_so(capsys):
    finder = swept(small_model(keras.optimizers.SGD(warmup(), name="sgd")), verbose=1)
    capsys.readouterr()
    applied = finder.apply()
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        "LR Finder: multiplied the learning rates of the schedule CosineDecay of 'sgd' by "
        f"{number_text(applied / 0.02, 3)}; the highest one of 'sgd' is now {rate_text(applied)}."
    )
    finder.apply()
    assert capsys.readouterr().out == ""


def test_without_verbose_nothing_is_printed(capsys):
    swept(small_model(keras.optimizers.SGD(warmup()))).apply()
    assert capsys.readouterr().out == ""


def test_loss_scaling():
    inner = keras.optimizers.SGD(warmup())
    outer = keras.optimizers.LossScaleOptimizer(inner)
    assert set_learning_rate(small_model(outer), [outer], 0.5).learning_rate == 0.5
    assert schedule_of(inner).warmup_target == pytest.approx(0.5)


def of_layers(*optimizers):
    """A model whose optimizer uses the first one by default, and the others for its kernels."""
    model = small_model()
    kernels = [layer.kernel.path for layer in model.layers[-2:]]
    optimizer_map = keras.optimizers.OptimizerMap(
        optimizers[0], dict(zip(kernels, optimizers[1:], strict=True))
    )
    model.compile(keras.optimizers.MultiOptimizer(optimizer_map), "mse")
    return model


@needs_multi_optimizer
@pytest.mark.parametrize("of_first", [warmup(), 0.02], ids=["schedule", "constant"])
def test_a_multi_optimizer_keeps_its_ratios(of_first):
    first, second, third = map(keras.optimizers.SGD, (of_first, warmup(0.04), 0.005))
    model = of_layers(first, second, third)
    for _ in range(2):
        assert set_learning_rate(model, [model.optimizer], 0.5).learning_rate == pytest.approx(0.5)
        assert peaks(first, second, third) == pytest.approx([0.5, 1.0, 0.125])


def test_several_optimizers_keep_their_ratios():
    first, second, frozen = map(keras.optimizers.SGD, (0.1, warmup(0.04), 0.0))
    change = set_learning_rate(small_model(first), [first, second, frozen], 0.2)
    assert f"of the schedule CosineDecay of {second.name!r} by 2;" in change.message
    assert f"{first.name!r} is now 0.2" in change.message
    assert peaks(first, second, frozen) == pytest.approx([0.2, 0.08, 0.0])


def test_a_reference_of_zero_beside_a_schedule():
    first, second = map(keras.optimizers.SGD, (0.0, warmup()))
    with pytest.raises(ValueError, match=f"a learning rate of 0 for {first.name!r}"):
        set_learning_rate(small_model(first), [first, second], 0.2)


def test_a_callable_beside_a_schedule_is_refused_before_anything_is_set():
    first, second = keras.optimizers.SGD(warmup()), keras.optimizers.SGD(lambda: 0.01)
    with pytest.raises(TypeError, match="is a callable"):
        set_learning_rate(small_model(first), [first, second], 0.2)
    assert schedule_of(first).warmup_target == 0.02
