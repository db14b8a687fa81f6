"""`run_trials`: equal initial weights, run directories, resuming, executors and arguments."""

import errno
import functools
import io
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import keras
import numpy as np
import pytest

from tb_lrfinder import Suggestion, run_trials
from tb_lrfinder.analysis.trial_results import TrialOutcome
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.trials import directory_lock
from tb_lrfinder.keras.trials.directory_lock import LOCK_FILE
from tb_lrfinder.keras.trials.progress import TrialProgress
from tb_lrfinder.keras.trials.task import TrialTask
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.writer import TrialWriter
from tests.keras.backends import draw_from_backend, tensorflow_data
from tests.keras.replay import regression_data

DATA = regression_data(32)
RATES = [0.01, 0.1]


def make_model(learning_rate, units=4, optimizer="SGD"):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(1)])
    model.compile(getattr(keras.optimizers, optimizer)(learning_rate), "mse")
    return model


class Dataset(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return DATA[0][rows], DATA[1][rows]


class InterruptedModel(keras.Sequential):
    """Kills its own process, or interrupts its training, once in a given epoch of the process."""

    def fit(self, *arguments, callbacks, **named):
        return super().fit(*arguments, callbacks=[*callbacks, self.interrupt], **named)


class Interrupt(keras.callbacks.Callback):
    epochs = 0  # started in this process

    def __init__(self, epoch, marker, interrupt):
        super().__init__()
        self.epoch, self.marker, self.interrupt = epoch, Path(marker), interrupt

    def on_epoch_begin(self, epoch, logs=None):
        Interrupt.epochs += 1
        if Interrupt.epochs == self.epoch and not self.marker.exists():
            self.marker.touch()
            if self.interrupt:
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGKILL)


