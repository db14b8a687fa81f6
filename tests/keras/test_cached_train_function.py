"""The swept train function of a compiled model is traced once, and each sweep is as exact as the first."""

import copy
import gc
import pickle
import weakref

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.sweep.trace_key import TraceKey
from tests.keras.backends import (
    BACKEND,
    needs_multi_optimizer,
    needs_traces,
    only_on_tensorflow,
    several_batches_an_execution,
)
from tests.keras.custom_steps import CustomStep
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of
from tests.keras.test_no_trace import noisy_model

RAMPS = [
    {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": 12},
    {"start_lr": 1e-2, "end_lr": 0.1, "num_steps": 7, "seed": 3},
    {"start_lr": 1e-4, "end_lr": 0.5, "num_steps": 9, "ramp": "linear"},
]
TRACED = BACKEND != "torch"


def built(optimizer="adam", **arguments):
    """A model whose optimizer has been built before the sweep, as by training."""
    model = small_model(optimizer, **arguments)
    model.optimizer.build(model.trainable_variables)
    return model


def sweep(model, callbacks=(), **arguments):
    finder = LRFinder(None, **{"stop": None, "verbose": 0, **RAMPS[0], **arguments})
    model.fit(
        *regression_data(),
        batch_size=16,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[*callbacks, finder],
    )
    return finder


def assert_exact(finder, twin, rel=1e-6):
    expected = replay(twin, batches_of(*regression_data(), epochs=2), finder.sweep.learning_rate)
    assert len(finder.sweep) == len(expected)
    assert finder.sweep.loss == pytest.approx(expected, rel=rel)


RUNS = [0]  # not an attribute of the model, on which its trace could depend


GLOBAL_FACTOR = 1.0


class Counting(CustomStep):
    """Counts how often Python runs the train step."""

    class_factor = 1.0

    def __init__(self, optimizer="sgd", **arguments):
        super().__init__(optimizer, **arguments)
        self(np.zeros((1, 4), "float32"))
        self.optimizer.build(self.trainable_variables)

    def train_step(self, *arguments):
        RUNS[0] += 1
        return super().train_step(*arguments)

    def finish(self, loss, y, y_pred):
        return {"loss": loss * self.class_factor * GLOBAL_FACTOR}


def traces(*sweeps):
    """Number of traces of each sweep."""
    counted = []
    for each in sweeps:
        before = RUNS[0]
        each()
        counted.append(RUNS[0] - before)
    return counted


class TestTraces:
    pytestmark = needs_traces

    def test_one_for_three_sweeps_and_another_one_after_compile(self):
        model = Counting()
        assert traces(*(lambda ramp=ramp: sweep(model, **ramp) for ramp in RAMPS)) == [1, 0, 0]
        model.compile("sgd", "mse")
        model.optimizer.build(model.trainable_variables)
        assert traces(lambda: sweep(model), lambda: sweep(model)) == [1, 0]

    def test_another_one_for_a_longer_ramp(self):
        model = Counting()
        assert traces(lambda: sweep(model, num_steps=5), lambda: sweep(model, num_steps=12)) == [1, 0]

    def test_another_one_for_other_arguments(self):
        model = Counting()
        sweep(model)
        others = [{"batches_per_step": 2, "num_steps": 6}, {"per": "epoch", "num_steps": 2}]
        assert traces(*(lambda one=one: sweep(model, **one) for one in others)) == [1, 1]

    def test_training_in_between_does_not_count(self):
        model = Counting()
        sweep(model)
        model.fit(*regression_data(), batch_size=16, verbose=0)
        assert traces(lambda: sweep(model)) == [0]

    def test_another_one_after_an_error(self):
        def boom(batch, logs):
            if batch == 3:
                raise OSError("gone")

        model = Counting()
        sweep(model)
        with pytest.raises(OSError, match="gone"):
            sweep(model, [keras.callbacks.LambdaCallback(on_train_batch_end=boom)])
        assert traces(lambda: sweep(model)) == [1]

    def test_another_one_after_ctrl_c(self):
        def interrupt(batch, logs):
            if batch == 3:
                raise KeyboardInterrupt

        model = Counting()
        sweep(model)
        with pytest.raises(KeyboardInterrupt):
            sweep(model, [keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)])
        assert traces(lambda: sweep(model)) == [1]

    @only_on_tensorflow  # elsewhere `fit` builds it, and it remains built
    def test_nothing_is_kept_if_the_sweep_has_built_the_optimizer(self):
        model = small_model()
        sweep(model)
        assert not model.optimizer.built
        assert not kept(model)


