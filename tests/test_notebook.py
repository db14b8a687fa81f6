"""The HTML of a sweep in a notebook: well-formed, safe, and with correct curves."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.diagnosis import Finding
from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.analysis.trial_results import TrialOutcome, TrialResults
from tb_lrfinder.display.notebook import card
from tb_lrfinder.formatting import rate_text

SVG = "svg"


def a_sweep(rows=100, divergence=1.0, **columns):
    x = np.linspace(-7, 1, rows)
    losses = 2.3 - 1.8 / (1 + np.exp(-3 * (x + 3))) + divergence * np.maximum(8 * (x + 0.5), 0) ** 2
    return Sweep.from_losses(10**x, losses, **columns)


def shown(sweep, suggestion=None, diagnosis=None, closing_line=""):
    """The card, parsed, which fails where it is not well-formed."""
    analysis = analyze(sweep)
    return ElementTree.fromstring(
        card(
            sweep,
            suggestion or analysis.suggestion,
            analysis.diagnosis if diagnosis is None else diagnosis,
            0.3,
            closing_line,
        )
    )


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def curves(element):
    """The points of each curve: lists of (x, y) in the inner SVG, and its size."""
    (inner,) = [svg for svg in element.iter(SVG) if svg.get("overflow") == "hidden"]
    size = float(inner.get("width")), float(inner.get("height"))
    found = [re.findall(r"[ML]([-\d.]+),([-\d.]+)", path.get("d")) for path in inner.iter("path")]
    return [[(float(x), float(y)) for x, y in points] for points in found], size


def test_the_suggestion_and_the_curve():
    sweep = a_sweep()
    suggestion = analyze(sweep).suggestion
    element = shown(sweep, closing_line="Stopped after 100 steps.")
    assert text_of(element).startswith(
        f"Suggested learning rate {rate_text(suggestion.learning_rate)} (mid_descent)"
    )
    assert f"one-cycle peak {rate_text(suggestion.ranges.one_cycle_max)}" in text_of(element)
    assert "Stopped after 100 steps." in text_of(element)
    (outer, _) = element.iter(SVG)
    assert outer.get("role") == "img"
    assert f"suggested learning rate {rate_text(suggestion.learning_rate)}" in outer.get("aria-label")


def test_the_curves_lie_where_their_numbers_are():
    sweep = a_sweep()
    (loss, smoothed), (width, height) = curves(shown(sweep))
    assert len(loss) == len(smoothed) == 100
    assert (loss[0][0], loss[-1][0]) == (0.0, width)  # the whole ramp
    expected = np.linspace(0, width, 100)
    np.testing.assert_allclose([x for x, _ in loss], expected, atol=0.06)
    # The descent fills the chart, and the divergence (up to a hundred times as high) leaves it at the top.
    lowest = min(loss, key=lambda point: -point[1])
    assert lowest[0] == pytest.approx(expected[sweep.loss.argmin()], abs=0.06)
    assert 0.9 * height < lowest[1] <= height
    assert 0 < loss[0][1] < 0.5 * height
    assert loss[-1][1] < 0


def test_the_mark_is_at_the_suggestion():
    element = shown(a_sweep(), Suggestion(1e-3, "mid_descent"))
    (mark,) = [path for path in element.iter("path") if path.get("stroke-dasharray")]
    ((_, _), (width, _)) = curves(element)
    (inner,) = [svg for svg in element.iter(SVG) if svg.get("overflow") == "hidden"]
    x = float(re.match(r"M([\d.]+),", mark.get("d"))[1]) - float(inner.get("x"))
    assert x == pytest.approx(width / 2, abs=0.1)  # halfway from 1e-7 to 10


def test_every_decade_has_a_label():
    texts = [text for text in shown(a_sweep()).iter("text") if text.get("text-anchor") == "middle"]
    decades = ["1e-7", "1e-6", "1e-5", "0.0001", "0.001", "0.01", "0.1", "1", "10"]
    assert [text.text for text in texts if text.text in decades] == decades


def test_noise_fits_in():
    rng = np.random.default_rng(1)
    sweep = Sweep.from_losses(np.logspace(-7, 1, 200), rng.normal(2, 0.1, 200))
    (loss, _), (_, height) = curves(shown(sweep))
    outside = [y for _, y in loss if not 0 <= y <= height]
    assert len(outside) < 0.15 * len(loss)


def test_gaps_stay_gaps():
    losses = a_sweep().loss
    losses[40:50] = math.nan
    element = shown(Sweep.from_losses(np.logspace(-7, 1, 100), losses))
    (inner,) = [svg for svg in element.iter(SVG) if svg.get("overflow") == "hidden"]
    assert [path.get("d").count("M") for path in inner.iter("path")] == [2, 2]


def test_validation_loss_is_a_curve_of_its_own():
    assert len(curves(shown(a_sweep(validation_loss=np.full(100, 2.0))))[0]) == 3


def test_long_sweeps_are_downsampled_and_keep_their_spikes():
    sweep = a_sweep(20_000, divergence=0)
    sweep.loss[12_345] = 2.9
    (loss, smoothed), (width, _) = curves(shown(sweep))
    assert len(loss) <= 2 * width + 40
    top = min(loss, key=lambda point: point[1])
    assert top[0] == pytest.approx(12_345 / 20_000 * width, abs=1)
    assert all(later[0] >= earlier[0] for earlier, later in pairwise(smoothed))


@pytest.mark.parametrize(
    ("rates", "losses"),
    [
        ([], []),
        ([1e-3], [2.0]),
        ([1e-3, 1e-3], [2.0, 2.0]),
        ([0.0, 1e-3], [2.0, 1.0]),
        ([0.0], [2.0]),
        ([1e-3, 1e-2], [math.nan, math.inf]),
        ([1e-3, 1e-2, 1e-1], [1e300, -1e300, 0.0]),
    ],
)
def test_malformed_sweeps_are_shown(rates, losses):
    element = shown(Sweep.from_losses(rates, losses))
    assert text_of(element).startswith("No suggestion.")
    assert not re.search(r"nan|inf(?!in)", "".join(path.get("d") for path in element.iter("path")))


def test_the_reason_is_shown_once():
    element = shown(Sweep.from_losses([1e-3], [2.0]))
    assert text_of(element).count("Too few steps") == 1
    assert [code.text for code in element.iter("code")] == ["num_steps"]


def test_findings_are_shown_and_escaped():
    finding = Finding("example", "mild", "a < b & <script>alert(1)</script>")
    markup = card(a_sweep(), Suggestion(None, "x", reason="<b>no</b>"), [finding], 0.3, "to <logs>")
    assert "<script>" not in markup
    text = text_of(ElementTree.fromstring(markup))
    assert "a < b & <script>" in text
    assert "<b>no</b>" in text
    assert "to <logs>" in text


def test_before_the_sweep():
    text = card(Sweep.from_losses([], []), None, (), 0.3, "")
    assert "No sweep yet" in text
    assert "<svg" not in text


def test_trials_are_a_table_with_the_best_first():
    def outcome(rate, loss, message=None):
        trial = Trial.from_columns({"loss": [1.0, loss], "accuracy": [0.1, 0.9]})
        return TrialOutcome(rate, trial, "failed" if message else "completed", message)

    results = TrialResults(
        [outcome(0.1, 0.5), outcome(1.0, 9.0, "<b>out of memory</b>"), outcome(0.01, 0.25)]
    )
    element = ElementTree.fromstring(results._repr_html_())
    rows = [["".join(cell.itertext()) for cell in row] for row in element]
    assert rows[0] == ["learning rate", "loss", "descent", "accuracy", "epochs", "outcome"]
    assert [row[:2] for row in rows[1:]] == [["0.01", "0.25"], ["0.1", "0.5"], ["1", "9"]]
    assert rows[3][-1] == "failed: <b>out of memory</b>"
    assert all(cell in repr(results) for row in rows for cell in row)


def test_no_color_of_the_page_is_assumed():
    """Black or white text or paper would be invisible in one half of all notebooks."""
    markup = card(a_sweep(), analyze(a_sweep()).suggestion, (), 0.3, "")
    assert not re.search(r"background|#000|#fff|black|white", markup)
    assert 'fill="currentColor"' in markup
    assert " id=" not in markup
    assert "<style" not in markup
