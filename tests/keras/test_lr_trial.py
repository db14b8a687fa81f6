"""`LRTrial` records a training run without affecting it."""

import contextlib
import gc
import os
import subprocess
import sys
import time
import warnings
import weakref

import keras
import numpy as np
import pytest

from tb_lrfinder import LRTrial
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tests.keras.backends import BACKEND, only_on_tensorflow
from tests.keras.replay import regression_data, same_state, small_model, state_of

X, Y = regression_data(32)


def fit(model, *callbacks, epochs=3, **arguments):
    arguments = {"batch_size": 8, "verbose": 0, "shuffle": False} | arguments
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **arguments)


class _Data:
    pass


def read_one(log_dir):
    (recorded,) = read_log_dir(str(log_dir))
    return recorded


def raising(error, **when):
    (hook,) = when

    def raise_it(index, logs=None):
        if index == when[hook]:
            raise error

    return keras.callbacks.LambdaCallback(**{hook: raise_it})


class TestRecordedEpochs:
    def test_logs_of_all_epochs(self, tmp_path):
        model = small_model("sgd", metrics=["mae"])
        trial = LRTrial(tmp_path, verbose=0)
        logs = fit(model, trial, validation_data=(X[:16], Y[:16])).history
        recorded = read_one(tmp_path)
        for held in (trial.trial, recorded.trial):
            columns = held.columns()
            assert list(columns)[:4] == ["epoch", "learning_rate", "loss", "validation_loss"]
            np.testing.assert_array_equal(columns["epoch"], [0, 1, 2])
            np.testing.assert_allclose(columns["learning_rate"], [0.01] * 3)
            for column, name in {
                "loss": "loss",
                "validation_loss": "val_loss",
                "mae": "mae",
                "validation_mae": "val_mae",
            }.items():
                np.testing.assert_allclose(columns[column], logs[name], rtol=1e-6)
        assert trial.stop_reason == recorded.result["stop_reason"] == "completed"
        assert recorded.status() == "finished"

    def test_configuration(self, tmp_path):
        model = small_model(keras.optimizers.Adam(0.003, beta_1=0.8))
        fit(model, LRTrial(tmp_path, seed=5, verbose=0), epochs=2)
        config = read_one(tmp_path).config
        assert config["learning_rate"] == 0.003  # not the float32 beside it
        assert config["schedule"] is None
        assert (config["optimizer"], config["optimizer_settings"]["beta_1"]) == ("Adam", 0.8)
        assert (config["epochs"], config["batch_size"], config["seed"]) == (2, 8, 5)
        assert config["parameters"] == model.count_params()
        assert config["columns"] == ["epoch", "learning_rate", "loss"]
        assert BACKEND in config["versions"]

    def test_a_model_built_by_its_first_batch(self, tmp_path):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        fit(model, LRTrial(tmp_path, verbose=0))
        assert read_one(tmp_path).config["parameters"] == 5

    def test_validation_in_some_epochs(self, tmp_path):
        trial = LRTrial(tmp_path, verbose=0)
        fit(small_model("sgd"), trial, validation_data=(X, Y), validation_freq=2, epochs=4)
        for held in (trial.trial, read_one(tmp_path).trial):
            np.testing.assert_array_equal(np.isnan(held.validation_loss), [True, False, True, False])

    def test_epochs_with_initial_epoch(self, tmp_path):
        fit(small_model("sgd"), LRTrial(tmp_path, verbose=0), initial_epoch=3, epochs=5)
        recorded = read_one(tmp_path)
        np.testing.assert_array_equal(recorded.trial.epoch, [3, 4])
        assert (recorded.steps, recorded.planned_steps) == (2, 2)
        assert recorded.result["stop_reason"] == "completed"

    def test_metrics_that_are_not_numbers_or_have_reserved_names_are_ignored(self, tmp_path):
        class Odd(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs |= {"f1": np.ones(3), "note": "x", "epoch": 99.0, "mine": np.float32(0.5)}

        trial = LRTrial(tmp_path, verbose=0)
        fit(small_model("sgd"), Odd(), trial, epochs=1)
        assert list(trial.trial.columns()) == ["epoch", "learning_rate", "loss", "mine"]
        assert trial.trial.epoch[0] == 0

    def test_monitor(self, tmp_path):
        class Named(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(1)

            def call(self, x):
                return self.dense(x)

        model = Named()
        model.compile("sgd", "mse", metrics=[keras.metrics.MeanSquaredError(name="total")])
        trial = LRTrial(tmp_path, monitor="total", verbose=0)
        logs = fit(model, trial, validation_data=(X, Y)).history
        np.testing.assert_allclose(trial.trial.loss, logs["total"])
        np.testing.assert_allclose(trial.trial.validation_loss, logs["val_total"])


class TestLearningRate:
    def rates(self, optimizer, *others, epochs=4, first=False):
        trial = LRTrial(verbose=0)
        callbacks = [trial, *others] if first else [*others, trial]
        fit(small_model(optimizer), *callbacks, epochs=epochs)
        return trial.trial.learning_rate

    def test_schedule(self):
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=1, decay_rate=0.9)
        expected = [0.1 * 0.9**step for step in (3, 7, 11, 15)]  # four batches an epoch, steps from 0
        np.testing.assert_allclose(self.rates(keras.optimizers.SGD(schedule)), expected, rtol=1e-5)

    @pytest.mark.parametrize("first", [True, False])
    def test_learning_rate_scheduler(self, first):
        scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (1 + epoch))
        np.testing.assert_allclose(
            self.rates("sgd", scheduler, first=first), [0.1, 0.05, 0.1 / 3, 0.025], rtol=1e-6
        )

    @pytest.mark.parametrize("first", [True, False])
    def test_before_a_callback_changes_it_for_the_next_epoch(self, first):
        plateau = keras.callbacks.ReduceLROnPlateau(
            monitor="loss", factor=0.5, patience=1, min_delta=1e9, min_lr=0
        )
        seen = []
        witness = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: seen.append(float(witness.model.optimizer.learning_rate))
        )
        rates = self.rates("sgd", plateau, witness, first=first)
        assert len(set(seen)) > 1
        np.testing.assert_allclose(rates, seen)

    def test_the_schedule_is_recorded(self, tmp_path):
        schedule = keras.optimizers.schedules.CosineDecay(0.1, 100)
        fit(small_model(keras.optimizers.SGD(schedule)), LRTrial(tmp_path / "a", verbose=0), epochs=1)
        config = read_one(tmp_path / "a").config
        assert (config["schedule"], config["learning_rate"]) == ("CosineDecay", 0.1)
        scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5)
        fit(small_model("sgd"), scheduler, LRTrial(tmp_path / "b", verbose=0), epochs=1)
        config = read_one(tmp_path / "b").config
        assert (config["schedule"], config["learning_rate"]) == ("LearningRateScheduler", 0.5)

    def test_schedule_with_gradient_accumulation(self):
        inner = keras.optimizers.SGD(
            keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9), gradient_accumulation_steps=2
        )
        rates = self.rates(inner, epochs=2)
        np.testing.assert_allclose(rates, [0.1 * 0.9**3, 0.1 * 0.9**7], rtol=1e-5)


