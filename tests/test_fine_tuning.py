"""The fine-tuning benchmark, and what its recorded sweeps are answered."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fine_tuning import score
from benchmarks.fine_tuning.declare import CONFIRMING, DECLARED, FAMILIES, LAST, declared, tasks
from benchmarks.lr_tasks.truth import Truth

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import regret

SPLITS = ("design", "heldout", "confirming", "last")


@pytest.fixture
def truth() -> Truth:
    """Before the tuning 1.0; after it at three learning rates 0.5, 0.9 and 3 or NaN."""
    losses = np.array([[[1.0, 0.5], [1.0, 0.5]], [[1.0, 0.8], [1.0, 1.0]], [[1.0, 3.0], [1.0, np.nan]]])
    arrays = {
        "log_learning_rate": np.array([-4.0, -3.0, -2.0], np.float32),
        "steps": np.array([50, 100]),
        "constant_loss": losses.astype(np.float32),
    }
    about = {"name": "made_by_hand", "steps": 100, "baseline_loss": 1.0, "classes": 10, "optimizer": "adam"}
    return Truth(about, arrays)


def test_the_declared_tasks_are_those_of_the_families() -> None:
    assert declared() == tasks()
    assert json.loads(DECLARED.read_text()) == [asdict(task) for task in tasks()]
    assert {family.split for family in FAMILIES} == {"design", "heldout"}
    assert {family.split for family in CONFIRMING} == {"confirming"}
    assert {family.split for family in LAST} == {"last"}
    assert len({task.name for task in tasks()}) == len(tasks()) == 78


def test_every_declared_task_was_trained() -> None:
    trained = [truth for split in SPLITS for truth in score.tasks(split)]
    assert {truth.name for truth in trained} == {task.name for task in declared()}
    for truth in trained:
        assert truth.about["baseline_loss"] <= truth.about["initial_loss"]
        assert np.isfinite(truth.losses()).any()


def test_regret_and_harm_are_relative_to_the_loss_before(truth: Truth) -> None:
    assert score.gain(truth) == pytest.approx(0.5)
    assert score.counts(truth)
    assert [truth.regret(rate) for rate in (1e-4, 1e-3, 1e-2)] == pytest.approx([0, 0.8, 1])
    assert [score.is_harmful(truth, rate) for rate in (1e-4, 1e-3, 1e-2, None)] == [False, False, True, False]
    truth.about["baseline_loss"] = 0.505
    assert not score.counts(truth)


def test_the_loss_of_chance_is_known_for_classes(truth: Truth) -> None:
    assert score.chance_loss(truth) == pytest.approx(np.log(10))
    truth.about["classes"] = 0
    assert score.chance_loss(truth) is None


def case(name: str, seed: int = 0, know_classes: bool = True) -> score.Case:
    split = next(task.split for task in declared() if task.name == name)
    return next(
        one for one in score.cases(split, know_classes) if one.truth.name == name and one.seed == seed
    )


def recognized(split: str, know_classes: bool = True) -> list[score.Case]:
    return [one for one in score.cases(split, know_classes) if one.recognized]


def test_a_network_that_goes_on_with_letters() -> None:
    """Its loss is .33, where an untrained one has 3.3. It is best tuned at 1e-4 to 1e-3."""
    one = case("letter_continued_adam")
    assert one.suggested == pytest.approx(1.03e-4, rel=0.05)
    assert one.truth.regret(one.suggested) < 0.3
    finding = one.analysis.diagnosis[0]
    assert (finding.code, finding.severity) == ("already_trained", "mild")
    assert "increased from 0.031 on" in finding.message
    assert "it starts at 0.33, compared to 3.3 without any training" in finding.message
    assert "`run_trials`" in finding.message


def test_a_new_input_distribution_has_a_descent() -> None:
    one = case("letter_shifted_adam")
    assert one.outcome == "descent"
    assert one.truth.regret(one.suggested) < 0.3


@pytest.mark.parametrize("split", SPLITS)
def test_models_that_are_trained_on_are_recognized(split: str) -> None:
    continued = [one for one in score.cases(split, True) if one.truth.about["mode"] == "continued"]
    assert np.mean([one.recognized for one in continued]) > 0.85


@pytest.mark.parametrize("split", SPLITS)
def test_they_are_tuned_better_than_with_the_default_learning_rate(split: str) -> None:
    rules = score.compared()
    suggested, by_default = (
        score.scores(recognized(split), rules[name])
        for name in ("suggestion", "Keras' default learning rate")
    )
    assert suggested[0] < by_default[0] - 0.1
    assert suggested[1] <= by_default[1]


def test_suggestions_for_them_seldom_harm() -> None:
    """Except for `vowels`, where almost every learning rate does: its loss is measured on 80 examples."""
    harm = [
        score.is_harmful(one.truth, one.suggested)
        for split in SPLITS
        for one in recognized(split)
        if one.truth.about["family"] != "vowels"
    ]
    assert len(harm) > 120
    assert sum(harm) <= 1


@pytest.mark.parametrize("split", SPLITS)
def test_untrained_networks_are_not_recognized_if_the_classes_are_known(split: str) -> None:
    analyses = list(score.controls(split, know_classes=True))
    assert len(analyses) >= 18
    assert not any(finding.code == "already_trained" for one in analyses for finding in one.diagnosis)


def test_sweeps_of_untrained_networks_are_not_recognized() -> None:
    codes = {finding.code for one in regret.analyses().values() for finding in one.diagnosis}
    assert "already_trained" not in codes
