"""Facts that Python and the page both have to know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tb_lrfinder.analysis.stop_reasons import STOP_REASONS
from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.analysis.trial_results import TrialOutcome, TrialResults

ROOT = Path(__file__).parent.parent
CASES = json.loads((ROOT / "tests/fixtures/best_trial.json").read_text(encoding="utf-8"))["cases"]


def test_stop_reasons_are_those_of_the_page() -> None:
    of_page = (ROOT / "frontend" / "src" / "state" / "stopReasons.json").read_text(encoding="utf-8")
    assert json.loads(of_page) == STOP_REASONS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_best_trial_is_that_of_the_page(case: dict) -> None:
    """frontend/tests/trials.test.ts runs the same cases."""
    results = TrialResults([outcome(**trial) for trial in case["trials"]])
    if case["best"] is None:
        with pytest.raises(ValueError, match="No trial"):
            _ = results.best
    else:
        assert results.best.learning_rate == case["best"]


def outcome(learning_rate: float, stop_reason: str, loss: list, validation_loss: list | None) -> TrialOutcome:
    columns = {"loss": [float(value) for value in loss]}
    if validation_loss is not None:
        columns["validation_loss"] = [float(value) for value in validation_loss]
    return TrialOutcome(learning_rate, Trial.from_columns(columns), stop_reason)