class TestNoEffectOnTraining:
    @pytest.mark.parametrize("metrics", [None, ["mae"]])
    def test_weights_and_history_are_bit_for_bit_unchanged(self, tmp_path, metrics):
        plain, recorded = small_model("adam", metrics=metrics), small_model("adam", metrics=metrics)
        keras.utils.set_random_seed(3)
        expected = fit(plain, shuffle=True, validation_data=(X, Y)).history
        keras.utils.set_random_seed(3)
        got = fit(recorded, LRTrial(tmp_path, verbose=0), shuffle=True, validation_data=(X, Y)).history
        assert got == expected
        assert same_state(state_of(plain), state_of(recorded))

    def test_nothing_remains_on_the_model(self, tmp_path):
        model = small_model("sgd")
        fit(model)
        before = dict(vars(model))
        fit(model, LRTrial(tmp_path, verbose=0))
        after = dict(vars(model))
        assert after.keys() == before.keys()
        assert after["train_function"] is before["train_function"]

    def test_a_missing_loss_is_one_warning(self, tmp_path):
        trial = LRTrial(tmp_path, monitor="energy", verbose=0)
        with pytest.warns(
            RuntimeWarning, match=r"`monitor` must be one of .*'loss'.*monitor='energy'.*Training continues"
        ) as all_:
            history = fit(small_model("sgd"), trial).history
        assert len(history["loss"]) == 3
        assert sum("energy" in str(one.message) for one in all_) == 1
        assert trial.stop_reason == "failed"
        assert "energy" in read_one(tmp_path).message

    @only_on_tensorflow
    def test_a_failing_disk_is_one_warning(self, tmp_path):
        trial = LRTrial(tmp_path, verbose=0)
        close = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: epoch == 1 and trial._writer._events.close()
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(small_model("sgd"), trial, close)
        assert sum("can no longer write" in str(one.message) for one in caught) == 1
        assert len(trial.trial) == 3

    def test_an_unwritable_directory_is_an_error_before_training(self, tmp_path):
        (tmp_path / "file").write_text("")
        model = small_model("sgd")
        before = model.get_weights()
        with pytest.raises(NotADirectoryError, match="log_dir"):
            fit(model, LRTrial(tmp_path / "file"))
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


