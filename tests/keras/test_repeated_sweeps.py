"""`find_lr(repeats=...)`: sweeps from the same weights, in different orders of the data."""

import functools
import pickle
import random

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder, RepeatedSweeps, find_lr, read_log_dir
from tb_lrfinder.analysis.repeated import geometric_median
from tb_lrfinder.formatting import rate_text
from tests.keras.backends import BACKEND, draw_from_backend, needs_traces, tensorflow_data
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

RAMP = {"start_lr": 1e-4, "end_lr": 10.0, "num_steps": 40, "batch_size": 32}
X, Y = regression_data(256)


def repeated(model, x=X, y=Y, repeats=3, **arguments):
    return find_lr(model, x, y, repeats=repeats, **RAMP | {"verbose": 0} | arguments)


@functools.cache
def results():
    """The model and its sweeps, for tests that only read them."""
    model = small_model("sgd")
    return model, repeated(model)


def draws():
    return random.random(), np.random.random(), draw_from_backend()  # noqa: NPY002


class TestSweeps:
    def test_they_see_the_data_in_different_orders_from_the_same_weights(self):
        model = small_model("sgd")
        before = state_of(model)
        sweeps = repeated(model)
        losses = [finder.sweep.loss[0] for finder in sweeps.finders]
        assert len(set(losses)) == 3
        assert same_state(before, state_of(model))

    def test_their_losses_are_those_of_a_replay(self):
        x, y = regression_data(96)
        sweeps = find_lr(
            small_model(), x, y, repeats=3, shuffle=False, stop=None, verbose=0, **RAMP | {"batch_size": 16}
        )
        for finder in sweeps.finders:
            rates = finder.sweep.learning_rate
            expected = replay(small_model(), batches_of(x, y, epochs=7), rates)
            assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)

    def test_they_only_depend_on_the_seed(self):
        first, second = (repeated(small_model("sgd")) for _ in range(2))
        for a, b in zip(first.finders, second.finders, strict=True):
            assert a.sweep.loss.tolist() == b.sweep.loss.tolist()

    def test_the_first_is_that_of_a_single_sweep(self):
        single = find_lr(small_model("sgd"), X, Y, verbose=0, **RAMP)
        assert isinstance(single, LRFinder)
        assert repeated(small_model("sgd")).finders[0].sweep.loss.tolist() == single.sweep.loss.tolist()

    def test_a_dataset(self):
        dataset = tensorflow_data().Dataset.from_tensor_slices((X, Y)).shuffle(256).batch(32)
        sweeps = find_lr(small_model("sgd"), dataset, repeats=2, num_steps=20, verbose=0)
        assert len({finder.sweep.loss[0] for finder in sweeps.finders}) == 2

    def test_a_generator_can_only_be_read_once(self):
        batches = ((X[:8], Y[:8]) for _ in range(100))
        with pytest.raises(ValueError, match=r"`repeats` must be 1 with a generator.*Received: repeats=2"):
            find_lr(small_model(), batches, repeats=2, verbose=0)

    def test_a_model_that_is_not_restored_is_refused(self):
        with pytest.raises(ValueError, match=r"`restore` must be True .*Received: restore=False, repeats=2"):
            repeated(small_model(), repeats=2, restore=False)