class TestKeys:
    """`TraceKey` without any training, whose cases would take long."""

    pytestmark = needs_traces

    def test_equal_if_nothing_changes(self):
        model = Counting()
        assert TraceKey(model, "loss", 1) == TraceKey(model, "loss", 1)
        assert TraceKey(model, "loss", 1) != TraceKey(model, "loss", 2)
        assert TraceKey(model) != TraceKey(Counting())

    def test_equal_after_training(self):
        model = Counting()
        model.fit(*regression_data(), batch_size=16, verbose=0)
        before = TraceKey(model)
        model.fit(*regression_data(), batch_size=8, epochs=2, verbose=0)
        model.evaluate(*regression_data(), verbose=0)
        model.predict(regression_data()[0], verbose=0)
        model.optimizer.learning_rate = 0.5
        assert TraceKey(model) == before

    @pytest.mark.parametrize(
        "change",
        [
            lambda model: setattr(model, "run_eagerly", True),
            lambda model: setattr(model, "jit_compile", not model.jit_compile),
            lambda model: setattr(model, "steps_per_execution", 2),
            lambda model: setattr(model.hidden, "trainable", False),
            lambda model: setattr(model.optimizer, "clipnorm", 1.0),
            lambda model: setattr(model, "factor", 2.0),
            lambda model: setattr(model, "options", {"factor": 2.0}),
            lambda model: setattr(model, "loss_of", lambda x, y, y_pred: keras.ops.mean(y_pred)),
            lambda model: setattr(type(model), "class_factor", 2.0),
            lambda model: globals().update(GLOBAL_FACTOR=2.0),
            lambda model: model.compile("sgd", "mse"),
            lambda model: model.compile(model.optimizer, "mae"),
        ],
    )
    def test_different_after_any_change(self, change, monkeypatch):
        monkeypatch.setattr(Counting, "class_factor", 1.0)
        monkeypatch.setitem(globals(), "GLOBAL_FACTOR", 1.0)
        model = Counting()
        model.factor, model.options = 1.0, {"factor": 1.0}
        before = TraceKey(model)
        change(model)
        assert TraceKey(model) != before


def kept(model):
    return [name for name in internals.attributes_until_compile(model) if name.startswith("_lr_finder")]


class TestExactness:
    def test_the_losses_of_each_sweep(self):
        model = built()
        before = state_of(model)
        for ramp in RAMPS:
            assert_exact(sweep(model, **ramp), built())
            assert same_state(before, state_of(model))
        assert bool(kept(model)) is TRACED

    def test_compiled_by_xla(self):
        model = built(jit_compile=True)
        for ramp in RAMPS[:2]:
            assert_exact(sweep(model, **ramp), built(), rel=1e-5)

    @several_batches_an_execution
    def test_several_batches_an_execution(self):
        model = built(steps_per_execution=4)
        for ramp in RAMPS[:2]:
            assert_exact(sweep(model, **ramp), built())

    def test_dropout_and_batch_statistics_start_anew(self):
        model = noisy_model()
        model.optimizer.build(model.trainable_variables)
        first, second, third = (sweep(model) for _ in range(3))
        assert bool(kept(model)) is TRACED
        assert first.sweep.loss.tolist() == second.sweep.loss.tolist() == third.sweep.loss.tolist()

    def test_training_afterwards_is_as_without(self):
        model, twin = built(), built()
        for ramp in RAMPS[:2]:
            sweep(model, **ramp)
        for each in (model, twin):
            each.fit(*regression_data(), batch_size=16, epochs=2, shuffle=False, verbose=0)
        assert same_state(state_of(model), state_of(twin))

    def test_weights_that_were_trained_in_between(self):
        model, twin = built(), built()
        sweep(model)
        for each in (model, twin):
            each.fit(*regression_data(), batch_size=16, shuffle=False, verbose=0)
        assert_exact(sweep(model, **RAMPS[1]), twin)

    def test_two_models_and_two_finders_by_turns(self):
        models = {"sgd": built("sgd"), "adam": built("adam")}
        for ramp in RAMPS[:2]:
            for optimizer, model in models.items():
                assert_exact(sweep(model, **ramp), built(optimizer))

    def test_another_optimizer_in_between(self):
        model = built("sgd")
        sweep(model)
        model.compile("adam", "mse")
        assert_exact(sweep(model, **RAMPS[1]), built("adam"))

    def test_a_layer_that_was_frozen_in_between(self):
        def frozen():
            model = built("sgd")
            model.layers[0].trainable = False
            model.compile("sgd", "mse")
            return model

        model = built("sgd")
        sweep(model)
        model.layers[0].trainable = False
        model.compile("sgd", "mse")
        assert_exact(sweep(model, **RAMPS[1]), frozen())

    @needs_multi_optimizer
    def test_another_learning_rate_of_one_of_two_optimizers(self):
        """The ratios of the optimizers are no part of the trace."""

        def model_of(rate):
            model = small_model()
            first, second = keras.optimizers.SGD(0.01), keras.optimizers.SGD(rate)
            where = keras.optimizers.OptimizerMap(first, {model.layers[1].kernel.path: second})
            model.compile(keras.optimizers.MultiOptimizer(where), "mse")
            model.optimizer.build(model.trainable_variables)
            return model, second

        (model, second), (twin, _) = model_of(0.02), model_of(0.04)
        sweep(model)
        second.learning_rate = 0.04
        assert sweep(model).sweep.loss.tolist() == sweep(twin).sweep.loss.tolist()


