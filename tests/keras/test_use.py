"""The methods of a finder (apply, plot, print, pickle), and `find_lr`."""

import pickle
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

import tb_lrfinder
from tb_lrfinder import LRFinder, find_lr
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras import internals
from tests.keras.backends import needs_multi_optimizer
from tests.keras.event_file import latest_values, read_config, read_sweep
from tests.keras.replay import regression_data, same_state, small_model, state_of


def swept(model, log_dir=None, **arguments):
    options = {"start_lr": 1e-5, "end_lr": 100.0, "num_steps": 60, "verbose": 0}
    finder = LRFinder(log_dir, **options | arguments)
    model.fit(*regression_data(1024), batch_size=64, epochs=10, verbose=0, callbacks=[finder])
    return finder


class TestApply:
    def test_it_sets_the_rate_and_reads_it_back(self):
        model = small_model("sgd")
        finder = swept(model)
        applied = finder.apply()
        assert applied == np.float32(finder.suggestion.learning_rate)
        assert float(model.optimizer.learning_rate.numpy()) == applied
        before = model.get_weights()[0]
        model.fit(*regression_data(), verbose=0)
        assert not np.array_equal(before, model.get_weights()[0])

    def test_another_rule(self):
        finder = swept(small_model("sgd"))
        name = [name for name, each in finder.suggestions.items() if each.learning_rate][-1]
        assert finder.apply(name) == np.float32(finder.suggestions[name].learning_rate)

    def test_an_unknown_rule(self):
        with pytest.raises(ValueError, match="Received: rule='best'"):
            swept(small_model("sgd")).apply("best")

    def test_loss_scaling(self):
        inner = keras.optimizers.SGD(0.01)
        finder = swept(small_model(keras.optimizers.LossScaleOptimizer(inner)))
        applied = finder.apply()
        assert float(inner.learning_rate.numpy()) == applied == np.float32(finder.suggestion.learning_rate)

    @needs_multi_optimizer
    def test_a_multi_optimizer_keeps_its_relations(self):
        first, second = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.001)
        model = small_model()
        optimizer_map = keras.optimizers.OptimizerMap(first, {model.layers[1].kernel.path: second})
        model.compile(keras.optimizers.MultiOptimizer(optimizer_map), "mse")
        applied = swept(model).apply()
        assert float(first.learning_rate.numpy()) == applied
        assert float(second.learning_rate.numpy()) == pytest.approx(applied / 10, rel=1e-6)

    def test_a_schedule_may_be_an_error_with_the_code_to_write(self):
        schedule = keras.optimizers.schedules.CosineDecay(0.01, 100)
        model = small_model(keras.optimizers.Adam(schedule))
        finder = swept(model)
        with pytest.raises(TypeError, match="is a schedule, CosineDecay") as caught:
            finder.apply(scale_schedule=False)
        code = re.search(r"For a constant learning rate, use (keras\..*\))$", str(caught.value)).group(1)
        assert float(eval(code).learning_rate.numpy()) == pytest.approx(
            finder.suggestion.learning_rate, rel=1e-2
        )
        assert internals.own_learning_rate(model.optimizer) is schedule

    def test_a_callable_is_an_error(self):
        finder = swept(small_model(keras.optimizers.SGD(lambda: 0.01)))
        with pytest.raises(TypeError, match="is a callable"):
            finder.apply()

    def test_no_suggestion_is_an_error_with_the_reason(self):
        model = small_model("sgd")
        finder = swept(model, start_lr=1e-9, end_lr=1e-8)
        assert finder.suggestion.learning_rate is None
        with pytest.raises(ValueError, match="no suggestion to apply") as caught:
            finder.apply()
        assert finder.suggestion.reason in str(caught.value)
        assert float(model.optimizer.learning_rate.numpy()) == np.float32(0.01)

    def test_before_the_sweep(self):
        with pytest.raises(ValueError, match=r"Run `model\.fit"):
            LRFinder().apply()


