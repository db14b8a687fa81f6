"""The trainings of the benchmark are those of `model.fit`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.keras.backends import BACKEND

if BACKEND != "jax":
    pytest.skip("the benchmark's data are made with JAX", allow_module_level=True)
pytest.importorskip("sklearn")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import regret
import regret_build
from regret_tasks import TASKS


def task(name):
    return next(task for task in TASKS if task.name == name)


@pytest.mark.parametrize("name", ["wine_mlp_sgd", "cancer_bnmlp_adamw", "blobs_mlp_lion"])
def test_trains_as_fit_does(name):
    trainer = regret_build.Trainer(task(name))
    split, epochs, rate = trainer.split, 2, 0.03
    losses = trainer.train(np.full(epochs * trainer.steps_per_epoch, rate), 0, shuffle=False)

    model = trainer.new_model(0)
    model.optimizer.learning_rate = rate
    validation = (split.val_x, split.val_y)
    fit = model.fit(
        split.x, split.y, trainer.task.batch, epochs, 0, validation_data=validation, shuffle=False
    )
    np.testing.assert_allclose(losses, fit.history["val_loss"], rtol=1e-4)


def test_a_training_ends_when_its_loss_is_not_finite():
    trainer = regret_build.Trainer(task("friedman2_rawtarget_rmsprop"))
    assert not np.isfinite(trainer.train(np.full(3 * trainer.steps_per_epoch, 1e30), 0)).any()


def test_one_cycle():
    rates = regret_build.one_cycle(300, 2.0)
    assert len(rates) == 300
    assert rates[0] == pytest.approx(2.0 / 25)
    assert rates.argmax() == 100
    assert rates.max() == 2.0
    assert 0 < rates[-1] < 0.001


def test_makes_what_the_benchmark_reads(tmp_path, monkeypatch, capsys):
    options = ["--tasks", "iris", "--seeds", "1", "--grid", "1", "--metrics", "final", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["regret_build.py", *options])
    regret_build.main()
    described = json.loads((tmp_path / "tasks.json").read_text())
    assert [about["name"] for about in described] == ["iris_logistic_adam"]
    (read,) = regret.tasks(tmp_path)
    assert read.has("final")
    assert not read.has("long")
    assert read.regret(described[0]["best_learning_rate"]) == 0.0
    assert read.regret(1e-6) > 0.9
    assert read.regret(regret.analyses(tmp_path)["iris_logistic_adam", 100, 0].suggestion.learning_rate) < 0.5

    capsys.readouterr()
    regret_build.main()  # goes on where it stopped, that is: at the end
    assert "is there" in capsys.readouterr().out
