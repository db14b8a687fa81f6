"""The messages of the findings, word for word, and the limits of each finding: users act on them."""

from __future__ import annotations

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.suggestion import RULES, apply_rule, remaining_rows
from tb_lrfinder.analysis.usable_rows import longest_descents
from tb_lrfinder.formatting import rate_text


def rates(steps=100, start=1e-7, end=10.0):
    return np.geomspace(start, end, steps)


def descent(learning_rates, middle=1e-3):
    return 2.3 - 1.8 / (1 + (learning_rates / middle) ** -1.5)


def messages(learning_rates, losses, **known):
    """The messages by code."""
    analysis = analyze(Sweep.from_losses(learning_rates, losses), **known)
    return {finding.code: finding.message for finding in analysis.diagnosis}


def with_gaps():
    losses = descent(rates())
    losses[[10, 50]] = np.nan, np.inf
    return losses


@pytest.mark.parametrize(
    ("code", "learning_rates", "losses", "known", "message"),
    [
        (
            "never_finite",
            rates(),
            np.full(100, np.nan),
            {},
            (
                "The loss is NaN or infinite from the first step, where the learning rate is too small to be "
                "the cause. Check the inputs and labels for NaN and infinity, and the loss function for "
                "`from_logits`, log(0) and division by zero."
            ),
        ),
        (
            "non_finite_early",
            rates(),
            np.r_[2.3 + 0.01 * np.cos(np.arange(20)), np.full(80, np.nan)],
            {},
            (
                "The loss became NaN at step 20, at a learning rate of 4.1e-6, before the learning rate had "
                "any visible effect. Check the inputs and labels for NaN and infinity, and the loss function "
                "for `from_logits`, log(0) and division by zero."
            ),
        ),
        (
            "too_few_steps",
            rates(9),
            descent(rates(9)),
            {},
            (
                "Too few steps with a finite loss: 9, and at least 10 are needed. Increase `num_steps` (100 "
                "is a good value), or train for more batches."
            ),
        ),
        (
            "too_few_steps",
            rates(40),
            descent(rates(40)),
            {},
            (
                "Few steps: 40 over 8.0 decades of learning rate. Increase `num_steps` to at least 100, or "
                "narrow the range."
            ),
        ),
        (
            "no_ramp",
            np.r_[2.0, np.full(40, 1.5), 1.0],
            np.linspace(2, 1, 42),
            {},
            (
                "The learning rate does not increase: it is 2 at the first step and 1 at the last. Sweep "
                "from a small to a large learning rate."
            ),
        ),
        (
            "no_descent",
            rates(),
            np.full(100, 2.0),
            {},
            (
                "The loss does not decrease: it starts at 2 and its lowest smoothed value is 2, a difference "
                "within the noise, up to a learning rate of 10. Increase `end_lr`; if that does not help, "
                "check that the model can learn from this data and that its weights are trainable."
            ),
        ),
        (
            "already_trained",
            rates(200),
            0.4 + 3 * np.maximum(np.log10(rates(200) / 1e-3), 0),
            {},
            (
                "The loss did not decrease at any learning rate, but increased from 0.00046 on, as is usual "
                "for a model that is already trained. The suggestion is 1/300 of that learning rate, "
                "and uncertain: compare it with other learning rates in short training runs, for example "
                "with `run_trials`. If the model is not trained, check that it can learn from this data."
            ),
        ),
        (
            "already_trained",
            rates(200),
            0.4 + 3 * np.maximum(np.log10(rates(200) / 1e-3), 0),
            {"chance_loss": 2.3026},
            (
                "The loss did not decrease at any learning rate, but increased from 0.00046 on, as is usual "
                "for a model that is already trained: it starts at 0.4, compared to 2.3 without any "
                "training. The suggestion is 1/300 of that learning rate, and uncertain: compare it "
                "with other learning rates in short training runs, for example with `run_trials`."
            ),
        ),
        (
            "no_descent",
            rates(200),
            0.4 + 3 * np.maximum(np.log10(rates(200) / 1e-3), 0),
            {"chance_loss": 0.4},
            (
                "The loss does not decrease before it increases: it starts at 0.4 and its lowest smoothed "
                "value is 0.4, and it increases from a learning rate of 0.00046 onward. It starts no lower "
                "than that of a model that has learned nothing, which is 0.4: check that the model can learn "
                "from this data, and that its weights are trainable."
            ),
        ),
        (
            "at_edge",
            rates(),
            descent(rates(), middle=1.0),
            {"stop_reason": "completed"},
            (
                "The loss is still decreasing at the end of the sweep, at a learning rate of 10, so a larger "
                "learning rate may be better. Increase `end_lr` to at least 100."
            ),
        ),
        (
            "at_edge",
            rates(100, 1e-4),
            descent(rates(100, 1e-4), middle=1e-4),
            {"stop_reason": "diverged"},
            (
                "The loss is already decreasing at the start of the sweep, so its initial level is "
                "uncertain. Decrease `start_lr` to 1e-7 or less."
            ),
        ),
        (
            "nan_gaps",
            rates(),
            with_gaps(),
            {},
            (
                "The loss is NaN or infinite in 2 steps that are followed by finite losses; these steps are "
                "ignored. Check for empty batches or a division by zero in the data or the loss."
            ),
        ),
        *(
            (
                "incomplete",
                rates()[:70],
                with_gaps()[:70],
                {"stop_reason": reason, "planned_steps": planned},
                (
                    f"The ramp is incomplete: {why} after 70{of} steps, at a learning rate of 0.038. Train "
                    "for more epochs or decrease `num_steps` so that the ramp is completed."
                ),
            )
            for reason, planned, why, of in (
                ("incomplete", 100, "training ended", " of 100"),
                ("interrupted", 100, "training was interrupted", " of 100"),
                ("failed", None, "training raised an error", ""),
            )
        ),
    ],
)
def test_the_message(code, learning_rates, losses, known, message):
    assert messages(learning_rates, losses, **known)[code] == message