class TestTheModel:
    def test_it_is_saved_and_copied_as_without(self, tmp_path):
        model, twin = built(), built()
        sweep(model)
        sweep(model)
        for copied in (
            pickle.loads(pickle.dumps(model)),
            copy.deepcopy(model),
            saved_and_loaded(model, tmp_path / "model.keras"),
        ):
            assert not kept(copied)
            assert same_state(state_of(copied), state_of(model))
        assert not kept(keras.models.clone_model(model))
        assert len(state_of(model)) == len(state_of(twin))
        assert model.get_config().keys() == twin.get_config().keys()
        assert len(model._loss_tracker.variables) == len(twin._loss_tracker.variables)
        model.save_weights(tmp_path / "one.weights.h5")
        twin.save_weights(tmp_path / "two.weights.h5")
        sizes = [(tmp_path / f"{name}.weights.h5").stat().st_size for name in ("one", "two")]
        assert sizes[0] == sizes[1]

    def test_it_is_collected(self):
        model = built()
        sweep(model)
        sweep(model)
        reference = weakref.ref(model)
        del model
        keras.backend.clear_session()
        gc.collect()
        assert reference() is None

    def test_the_finder_is_released(self):
        model = built()
        finder = weakref.ref(sweep(model))
        model.history = None
        gc.collect()
        assert finder() is None

    def test_compile_drops_it(self):
        model = built()
        sweep(model)
        functions = [
            weakref.ref(value[1]) for name, value in vars(model._loss_tracker).items() if "_lr_" in name
        ]
        assert len(functions) == int(TRACED)
        model.compile("adam", "mse")
        gc.collect()
        assert all(function() is None for function in functions)


def saved_and_loaded(model, path):
    model.save(path)
    return keras.models.load_model(path)


class Spy(keras.callbacks.Callback):
    """The weight of each batch after it."""

    def __init__(self):
        super().__init__()
        self.moved = []

    def on_train_batch_end(self, batch, logs=None):
        self.moved.append(self.model.layers[0].kernel.numpy()[batch, 0])


def test_recorded_rates_are_those_that_act():
    """Each batch moves a weight of its own by the learning rate, to the bit."""
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.5), lambda y_true, y_pred: -y_pred)
    model.layers[0].kernel.assign(np.zeros((8, 1)))
    model.optimizer.build(model.trainable_variables)
    x, y = np.eye(8, dtype="float32"), np.ones((8, 1), "float32")
    for start in (1e-3, 1e-2):
        spy = Spy()
        finder = LRFinder(None, start, 1, 8, stop=None, verbose=0)
        model.fit(x, y, batch_size=1, shuffle=False, verbose=0, callbacks=[spy, finder])
        assert np.array_equal(spy.moved, finder.sweep.learning_rate.astype("float32"))
    assert bool(kept(model)) is TRACED