class TestStopReasons:
    def test_stopped_by_another_callback(self, tmp_path):
        stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
        fit(small_model("sgd"), stop, LRTrial(tmp_path, verbose=0), epochs=9)
        recorded = read_one(tmp_path)
        assert (recorded.result["stop_reason"], recorded.steps, recorded.planned_steps) == ("stopped", 2, 9)

    @pytest.mark.parametrize("terminate", [True, False])
    def test_diverged(self, tmp_path, terminate):
        others = [keras.callbacks.TerminateOnNaN()] if terminate else []
        fit(
            small_model(keras.optimizers.SGD(1e30)),
            *others,
            LRTrial(tmp_path, verbose=0),
            epochs=3,
        )
        recorded = read_one(tmp_path)
        assert recorded.result["stop_reason"] == "diverged"
        assert recorded.status() == "finished"
        assert recorded.trial.diverged

    @pytest.mark.parametrize(
        ("error", "reason", "message"),
        [
            (ValueError("broken\nin two"), "failed", "ValueError: broken"),
            (KeyboardInterrupt(), "interrupted", None),
        ],
        ids=["error", "ctrl-c"],
    )
    def test_with_statement(self, tmp_path, error, reason, message):
        with pytest.raises(type(error)), LRTrial(tmp_path, verbose=0) as trial:
            fit(small_model("sgd"), trial, raising(error, on_epoch_begin=1))
        result = read_one(tmp_path).result
        assert (result["stop_reason"], result["message"], result["epochs"]) == (reason, message, 1)
        assert trial.stop_reason == reason

    def test_an_error_in_a_step_requires_no_with_statement(self, tmp_path):
        class Broken(keras.Sequential):
            def train_step(self, *arguments):
                raise ArithmeticError("in the step")

        model = Broken([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        with pytest.raises(ArithmeticError, match="in the step"):
            fit(model, LRTrial(tmp_path, verbose=0))
        assert "in the step" in read_one(tmp_path).message
        assert read_one(tmp_path).status() == "failed"
        assert "WatchedTrainFunction" not in repr(model.train_function)

    def test_an_exhausted_generator_is_not_a_failure(self, tmp_path):
        def batches():
            for start in range(0, 32, 8):
                yield X[start : start + 8], Y[start : start + 8]

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras: the generator ran out
            small_model("sgd").fit(batches(), epochs=1, verbose=0, callbacks=[LRTrial(tmp_path, verbose=0)])
        assert read_one(tmp_path).result["stop_reason"] == "completed"

    def test_no_heartbeat_after_an_error_in_a_running_process(self, tmp_path, monkeypatch):
        monkeypatch.setattr(schema, "HEARTBEAT_SECONDS", 0.1)
        monkeypatch.setattr(schema, "FLUSH_SECONDS", 0.1)
        trial = LRTrial(tmp_path, verbose=0)

        class Slow(keras.callbacks.Callback):
            alive = False

            def on_epoch_end(self, epoch, logs=None):
                first = read_one(tmp_path).last_event_time
                time.sleep(1)
                self.alive = read_one(tmp_path).last_event_time > first

        slow = Slow()
        with pytest.raises(ValueError, match="broken"):
            fit(small_model("sgd"), trial, slow, raising(ValueError("broken"), on_epoch_begin=1))
        assert slow.alive
        time.sleep(1)
        last = read_one(tmp_path).last_event_time
        time.sleep(1)
        assert read_one(tmp_path).last_event_time == last
        assert read_one(tmp_path).steps == 1

    def test_the_next_fit_ends_an_unfinished_trial(self, tmp_path):
        model, trial = small_model("sgd"), LRTrial(tmp_path, verbose=0)
        with pytest.raises(ValueError, match="broken"):
            fit(model, trial, raising(ValueError("broken"), on_epoch_begin=1))
        fit(model, trial, epochs=2)
        second, first = read_log_dir(str(tmp_path))  # "." is sorted behind "2"
        assert (first.result["stop_reason"], first.steps) == ("interrupted", 1)
        assert (second.result["stop_reason"], second.steps) == ("completed", 2)

    @pytest.mark.parametrize("fails", [False, True])
    def test_the_data_of_fit_is_released(self, tmp_path, monkeypatch, fails):
        monkeypatch.setattr(schema, "FLUSH_SECONDS", 0.1)
        held = []

        class Held(keras.Sequential):
            def fit(self, *arguments, **named):
                data = _Data()
                held.append(weakref.ref(data))
                return super().fit(*arguments, **named)

        model = Held([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        trial = LRTrial(tmp_path, verbose=0)
        broken = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: 1 / (1 - epoch))
        with contextlib.suppress(ZeroDivisionError):
            fit(model, trial, *([broken] if fails else []))
        time.sleep(0.5)
        gc.collect()
        assert trial.stop_reason == (None if fails else "completed")
        assert held[0]() is None

    def test_the_epochs_of_a_killed_process_are_kept(self, tmp_path):
        code = (
            "import os, sys, keras, numpy as np\n"
            "from tb_lrfinder import LRTrial\n"
            "model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])\n"
            "model.compile('sgd', 'mse')\n"
            "kill = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, l: e == 2 and os._exit(9))\n"
            "trial = LRTrial(sys.argv[1], verbose=0)\n"
            "model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=5, verbose=0, callbacks=[trial, kill])\n"
        )
        process = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], check=False, env=dict(os.environ)
        )
        assert process.returncode == 9
        recorded = read_one(tmp_path)
        assert recorded.steps == 3
        assert recorded.result is None
        assert recorded.status(now=recorded.last_event_time + 61) == "interrupted"


class TestDivergenceInTheFirstEpoch:
    def test_compared_to_the_loss_of_the_first_batch(self, tmp_path):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(30.0), "mae")
        trial = LRTrial(tmp_path, verbose=0)
        model.fit(X, Y, batch_size=2, epochs=1, shuffle=False, verbose=0, callbacks=[trial])
        recorded = read_one(tmp_path)
        (last,) = trial.trial.loss  # there is no other epoch to compare it with
        assert trial.trial.initial_loss == pytest.approx(recorded.config["initial_loss"])
        assert last > 2 * trial.trial.initial_loss
        assert (trial.trial.diverged, recorded.trial.diverged) == (True, True)
        assert trial.stop_reason == "diverged"

    def test_initial_loss_is_the_loss_before_the_first_update(self, tmp_path):
        model = small_model("sgd")
        expected = model.evaluate(X[:8], Y[:8], verbose=0)
        trial = LRTrial(None, verbose=0)
        fit(model, trial)
        assert trial.trial.initial_loss == pytest.approx(expected, rel=1e-5)