def make_interrupted(learning_rate, epoch, marker, interrupt=False):
    model = InterruptedModel([keras.Input((4,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    object.__setattr__(model, "interrupt", Interrupt(epoch, marker, interrupt))
    return model


def trials(log_dir, data=DATA, make=make_model, **arguments):
    arguments = {"learning_rates": RATES, "epochs": 2, "verbose": 0} | arguments
    if isinstance(data, tuple | np.ndarray):
        arguments.setdefault("batch_size", 8)
    return run_trials(make, data, log_dir=log_dir, **arguments)


def reused(results):
    return {outcome.learning_rate: outcome.reused for outcome in results}


def recorded_runs(log_dir):
    return {recorded.run: recorded.status() for recorded in read_log_dir(str(log_dir))}


def spawned(workers=1):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


class TestTrials:
    def test_each_trial_has_its_own_run_directory(self, tmp_path):
        results = trials(tmp_path, validation_data=DATA)
        assert results.best.learning_rate == 0.1
        assert [outcome.stop_reason for outcome in results] == ["completed"] * 2
        assert recorded_runs(tmp_path) == {"0.01": "finished", "0.1": "finished"}
        for recorded in read_log_dir(str(tmp_path)):
            rate = recorded.config["learning_rate"]
            assert recorded.run == str(rate)
            assert recorded.config["seed"] == 0
            (outcome,) = (outcome for outcome in results if outcome.learning_rate == rate)
            assert outcome.log_dir == str(tmp_path / recorded.run)
            np.testing.assert_allclose(recorded.trial.loss, outcome.trial.loss, rtol=1e-6)
            np.testing.assert_allclose(recorded.trial.learning_rate, rate, rtol=1e-6)

    @pytest.mark.parametrize(
        "make",
        [
            lambda lr: make_model(lr, 4),
            lambda lr, units=4: make_model(lr, units),
            lambda lr, /: make_model(lr),
        ],
        ids=["another name", "and a default", "position only"],
    )
    def test_the_learning_rate_may_be_an_argument_of_another_name(self, make):
        results = trials(None, make=make)
        expected = trials(None)
        assert [outcome.learning_rate for outcome in results] == [0.1, 0.01]
        for outcome, same in zip(results, expected, strict=True):
            np.testing.assert_array_equal(outcome.trial.loss, same.trial.loss)

    def test_a_trial_equals_a_fit(self, tmp_path):
        (outcome,) = trials(tmp_path, learning_rates=[0.05], seed=3, validation_data=DATA)
        keras.utils.set_random_seed(3)
        model = make_model(0.05)
        expected = model.fit(*DATA, batch_size=8, epochs=2, verbose=0, validation_data=DATA).history
        assert outcome.trial.loss.tolist() == expected["loss"]
        assert outcome.trial.validation_loss.tolist() == expected["val_loss"]

    @pytest.mark.parametrize("executor", [None, ThreadPoolExecutor], ids=["here", "threads"])
    def test_initial_weights_are_equal(self, executor):
        initial_weights = []

        def make(learning_rate):
            time.sleep(0.2)  # in which other threads could change the random state
            model = make_model(learning_rate)
            initial_weights.append([np.array(weight) for weight in model.get_weights()])
            random.random()  # must not affect the next trial
            return model

        trials(None, make=make, learning_rates=[0.1, 0.2, 0.3], executor=executor and executor(3))
        assert len(initial_weights) == 3
        for weights in initial_weights[1:]:
            for first, other in zip(initial_weights[0], weights, strict=True):
                np.testing.assert_array_equal(first, other)

    def test_an_already_trained_model_is_rejected(self, tmp_path):
        model = make_model(0.1)

        def make(learning_rate):
            model.optimizer.learning_rate = learning_rate
            return model

        with pytest.raises(
            ValueError, match=r"`make_model` must return a new .*learning_rate=0.1\) returned the same"
        ):
            trials(tmp_path, make=make)
        assert recorded_runs(tmp_path) == {"0.01": "finished"}

    @pytest.mark.parametrize("seeded", [True, False])
    def test_the_random_state_of_the_caller_is_restored(self, seeded):
        def draw():
            return [random.random(), np.random.random(), float(keras.random.uniform(())), draw_from_backend()]  # noqa: NPY002

        def start():
            internals.set_global_seed_generator(None)  # Keras 3.7 keeps an existing one
            keras.utils.set_random_seed(5)
            if not seeded:
                draw()

        start()
        expected = draw()
        start()
        trials(None)
        assert draw() == expected

    def test_an_unset_seed_stays_unset(self):
        keras.backend.clear_session()
        internals.set_global_seed(None)
        trials(None)
        assert internals.global_seed() is None
        assert internals.global_seed_generator() is None

    def test_a_diverged_trial_does_not_stop_the_others(self, tmp_path):
        results = trials(tmp_path, learning_rates=[1e30, 0.1], epochs=5)
        assert [(o.learning_rate, o.stop_reason) for o in results] == [(0.1, "completed"), (1e30, "diverged")]
        assert len(results[1].trial) == 1  # training stops at the first NaN
        assert recorded_runs(tmp_path) == {"0.1": "finished", "1e+30": "finished"}
        assert reused(trials(tmp_path, learning_rates=[1e30, 0.1], epochs=5)) == {0.1: True, 1e30: True}

    def test_a_failed_trial_does_not_stop_the_others(self, tmp_path):
        def broken(learning_rate):
            model = make_model(learning_rate)
            if learning_rate == 0.01:
                model.compile(model.optimizer, lambda y_true, y_pred: 1 / 0)
            return model

        with pytest.warns(UserWarning, match=r"learning rate 0\.01 failed: ZeroDivisionError"):
            results = trials(tmp_path, make=broken)
        assert results.best.learning_rate == 0.1
        assert results[1].stop_reason == "failed"
        assert "ZeroDivisionError" in results[1].message
        assert recorded_runs(tmp_path) == {"0.01": "failed", "0.1": "finished"}

    def test_an_error_in_make_model_fails_only_its_trial(self, tmp_path):
        def make(learning_rate):
            if learning_rate == 0.1:
                raise MemoryError("too large")
            return make_model(learning_rate)

        with pytest.warns(UserWarning, match="MemoryError: too large"):
            results = trials(tmp_path, make=make)
        assert [outcome.stop_reason for outcome in results] == ["completed", "failed"]
        assert recorded_runs(tmp_path) == {"0.01": "finished"}

    def test_around_a_suggestion(self, tmp_path):
        results = trials(tmp_path, learning_rates=None, around=Suggestion(0.03, "mid_descent"))
        assert sorted(o.learning_rate for o in results) == [0.01, 0.03, 0.09]
        assert sorted(o.learning_rate for o in trials(None, learning_rates=None, around=0.3)) == [
            0.3 / 3,
            0.3,
            0.3 * 3,
        ]

    def test_the_dtype_policy_of_the_caller_reaches_other_processes(self):
        seen = []

        def make(learning_rate):
            seen.append(keras.config.dtype_policy().name)
            return make_model(learning_rate)

        TrialTask(make, DATA, 0.1, 1, 0, dtype_policy="mixed_bfloat16").run()
        assert seen == ["mixed_bfloat16"]
        assert keras.config.dtype_policy().name == "float32"


class TestData:
    def loss_of(self, data, **arguments):
        (outcome,) = trials(None, data, learning_rates=[0.1], shuffle=False, **arguments)
        assert outcome.message is None
        return outcome.trial.loss[-1]

    def test_kinds_of_data(self):
        expected = self.loss_of(DATA)
        weights = np.ones(32, np.float32)
        assert self.loss_of((*DATA, weights)) == pytest.approx(expected)
        assert self.loss_of(Dataset()) == pytest.approx(expected)
        assert self.loss_of(Dataset) == pytest.approx(expected)  # a callable
        assert self.loss_of(lambda: DATA, batch_size=8) == pytest.approx(expected)

    def test_tf_data(self, tmp_path):
        data = tensorflow_data().Dataset.from_tensor_slices(DATA).batch(8)
        assert self.loss_of(data) == pytest.approx(self.loss_of(DATA))
        assert self.loss_of(lambda: data, validation_data=data) == pytest.approx(self.loss_of(DATA))

    def test_inputs_without_targets(self):
        class Reconstructing(keras.Sequential):
            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return keras.ops.mean(keras.ops.square(y_pred))

        def make(learning_rate):
            model = Reconstructing([keras.Input((4,)), keras.layers.Dense(1)])
            model.compile(keras.optimizers.SGD(learning_rate))
            return model

        (outcome,) = trials(None, DATA[0], make, learning_rates=[0.1])
        assert outcome.stop_reason == "completed"


class TestResuming:
    def test_trials_with_the_same_settings_are_reused(self, tmp_path):
        first = trials(tmp_path, validation_data=DATA)
        again = trials(tmp_path, validation_data=DATA, learning_rates=[*RATES, 0.2])
        assert reused(again) == {0.01: True, 0.1: True, 0.2: False}
        by_rate = {outcome.learning_rate: outcome for outcome in again}
        for outcome in first:
            np.testing.assert_allclose(
                by_rate[outcome.learning_rate].trial.loss, outcome.trial.loss, rtol=1e-6
            )
        assert sorted(recorded_runs(tmp_path)) == ["0.01", "0.1", "0.2"]

    def test_learning_rates_that_share_a_directory(self, tmp_path):
        close = [0.1, 0.10001]
        trials(tmp_path, learning_rates=close)
        assert recorded_runs(tmp_path) == {"0.1": "finished", "0.1/2": "finished"}
        assert reused(trials(tmp_path, learning_rates=close[::-1])) == {0.1: True, 0.10001: True}

    @pytest.mark.parametrize(
        "changed",
        [
            {"epochs": 3},
            {"seed": 1},
            {"batch_size": 16},
            {"validation_data": DATA},
            {"data": (DATA[0] + 1, DATA[1])},
            {"make": functools.partial(make_model, units=5)},
            {"make": functools.partial(make_model, optimizer="Adam")},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_other_settings_are_written_next_to_the_existing_run(self, tmp_path, changed):
        trials(tmp_path, learning_rates=[0.1])
        assert reused(trials(tmp_path, learning_rates=[0.1], **changed)) == {0.1: False}
        assert recorded_runs(tmp_path) == {"0.1": "finished", "0.1/2": "finished"}
        assert reused(trials(tmp_path, learning_rates=[0.1])) == {0.1: True}
        assert reused(trials(tmp_path, learning_rates=[0.1], **changed)) == {0.1: True}

    def test_an_interrupted_trial_is_run_again_and_shown_once(self, tmp_path):
        Interrupt.epochs = 0
        make = functools.partial(make_interrupted, epoch=4, marker=tmp_path / "interrupted", interrupt=True)
        log_dir = tmp_path / "trials"
        with pytest.raises(KeyboardInterrupt):
            trials(log_dir, make=make)
        assert recorded_runs(log_dir) == {"0.01": "finished", "0.1": "interrupted"}
        assert reused(trials(log_dir, make=make)) == {0.01: True, 0.1: False}
        assert recorded_runs(log_dir) == {"0.01": "finished", "0.1": "finished"}
        # Its data is not deleted, only hidden.
        assert len(list((log_dir / "0.1").glob("*unfinished*"))) == 1

    def test_a_changed_checkpoint_is_run_again(self, tmp_path):
        def make(learning_rate):
            model = make_model(learning_rate)
            model.load_weights(tmp_path / "start.weights.h5")
            return model

        for scale, known in ((1.0, False), (1.0, True), (2.0, False), (2.0, True)):
            start = make_model(0.1)
            start.set_weights([np.full_like(weight, scale) for weight in start.get_weights()])
            start.save_weights(tmp_path / "start.weights.h5")
            assert reused(trials(tmp_path / "trials", make=make, learning_rates=[0.1])) == {0.1: known}

    @pytest.mark.parametrize(
        "result",
        [
            {"stop_reason": "completed", "epochs": 6},
            {"stop_reason": "completed", "epochs": 2},
            {"stop_reason": "diverged", "epochs": 2},
            {"stop_reason": "diverged", "epochs": 6},
            {"stop_reason": "completed"},
        ],
        ids=str,
    )
    def test_an_incomplete_record_is_run_again(self, tmp_path, result):
        trials(tmp_path, learning_rates=[0.1], epochs=6)
        (before,) = read_log_dir(str(tmp_path))
        for file in (tmp_path / "0.1").iterdir():
            file.unlink()
        writer = TrialWriter(tmp_path / "0.1", before.config)
        for epoch in range(2):
            writer.add(epoch, 0.1, float(before.trial.loss[epoch]), {})
        writer.close(result)
        (outcome,) = trials(tmp_path, learning_rates=[0.1], epochs=6)
        assert not outcome.reused
        assert len(outcome.trial) == 6
        assert recorded_runs(tmp_path) == {"0.1": "finished"}
        assert reused(trials(tmp_path, learning_rates=[0.1], epochs=6)) == {0.1: True}

    def test_other_files_are_not_changed(self, tmp_path):
        other = tmp_path / "0.1" / "deeper" / "events.out.tfevents.1.lr_finder"
        other.parent.mkdir(parents=True)
        other.write_bytes(b"")
        trials(tmp_path)
        trials(tmp_path)
        assert other.exists()
        assert sorted(recorded_runs(tmp_path)) == ["0.01", "0.1"]


class TestConcurrentCalls:
    def test_a_second_call_in_the_same_directory_is_an_error(self, tmp_path):
        refusals = []

        def make(learning_rate):
            with pytest.raises(
                RuntimeError, match=f"`log_dir` is in use.*process {os.getpid()} on "
            ) as refused:
                trials(tmp_path)
            refusals.append(refused)
            return make_model(learning_rate)

        trials(tmp_path, make=make)
        assert len(refusals) == 2
        assert recorded_runs(tmp_path) == {"0.01": "finished", "0.1": "finished"}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0.01", "0.1"]
        assert reused(trials(tmp_path)) == {0.01: True, 0.1: True}

    def test_a_crash_releases_the_lock(self, tmp_path):
        holding = (
            "import sys, time\n"
            "from tb_lrfinder.keras.trials.directory_lock import directory_lock\n"
            "with directory_lock(sys.argv[1]):\n"
            "    print('held', flush=True)\n"
            "    time.sleep(600)"
        )
        with subprocess.Popen([sys.executable, "-c", holding, tmp_path], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline().strip() == b"held"
            with pytest.raises(RuntimeError, match=f"in use.*process {process.pid}"):
                trials(tmp_path)
            process.kill()
        assert (tmp_path / LOCK_FILE).exists()
        trials(tmp_path)
        assert recorded_runs(tmp_path) == {"0.01": "finished", "0.1": "finished"}

    def test_an_error_releases_the_lock(self, tmp_path):
        for _ in range(2):
            with pytest.raises(TypeError, match="returned NoneType"):
                trials(tmp_path, make=lambda learning_rate: None)
        assert not list(tmp_path.iterdir())

    def test_a_file_system_without_locks_is_a_warning(self, tmp_path, monkeypatch):
        def refuse(file):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(directory_lock, "_lock", refuse)
        with pytest.warns(RuntimeWarning, match="cannot be locked .*No locks available"):
            trials(tmp_path)
        assert recorded_runs(tmp_path) == {"0.01": "finished", "0.1": "finished"}


class ImmediateExecutor:
    """Runs a task in `submit` and returns `respond(future, task)`."""

    def __init__(self, respond):
        self.respond = respond

    def submit(self, function, task):
        future = Future()
        future.set_result(function(task))
        return self.respond(future, task)


def wrong_result(result):
    def respond(future, task):
        future = Future()
        future.set_result(result)
        return future

    return respond


_ONE = Future()
_ONE.set_result(TrialOutcome(0.01))


class TestCustomExecutors:
    def test_any_class_with_submit_is_accepted(self, tmp_path):
        results = trials(tmp_path, executor=ImmediateExecutor(lambda future, task: future))
        assert [outcome.stop_reason for outcome in results] == ["completed"] * 2

    @pytest.mark.parametrize(
        ("respond", "message"),
        [
            (lambda future, task: None, r"`executor` must return a .*Future.*submit\(\) returned None"),
            (lambda future, task: future.result(), r"`executor` must return a .*Future"),
            (lambda future, task: _ONE, r"`executor` must return a new future.*the same future twice"),
            (wrong_result(None), r"`executor` must call the submitted function.*learning rate 0.\d+ is None"),
            (wrong_result(TrialOutcome(5.0)), r"`executor` must call .*is the outcome of learning rate 5"),
        ],
        ids=["none", "no future", "same future", "no outcome", "other outcome"],
    )
    def test_unexpected_return_values_are_errors(self, tmp_path, respond, message):
        with pytest.raises((TypeError, ValueError), match=message):
            trials(tmp_path, executor=ImmediateExecutor(respond))


class TestProcesses:
    def test_a_broken_process_pool_is_an_error_and_can_be_resumed(self, tmp_path):
        # In the last epoch of the second trial.
        make = functools.partial(make_interrupted, epoch=4, marker=tmp_path / "died")
        log_dir = tmp_path / "trials"
        with (
            spawned() as pool,
            pytest.raises(BrokenProcessPool, match=r"died after 1 of 3 trials.*new executor"),
        ):
            trials(log_dir, make=make, learning_rates=[0.01, 0.1, 0.2], executor=pool)
        runs = read_log_dir(str(log_dir))
        assert {one.run: (one.steps, one.result is not None) for one in runs} == {
            "0.01": (2, True),
            "0.1": (1, False),
        }
        with spawned() as pool:
            results = trials(log_dir, make=make, learning_rates=[0.01, 0.1, 0.2], executor=pool)
        assert reused(results) == {0.01: True, 0.1: False, 0.2: False}
        assert recorded_runs(log_dir) == {"0.01": "finished", "0.1": "finished", "0.2": "finished"}
        here = trials(None, learning_rates=[0.1])
        assert here.best.trial.loss.tolist() == pytest.approx(
            next(o for o in results if o.learning_rate == 0.1).trial.loss.tolist()
        )

    @pytest.mark.long
    def test_dask_runs_the_trial_of_a_killed_worker_again(self, tmp_path):
        distributed = pytest.importorskip("distributed")
        make = functools.partial(make_interrupted, epoch=2, marker=tmp_path / "died")
        log_dir = tmp_path / "trials"
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            results = trials(
                log_dir, make=make, learning_rates=[0.01, 0.1, 0.2], executor=client.get_executor()
            )
        assert (tmp_path / "died").exists()
        assert [outcome.stop_reason for outcome in results] == ["completed"] * 3
        assert recorded_runs(log_dir) == {"0.01": "finished", "0.1": "finished", "0.2": "finished"}
        assert len(list(log_dir.rglob("*unfinished*"))) == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"make": lambda learning_rate: make_model(learning_rate, 3)}, "`make_model` cannot be pickled"),
            ({"data": lambda: DATA}, "`data` cannot be pickled"),
            ({"validation_data": (threading.Lock(),)}, "`validation_data` cannot be pickled"),
        ],
        ids=["make_model", "data", "validation_data"],
    )
    def test_unpicklable_arguments_are_errors_before_the_first_trial(self, tmp_path, arguments, message):
        with spawned() as pool, pytest.raises(TypeError, match=message):
            trials(tmp_path, executor=pool, **arguments)
        assert not list(tmp_path.iterdir())

    def test_a_tf_dataset_requires_a_callable(self, tmp_path):
        data = tensorflow_data().Dataset.from_tensor_slices(DATA).batch(8)
        with (
            spawned() as pool,
            pytest.raises(TypeError, match=r"`data` must not be a tf.data.Dataset.*data=make_data"),
        ):
            trials(tmp_path, data, executor=pool)

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
    def test_a_forking_pool_is_an_error(self):
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
        with pool, pytest.raises(ValueError, match=r"`executor` must spawn processes.*spawn"):
            trials(None, executor=pool)


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"learning_rates": None}, ValueError, "one of `learning_rates` and `around` must be given"),
            ({"around": 0.1}, ValueError, "one of `learning_rates` and `around` must be given"),
            ({"learning_rates": []}, ValueError, r"non-empty.*Received: learning_rates=\[\]"),
            ({"learning_rates": [0.1, 0.1]}, ValueError, "without duplicates"),
            ({"learning_rates": [0.1, -1]}, ValueError, r"greater than 0. Received: learning_rates\[1\]=-1"),
            ({"learning_rates": [float("nan")]}, ValueError, r"finite.*learning_rates\[0\]=nan"),
            ({"learning_rates": ["0.1"]}, TypeError, r"a finite number.*learning_rates\[0\]='0.1'"),
            ({"learning_rates": [True]}, TypeError, r"a finite number.*learning_rates\[0\]=True"),
            ({"learning_rates": 0.1}, TypeError, "must be an iterable of numbers"),
            ({"learning_rates": np.array(0.1)}, TypeError, "must be an iterable of numbers"),
            ({"learning_rates": "0.1"}, TypeError, "must be an iterable of numbers"),
            ({"learning_rates": None, "around": "x"}, TypeError, "`around` must be a Suggestion"),
            ({"learning_rates": None, "around": -1}, ValueError, "`around` must be"),
            (
                {"learning_rates": None, "around": Suggestion(None, "valley", "The loss never fell.")},
                ValueError,
                "with a learning rate. Received: .*The loss never fell",
            ),
            ({"epochs": 0}, ValueError, "`epochs` must be an integer of at least 1. Received: epochs=0"),
            ({"epochs": 1.5}, TypeError, "epochs=1.5"),
            ({"seed": -1}, ValueError, "`seed`"),
            ({"seed": 2**32}, ValueError, "`seed` must be an integer .* at most 4294967295"),
            ({"seed": 1.0}, TypeError, "`seed`"),
            ({"verbose": "auto"}, TypeError, "`verbose` must be 0 or 1"),
            ({"log_dir": 5}, TypeError, "`log_dir` must be a path"),
            ({"data": None}, TypeError, "`data` must be training data as for fit"),
            ({"data": iter([])}, TypeError, "`data` must not be an iterator"),
            ({"data": ()}, ValueError, r"`data` must be \(x, y\)"),
            ({"validation_data": iter([])}, TypeError, "`validation_data` must not be an iterator"),
            ({"make": None}, TypeError, "`make_model` must be a callable"),
            ({"make": make_model(0.1)}, TypeError, "`make_model` must be a callable"),
            ({"make": lambda: None}, TypeError, r"`make_model` must .* as make_model\(learning_rate=0.1\)"),
            ({"make": lambda learning_rate, other: None}, TypeError, "missing a required argument: 'other'"),
            ({"make": lambda units=4: None}, TypeError, r"single argument without a default .* make_model="),
            ({"make": lambda lr, units: None}, TypeError, "missing a required argument: 'lr'"),
            ({"make": DATA, "data": make_model}, TypeError, "starts from new weights. .* make_model="),
            ({"make": lambda learning_rate: None}, TypeError, "returned NoneType"),
            (
                {"make": lambda learning_rate: keras.Sequential()},
                TypeError,
                "Sequential that is not compiled",
            ),
            ({"make": lambda learning_rate: make_model(0.5)}, ValueError, "a model with learning rate 0.5"),
            ({"callbacks": []}, TypeError, "does not accept `callbacks`: callbacks keep state"),
            ({"bach_size": 3}, TypeError, "unexpected keyword argument 'bach_size'"),
            ({"executor": 4}, TypeError, "`executor` must be a concurrent.futures.Executor"),
        ],
    )
    def test_invalid_arguments_are_errors_before_the_first_trial(self, tmp_path, arguments, error, message):
        arguments = {"log_dir": tmp_path, "learning_rates": [0.1], "epochs": 1, "verbose": 0} | arguments
        make, data = arguments.pop("make", make_model), arguments.pop("data", DATA)
        with pytest.raises(error, match=message):
            run_trials(make, data, **arguments)
        assert not list(tmp_path.iterdir())

    def test_numpy_scalars_are_numbers(self, tmp_path):
        results = trials(
            tmp_path,
            learning_rates=np.array([0.01, 0.1], np.float32),
            epochs=np.int64(1),
            seed=np.int32(3),
            verbose=np.bool_(False),
        )
        assert [type(outcome.learning_rate) for outcome in results] == [float, float]
        assert [recorded.config["seed"] for recorded in read_log_dir(str(tmp_path))] == [3, 3]
        (first, *_) = trials(None, learning_rates=None, around=np.float64(0.3), epochs=1)
        assert type(first.learning_rate) is float

    def test_a_schedule_based_on_the_learning_rate(self):
        def make(learning_rate):
            model = make_model(learning_rate)
            model.compile(
                keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(learning_rate, 8)), "mse"
            )
            return model

        (outcome,) = trials(None, make=make, learning_rates=[0.1])
        assert outcome.trial.learning_rate[1] < outcome.trial.learning_rate[0] < 0.1


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestProgress:
    def test_a_line_for_each_trial_on_standard_error(self, capsys):
        trials(None, verbose=1)
        shown = capsys.readouterr()
        assert shown.out == ""
        lines = shown.err.splitlines()
        assert [line[:13] for line in lines if line.startswith("LR trial")] == [
            "LR trial 1/2:",
            "LR trial 2/2:",
        ]
        assert "learning rate 0.01: loss " in shown.err
        assert "\r" not in shown.err

    def test_nothing_with_verbose_0(self, capsys):
        trials(None)
        assert "LR trial" not in "".join(capsys.readouterr())

    def test_a_bar_on_a_terminal(self):
        terminal = Terminal()
        progress = TrialProgress(2, 4, 1, terminal)
        progress.show("learning rate 0.1", 2)
        assert terminal.getvalue() == "\rLR trials [=====...............] 0/2  learning rate 0.1, epoch 2/4"
        progress.end(TrialOutcome(0.1, stop_reason="failed", message="ValueError: broken"))
        last = terminal.getvalue().rpartition("\r")[2]
        assert last.rstrip() == "LR trial 1/2: learning rate 0.1: ValueError: broken"
        assert len(last.rstrip("\n")) >= len(
            "LR trials [=====...............] 0/2  learning rate 0.1, epoch 2/4"
        )


def test_successful_trials_issue_no_warnings(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        trials(tmp_path)


def test_a_remote_log_dir_is_an_error():
    with pytest.raises(ValueError, match=r"must be a local directory.*s3://bucket/trials"):
        trials("s3://bucket/trials")