class TestFindLr:
    def test_everything_in_one_call(self, tmp_path, capsys):
        model = small_model("sgd")
        before = model.get_weights()
        finder = find_lr(
            model, *regression_data(1024), log_dir=tmp_path / "a", batch_size=64, start_lr=1e-5, end_lr=100.0
        )
        assert finder.suggestion.learning_rate is not None
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        shown = capsys.readouterr().out
        assert "/100" in shown  # the progress bar counts the steps of the ramp
        assert "Epoch" not in shown
        assert f"Written to {finder.log_dir}" in shown
        assert len(read_sweep(finder.log_dir)[0]) == len(finder.sweep)

    def test_arguments_of_fit_reach_fit(self):
        seen = []
        spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
        x, y = regression_data()
        finder = find_lr(
            small_model(),
            x,
            y,
            num_steps=5,
            verbose=0,
            batch_size=8,
            sample_weight=np.full(len(x), 1e-3),
            callbacks=[spy],
        )
        assert seen == [0, 1, 2, 3, 4]
        assert finder.sweep.loss[0] < 0.05  # a thousandth of what it is without weights

    def test_enough_epochs_for_accumulation_and_averaging(self):
        optimizer = keras.optimizers.SGD(0.01, gradient_accumulation_steps=2)
        finder = find_lr(
            small_model(optimizer),
            *regression_data(),
            num_steps=6,
            batches_per_step=3,
            stop=None,
            verbose=0,
            batch_size=96,
        )
        assert finder.stop_reason == "completed"

    def test_a_generator_is_read_once(self):
        batches = (regression_data(8, seed=seed) for seed in range(5))
        with pytest.warns(UserWarning, match="after 5 of 10 steps"):
            finder = find_lr(small_model(), batches, num_steps=10, verbose=0)
        assert finder.stop_reason == "incomplete"

    def test_an_error_restores_at_once(self):
        def boom(batch, logs):
            if batch == 3:
                raise OSError("gone")

        model = small_model()
        model.fit(*regression_data(), verbose=0)
        before = state_of(model)
        with pytest.raises(OSError, match="gone"):
            find_lr(
                model,
                *regression_data(),
                num_steps=5,
                verbose=0,
                batch_size=8,
                callbacks=keras.callbacks.LambdaCallback(on_train_batch_end=boom),
            )
        assert same_state(before, state_of(model))


def test_the_summary(tmp_path, capsys):
    first, second = (swept(small_model("sgd"), tmp_path / "a", verbose=1) for _ in range(2))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("LR Finder")]
    assert len(lines) == 2
    assert lines[0].startswith(
        f"LR Finder: suggested learning rate {rate_text(first.suggestion.learning_rate)} ("
    )
    assert f"Stopped after {len(first.sweep)} of 60 steps" in lines[0]
    assert "the loss diverged" in lines[0]
    assert f"Written to {tmp_path / 'a'}." in lines[0]
    assert lines[0].endswith("The model was restored to its state before the sweep; it has not been trained.")
    assert second.log_dir == str(tmp_path / "a" / "2")
    assert f"Written to {tmp_path / 'a' / '2'}, because {tmp_path / 'a'} already contains a run." in lines[1]


def test_the_summary_of_a_model_that_is_kept(capsys):
    swept(small_model("sgd"), restore=False, verbose=1)
    shown = capsys.readouterr().out
    assert "was not restored (restore=False)" in shown
    assert "not been trained" not in shown


def test_results_print_well():
    finder = LRFinder("logs/a")
    assert repr(finder) == "LRFinder(log_dir='logs/a', no sweep yet)"
    finder = swept(small_model("sgd"))
    assert "stop_reason='diverged'" in repr(finder)
    assert rate_text(finder.suggestion.learning_rate) in repr(finder)
    assert f"Sweep({len(finder.sweep)} steps" in repr(finder)


def test_a_notebook_shows_the_curve_and_the_suggestion(tmp_path):
    finder = LRFinder(tmp_path / "a")
    assert "No sweep yet" in finder._repr_html_()
    finder = swept(small_model("sgd"), tmp_path / "a")
    shown = finder._repr_html_()
    assert f"<b>{rate_text(finder.suggestion.learning_rate)}</b>" in shown
    assert "<svg" in shown
    assert f"Written to {tmp_path / 'a'}" in shown
    assert pickle.loads(pickle.dumps(finder))._repr_html_() == shown


def test_a_finder_pickles_with_its_results_and_without_the_model(tmp_path):
    model = small_model("sgd")
    finder = swept(model, tmp_path / "a", validation_data=regression_data())
    data = pickle.dumps(finder)
    assert len(data) < 20_000
    copy = pickle.loads(data)
    assert np.array_equal(copy.sweep.loss, finder.sweep.loss)
    assert copy.suggestion == finder.suggestion
    assert (copy.stop_reason, copy.log_dir) == ("diverged", finder.log_dir)
    assert repr(copy) == repr(finder)
    with pytest.raises(ValueError, match="has no model"):
        copy.apply()


def test_an_unpickled_finder_sweeps():
    copy = pickle.loads(pickle.dumps(LRFinder(num_steps=5, verbose=0)))
    small_model().fit(*regression_data(), batch_size=8, verbose=0, callbacks=[copy])
    assert len(copy.sweep) == 5