class TestMessages:
    def test_closing_message(self, tmp_path, capsys):
        fit(small_model("sgd"), LRTrial(tmp_path / "a"), validation_data=(X, Y))
        line = capsys.readouterr().out
        for part in (
            "learning rate 0.01",
            "loss ",
            "validation loss ",
            "after 3 epochs",
            str(tmp_path / "a"),
        ):
            assert part in line
        assert "because" not in line

    def test_a_directory_that_contains_a_run_is_kept(self, tmp_path, capsys):
        fit(small_model("sgd"), LRTrial(tmp_path, verbose=0), epochs=2)
        again = LRTrial(tmp_path)
        fit(small_model("sgd"), again, epochs=1)
        assert again.log_dir == str(tmp_path / "2")
        assert (
            f"Written to {tmp_path / '2'}, because {tmp_path} already contains a run."
            in capsys.readouterr().out
        )
        assert [recorded.steps for recorded in read_log_dir(str(tmp_path))] == [1, 2]

    def test_invalid_arguments(self, tmp_path):
        with pytest.raises(TypeError, match=r"`log_dir`.*log_dir=5"):
            LRTrial(5)
        with pytest.raises(TypeError, match=r"`monitor`.*monitor=3"):
            LRTrial(tmp_path, monitor=3)
        with pytest.raises(ValueError, match=r"`seed`.*seed=-1"):
            LRTrial(tmp_path, seed=-1)
        with pytest.raises(TypeError, match=r"`seed`.*seed=1.0"):
            LRTrial(tmp_path, seed=1.0)
        with pytest.raises(ValueError, match=r"`verbose`.*verbose=2"):
            LRTrial(tmp_path, verbose=2)

    def test_numpy_scalars_are_numbers(self, tmp_path):
        fit(small_model("sgd"), LRTrial(tmp_path, seed=np.int64(3), verbose=np.int64(0)), epochs=1)
        assert read_one(tmp_path).config["seed"] == 3