class TestNoTrace:
    @pytest.mark.parametrize("trained", [False, True])
    def test_training_and_random_numbers_afterwards_are_as_without(self, trained):
        def prepared():
            model = small_model("adam")
            if trained:
                model.fit(X, Y, batch_size=32, verbose=0)
            keras.utils.set_random_seed(11)
            return model

        def train(model):
            model.fit(X, Y, batch_size=32, epochs=2, verbose=0)
            return state_of(model), draws()

        expected_state, expected_draws = train(prepared())
        model = prepared()
        repeated(model)
        assert model.optimizer.built is (trained or BACKEND != "tensorflow")  # elsewhere `fit` has built it
        state, drawn = train(model)
        assert same_state(state, expected_state)
        assert drawn == expected_draws

    def test_an_error_restores_everything(self):
        """As after a single sweep: `fit` has shuffled the data once before it on JAX and PyTorch."""
        batches = []

        def boom(batch, logs):
            batches.append(batch)
            if len(batches) == 60:  # in the second sweep
                raise OSError("gone")

        spy = keras.callbacks.LambdaCallback(on_train_batch_end=boom)
        model, twin = small_model("adam"), small_model("adam")
        keras.utils.set_random_seed(11)
        find_lr(twin, X, Y, verbose=0, **RAMP)
        expected = draws()
        keras.utils.set_random_seed(11)
        with pytest.raises(OSError, match="gone"):
            repeated(model, stop=None, callbacks=[spy])
        assert draws() == expected
        assert model.optimizer.built is twin.optimizer.built
        assert same_state(state_of(twin), state_of(model))

    @needs_traces
    def test_the_train_step_is_traced_once(self):
        traced = []

        class Traced(keras.layers.Layer):
            def call(self, inputs):
                traced.append(inputs)
                return inputs

        model = keras.Sequential([keras.Input((4,)), Traced(), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        find_lr(model, X, Y, verbose=0, **RAMP)
        alone = len(traced)
        model.compile("adam", "mse")
        repeated(model)
        assert len(traced) - alone <= alone


class TestResults:
    def test_the_median_and_its_spread(self):
        _, sweeps = results()
        rates = [finder.suggestion.learning_rate for finder in sweeps.finders]
        assert sweeps.learning_rate == geometric_median(rates) == sweeps.suggestion.learning_rate
        assert (sweeps.low, sweeps.high) == (min(rates), max(rates))
        assert set(sweeps.suggestions) == set(sweeps.finders[0].suggestions)
        assert len(sweeps) == 3

    def test_apply(self):
        model, sweeps = results()
        assert sweeps.apply() == np.float32(sweeps.learning_rate)
        assert float(model.optimizer.learning_rate.numpy()) == np.float32(sweeps.learning_rate)

    def test_apply_scales_a_schedule(self):
        model = small_model(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.01, 100)))
        sweeps = repeated(model)
        with pytest.raises(TypeError, match="schedule"):
            sweeps.apply(scale_schedule=False)
        assert sweeps.apply() == pytest.approx(sweeps.learning_rate, rel=1e-6)

    def test_no_suggestion(self):
        sweeps = repeated(small_model("sgd"), start_lr=1e-9, end_lr=1e-8)
        assert (sweeps.learning_rate, sweeps.low, sweeps.high) == (None, None, None)
        assert sweeps.suggestion.reason.startswith("none of 3 sweeps have a suggestion. ")
        assert "No suggestion: none of 3 sweeps" in repr(sweeps)
        with pytest.raises(ValueError, match="no suggestion to apply: none of 3 sweeps"):
            sweeps.apply()

    def test_it_prints_well(self):
        _, sweeps = results()
        lines = repr(sweeps).splitlines()
        assert lines[0].split() == ["sweep", "suggestion", "steps", "stopped"]
        assert len(lines) == 5
        assert lines[-1] == (
            f"Suggested learning rate {rate_text(sweeps.learning_rate)}, the median of 3 sweeps "
            f"({rate_text(sweeps.low)} to {rate_text(sweeps.high)})."
        )
        assert "<table>" in sweeps._repr_html_()

    def test_it_pickles(self):
        _, sweeps = results()
        copy = pickle.loads(pickle.dumps(sweeps))
        assert repr(copy) == repr(sweeps)
        with pytest.raises(ValueError, match="has no model"):
            copy.apply()

    def test_only_finders_with_a_sweep(self):
        with pytest.raises(ValueError, match="`finders` must be finders whose sweeps have ended"):
            RepeatedSweeps([LRFinder()])

    def test_the_closing_line_and_one_progress_bar(self, tmp_path, capsys):
        sweeps = repeated(small_model("sgd"), log_dir=tmp_path / "a", verbose=1)
        shown = capsys.readouterr().out
        assert "/120" in shown
        (line,) = [line for line in shown.splitlines() if line.startswith("LR Finder")]
        directories = [str(tmp_path / "a"), str(tmp_path / "a" / "2"), str(tmp_path / "a" / "3")]
        assert line == (
            f"LR Finder: suggested learning rate {rate_text(sweeps.learning_rate)}, the median of 3 sweeps "
            f"({rate_text(sweeps.low)} to {rate_text(sweeps.high)}). Written to {', '.join(directories)}. "
            "The model was restored to its state before the sweeps; it has not been trained."
        )

    def test_they_are_written_as_one_configuration(self, tmp_path):
        repeated(small_model("sgd"), log_dir=tmp_path / "a", seed=3)
        recorded = read_log_dir(str(tmp_path))
        configurations = {
            (one.config["optimizer"], one.config["model"], one.config["batch_size"]) for one in recorded
        }
        assert len(recorded) == 3
        assert len(configurations) == 1


class TestArgumentsOfARealFit:
    def test_epochs_are_increased_if_the_ramp_needs_more(self):
        finder = find_lr(small_model(), X, Y, epochs=2, stop=None, verbose=0, **RAMP)
        assert finder.stop_reason == "completed"
        finder = find_lr(small_model(), X, Y, initial_epoch=3, epochs=4, stop=None, verbose=0, **RAMP)
        assert finder.stop_reason == "completed"

    def test_epochs_are_kept_if_the_ramp_uses_all_of_them(self):
        finder = find_lr(small_model(), X, Y, epochs=2, stop=None, verbose=0, **RAMP | {"num_steps": None})
        assert len(finder.sweep) == 16

    @pytest.mark.parametrize("verbose", ["auto", 2])
    def test_verbose(self, verbose, capsys):
        find_lr(small_model(), X, Y, verbose=verbose, **RAMP)
        assert "/40" in capsys.readouterr().out

    def test_validation_and_callbacks(self, tmp_path):
        stopping = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
        with pytest.warns(UserWarning, match="does not let it call: EarlyStopping"):
            finder = find_lr(
                small_model(),
                X,
                Y,
                epochs=3,
                validation_split=0.2,
                validation_batch_size=16,
                callbacks=[stopping],
                verbose=0,
                stop=None,
                **RAMP,
            )
        assert finder.stop_reason == "completed"

    def test_a_model_that_is_not_compiled(self):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        with pytest.raises(ValueError) as of_fit:  # noqa: PT011 - the error of Keras
            model.fit(X, Y, verbose=0)
        with pytest.raises(type(of_fit.value)) as of_finder:
            find_lr(model, X, Y)
        assert str(of_finder.value) == str(of_fit.value)
