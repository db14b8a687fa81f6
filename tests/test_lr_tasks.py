import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lr_tasks import truth as truths
from benchmarks.lr_tasks.truth import Truth, load, load_all

ROOT = Path(__file__).parents[1]
NAN = np.nan
DECLARED = ROOT / "benchmarks" / "lr_tasks" / "declared.json"


@pytest.fixture
def truth() -> Truth:
    # Two seeds at three learning rates, after 5, 10 and 40 steps.
    constant = np.array(
        [
            [[2.0, 1.8, 1.0], [2.0, 1.8, 1.0]],
            [[1.5, 1.0, 1.2], [1.5, 1.4, 1.2]],
            [[1.0, NAN, NAN], [3.0, 1.2, 1.6]],
        ]
    )
    arrays = {
        "log_learning_rate": np.array([-3.0, -2.75, -2.5], np.float32),
        "steps": np.array([5, 10, 40]),
        "constant_loss": constant.astype(np.float32),
        "constant_train_loss": constant.astype(np.float32),
        "one_cycle_loss": np.array([[1.0, 1.0], [0.0, 1.0], [2.0, NAN]], np.float32),
        "sweep_100_learning_rate": np.arange(1, 4, dtype=np.float32),
        "sweep_100_loss": np.array([[3, 2, NAN], [4, 3, 2]], np.float32),
    }
    about = {"name": "made_by_hand", "split": "training", "steps": 10, "baseline_loss": 2.0}
    return Truth(about, arrays)


def test_regret_is_0_at_the_best_and_1_where_a_constant_is_as_good(truth: Truth) -> None:
    # Means at length 1, with what is NaN or worse than the constant as bad as that: 1.8, 1.2, 1.6.
    np.testing.assert_allclose(truth.curve(), [0.75, 0.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(
        truth.curve(0.5), [1.0, 0.0, 0.0], atol=1e-6
    )  # the last: 1 and 3, which is capped
    assert truth.best() == pytest.approx(10**-2.75)
    assert truth.regret(10**-2.75) == 0
    assert truth.regret(10**-2.5) == pytest.approx(0.5)


def test_regret_between_two_learning_rates_is_interpolated_over_their_logarithms(truth: Truth) -> None:
    assert truth.regret(10**-2.625) == pytest.approx(0.25)
    assert truth.regret(1e-9) == pytest.approx(0.75)  # as at the end of the grid
    assert truth.regret(1e9) == pytest.approx(0.5)


@pytest.mark.parametrize("learning_rate", [None, 0.0, -1.0, NAN, np.inf])
def test_no_learning_rate_is_as_bad_as_a_constant(truth: Truth, learning_rate: float | None) -> None:
    assert truth.regret(learning_rate) == 1


def test_the_best_depends_on_the_length(truth: Truth) -> None:
    assert [truth.best(length) for length in (0.5, 1, 4)] == pytest.approx([10**-2.75, 10**-2.75, 10**-3])


def test_lengths_between_are_interpolated_over_the_logarithm_of_the_steps(truth: Truth) -> None:
    # Twice the budget is halfway between 10 and 40 steps.
    losses = truth.losses(2)
    np.testing.assert_allclose(losses, [[1.4, 1.4], [1.1, 1.3], [NAN, 1.4]], atol=1e-6)
    np.testing.assert_allclose(truth.losses(4)[0], [1.0, 1.0])


def test_other_schedules_are_known_at_length_1(truth: Truth) -> None:
    assert truth.schedules == ["constant", "one_cycle"]
    np.testing.assert_allclose(truth.curve(schedule="one_cycle"), [1 / 3, 0, 1], atol=1e-6)
    with pytest.raises(ValueError, match="length 1 only"):
        truth.losses(4, "one_cycle")
    with pytest.raises(ValueError, match="'cosine' was not trained"):
        truth.losses(1, "cosine")


@pytest.mark.parametrize("length", [0.1, 8.0])
def test_lengths_that_were_not_trained_are_refused(truth: Truth, length: float) -> None:
    with pytest.raises(ValueError, match=r"between 0\.5 and 4 budgets"):
        truth.regret(1e-3, length)


def test_a_task_that_nothing_learns_says_so(truth: Truth) -> None:
    assert truth.learns()
    hopeless = Truth({**truth.about, "baseline_loss": 0.5}, truth.arrays)
    assert not hopeless.learns()


def test_files_are_read_by_split(truth: Truth, tmp_path: Path) -> None:
    for name, split in (("a", "training"), ("b", "test")):
        about = json.dumps({**truth.about, "name": name, "split": split})
        np.savez_compressed(tmp_path / f"{name}.npz", about=np.array(about), **truth.arrays)
    assert [one.name for one in load_all("training", tmp_path)] == ["a"]
    assert [one.name for one in load_all("test", tmp_path)] == ["b"]
    with pytest.raises(ValueError, match="split must be one of"):
        next(load_all("all", tmp_path))
    rates, losses = load(tmp_path / "a.npz").sweep(100, 1)
    assert rates.tolist() == [1, 2, 3]
    assert losses.tolist() == [4, 3, 2]


def test_regrets_need_only_numpy() -> None:
    code = "import sys, benchmarks.lr_tasks.truth; print([m for m in ('keras', 'jax') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_no_data_set_is_in_both_splits() -> None:
    declared = json.loads(DECLARED.read_text())
    assert len(declared) >= 200
    assert max(Counter(task["name"] for task in declared).values()) == 1
    training, test = (
        {task["data"] for task in declared if task["split"] == split} for split in truths.SPLITS
    )
    assert training
    assert test
    assert not training & test
    # Sections of the same source code.
    assert len({task["split"] for task in declared if task["data"] in ("code", "modules", "authors")}) == 1


def test_files_are_of_declared_tasks_and_small() -> None:
    declared = {task["name"]: task for task in json.loads(DECLARED.read_text())}
    files = sorted(truths.DATA.glob("*.npz"))
    assert {path.stem for path in files} <= set(declared)
    assert sum(path.stat().st_size for path in files) < 10e6
    for path in files:
        truth = load(path)
        assert declared[path.stem].items() <= truth.about.items(), path.stem
        assert np.all(np.diff(truth.log_learning_rate) > 0)
        assert {"constant", "one_cycle", "cosine"} <= set(truth.schedules)
        assert truth.losses().shape == (len(truth.log_learning_rate), 2)