def test_one_gap_is_one_step():
    losses = descent(rates())
    losses[10] = np.nan
    assert messages(rates(), losses)["nan_gaps"].startswith(
        "The loss is NaN or infinite in 1 step that is followed by finite losses; this step is ignored."
    )


def test_the_message_of_a_loss_that_did_not_diverge():
    x = np.log10(rates())
    losses = 2.3 - np.clip(x + 4, 0, 2) + np.maximum(x, 0) * 0.2
    assert messages(rates(), losses, stop_reason="completed")["never_diverged"] == (
        "The loss did not diverge up to a learning rate of 10. Increase `end_lr` to 100 to see where it does."
    )


def test_ten_steps_are_enough_and_eight_a_decade_are_not_few():
    assert analyze(Sweep.from_losses(rates(10), descent(rates(10)))).suggestion.learning_rate is not None
    assert "too_few_steps" in messages(rates(64), descent(rates(64)))
    assert "too_few_steps" not in messages(rates(66), descent(rates(66)))


def test_a_ramp_may_increase_only_at_its_end():
    assert "no_ramp" not in messages(np.r_[np.full(50, 1e-3), 1e-2], np.linspace(2, 1, 51))


def test_the_rules_that_disagree_are_named():
    message = messages(rates(), descent(rates()))["rules_disagree"]
    suggestions = analyze(Sweep.from_losses(rates(), descent(rates()))).suggestions
    compared = {
        name: suggestions[name].learning_rate
        for name in ("mid_descent", "steepest", "valley", "minimum_tenth")
    }
    low, high = min(compared, key=compared.get), max(compared, key=compared.get)
    decades = np.log10(compared[high] / compared[low])
    assert message.startswith(
        f"The rules disagree by {decades:.1f} decades, from {rate_text(compared[low])} ({low}) to "
    )
    assert f"({high})" in message
    assert message.endswith("Compare learning rates between them in short training runs.")


def test_a_rule_without_a_suggestion_keeps_its_name():
    analysis = analyze(Sweep.from_losses(rates(), np.full(100, 2.0)))
    assert {name: one.rule for name, one in analysis.suggestions.items()} == {name: name for name in RULES}
    assert apply_rule("valley", None, analysis.diagnosis[0]).rule == "valley"


def test_rows_that_are_skipped_at_both_ends_may_be_all():
    assert remaining_rows(5, 1, 1) == slice(1, 4)
    assert remaining_rows(5, 0, 9) == slice(0, 0)
    assert remaining_rows(5, 9, 0) == slice(5, 5)


def test_the_longest_descent_of_nothing_and_of_one():
    assert [list(column) for column in longest_descents(np.array([]))] == [[], []]
    assert [list(column) for column in longest_descents(np.array([1.0, 2.0, 3.0]))] == [[1, 1, 1], [0, 0, 0]]
    assert longest_descents(np.array([3.0, 1.0, 2.0, 0.5]))[0][-1] == 3
    assert longest_descents(np.array([3.0, 1.0, 2.0, 0.5]))[1][-1] == 3