class TestPlot:
    @pytest.fixture(scope="class")
    def finder(self):
        return swept(small_model("sgd"), validation_data=regression_data())

    def test_loss_and_delta_with_the_suggestion_marked(self, finder, tmp_path):
        figure = finder.plot()
        loss, delta = figure.axes
        assert loss.get_xscale() == "log"
        assert np.array_equal(loss.lines[0].get_ydata(), finder.sweep.loss)
        assert np.array_equal(delta.lines[0].get_ydata(), finder.sweep.loss_delta)
        for axes in (loss, delta):
            assert [finder.suggestion.learning_rate] * 2 in [list(line.get_xdata()) for line in axes.lines]
        figure.savefig(tmp_path / "plot.png")

    def test_the_loss_in_axes_of_the_user(self, finder):
        figure = Figure()
        first, second = figure.subplots(1, 2)
        assert finder.plot(ax=first) is figure
        loss, _, validation, mark = first.lines
        assert np.array_equal(loss.get_ydata(), finder.sweep.loss)
        assert np.array_equal(validation.get_ydata(), finder.sweep.validation_loss)
        assert mark.get_xdata()[0] == finder.suggestion.learning_rate
        labels = [text.get_text() for text in first.get_legend().get_texts()]
        suggestion = f"suggestion {rate_text(finder.suggestion.learning_rate)} ({finder.suggestion.rule})"
        assert labels == ["loss", "smoothed loss", "validation loss", suggestion]
        assert (first.get_xlabel(), first.get_ylabel()) == ("learning rate", "loss")
        assert not second.lines
        assert figure.axes == [first, second]

    def test_axes_in_a_subfigure(self, finder):
        figure = Figure()
        assert finder.plot(figure.subfigures(1, 2)[0].subplots()) is figure

    def test_steps_at_both_ends_are_left_out_of_all_curves(self, finder):
        whole, shortened = finder.plot().axes, finder.plot(skip_start=3, skip_end=5).axes
        for all_lines, lines in zip(whole, shortened, strict=True):
            for line, shorter in zip(all_lines.lines, lines.lines, strict=True):
                if len(line.get_xdata()) > 2:  # not a horizontal or vertical line
                    assert np.array_equal(line.get_xydata()[3:-5], shorter.get_xydata(), equal_nan=True)

    def test_no_step_is_left(self, finder):
        steps = len(finder.sweep)
        assert len(finder.plot(skip_start=steps - 1).axes[0].lines[0].get_xdata()) == 1
        with pytest.raises(ValueError, match=f"Received: skip_start=1, skip_end={steps - 1}"):
            finder.plot(skip_start=1, skip_end=steps - 1)

    def test_before_the_sweep(self):
        with pytest.raises(ValueError, match="no sweep to plot"):
            LRFinder().plot()


class TestWritten:
    def test_rows_are_those_in_memory(self, tmp_path):
        finder = swept(small_model("sgd"), tmp_path / "a", validation_data=regression_data())
        rows, result = read_sweep(finder.log_dir)
        for index, column in enumerate(finder.sweep.columns().values()):
            assert np.array_equal(rows[:, index], column.astype("float32"), equal_nan=True)
        assert result["stop_reason"] == finder.stop_reason
        assert result["steps"] == len(finder.sweep)
        assert result["suggestion"]["learning_rate"] == pytest.approx(finder.suggestion.learning_rate)
        assert set(result["suggestions"]) == set(finder.suggestions)
        scalars = latest_values(finder.log_dir)
        assert scalars["lr_finder/loss"] == pytest.approx(finder.sweep.loss, rel=1e-6)

    def test_the_config_says_what_was_run(self, tmp_path):
        finder = swept(small_model(keras.optimizers.Adam(0.01, beta_1=0.8)), tmp_path / "a", seed=5)
        config = read_config(finder.log_dir)
        assert config["optimizer"] == "Adam"
        assert config["optimizer_settings"]["beta_1"] == 0.8
        assert "learning_rate" not in config["optimizer_settings"]
        assert config["parameters"] == 49
        assert config["batch_size"] == 64
        assert config["loss"] == "mse"
        assert (config["num_steps"], config["ramp"], config["per"], config["seed"]) == (
            60,
            "exponential",
            "batch",
            5,
        )
        assert config["start_lr"] == pytest.approx(1e-5)
        assert config["versions"]["keras"] == keras.__version__
        assert {"id", "start_time", "smoothing", "delta_window", "model"} <= set(config)

    def test_a_disk_that_fills_up_is_a_warning(self, tmp_path, monkeypatch):
        """The writer's file is closed under it: every write from then on fails as on a full disk."""
        from tb_lrfinder.storage.writer import SweepWriter

        opened = []
        real = SweepWriter.__init__

        def remember(self, *arguments, **named):
            real(self, *arguments, **named)
            opened.append(self)

        monkeypatch.setattr(SweepWriter, "__init__", remember)

        def fill(batch, logs):
            if batch == 5:
                opened[0]._events.close()

        finder = LRFinder(tmp_path / "a", 1e-4, 0.1, 10, stop=None, verbose=0)
        spy = keras.callbacks.LambdaCallback(on_train_batch_end=fill)
        with pytest.warns(RuntimeWarning, match="can no longer write"):
            small_model().fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder, spy])
        assert finder.stop_reason == "completed"
        assert len(finder.sweep) == 10


def test_importing_the_package_does_not_import_keras():
    code = (
        "import sys, tb_lrfinder; tb_lrfinder.suggest; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_keras_the_error_names_the_extra():
    code = (
        "import sys; sys.modules['keras'] = None\n"
        "import tb_lrfinder\n"
        "try: tb_lrfinder.LRFinder\n"
        "except ImportError as error: print(error)"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'tb_lrfinder[tensorflow]'" in answer.stdout


def test_public_names():
    assert {"LRFinder", "find_lr", "suggest", "Suggestion"} <= set(dir(tb_lrfinder))
