"""The power law between learning rate and batch size."""

import math

import numpy as np
import pytest

from tb_lrfinder.analysis.power_law import fit_power_law

SIZES = [32, 64, 128, 512]


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 0.5, 1.0])
def test_an_exact_law_is_found(exponent):
    law = fit_power_law(SIZES, [0.01 * size**exponent for size in SIZES])
    assert law.exponent == pytest.approx(exponent, abs=1e-12)
    assert law.coefficient == pytest.approx(0.01)
    assert law.error == pytest.approx(0, abs=1e-7)
    assert law.deviation == pytest.approx(1)
    assert law.at(256) == pytest.approx(0.01 * 256**exponent)


def test_the_standard_error_is_that_of_a_linear_regression():
    rates = [0.01, 0.025, 0.03, 0.12]
    law = fit_power_law(SIZES, rates)
    coefficients, covariance = np.polyfit(np.log(SIZES), np.log(rates), 1, cov=True)
    assert law.exponent == pytest.approx(coefficients[0])
    assert law.error == pytest.approx(math.sqrt(covariance[0, 0]))


def test_two_suggestions_have_no_error():
    law = fit_power_law([32, 128], [0.01, 0.02])
    assert law.exponent == pytest.approx(0.5)
    assert law.error is None
    assert "its uncertainty is unknown" in law.describe()


def test_repeats_of_two_sizes_have_one():
    assert fit_power_law([32, 32, 128, 128], [0.01, 0.011, 0.02, 0.021]).error < 0.1


@pytest.mark.parametrize(("sizes", "rates"), [([], []), ([32], [0.1]), ([32, 32], [0.1, 0.2])])
def test_fewer_than_two_sizes_have_no_law(sizes, rates):
    assert fit_power_law(sizes, rates) is None


@pytest.mark.parametrize(
    ("exponent", "words"),
    [
        (1.1, "near the linear scaling rule"),
        (0.45, "near the square-root scaling rule"),
        (0.05, "hardly depends on the batch size"),
        (0.75, "between the square-root and the linear"),
        (0.25, "less than the square-root"),
        (1.5, "steeper than the linear"),
        (-0.5, "decreases with the batch size"),
    ],
)
def test_the_law_in_words(exponent, words):
    text = fit_power_law(SIZES, [0.01 * size**exponent for size in SIZES]).describe()
    assert text.startswith(f"learning_rate ~ batch_size ** {exponent:.2f} (standard error 0.00): ")
    assert words in text


def test_points_that_do_not_fit_a_line():
    law = fit_power_law(SIZES, [0.01, 0.1, 0.001, 0.1])
    assert law.deviation > 2
    assert "no power law, as the suggestions are up to" in law.describe()


def test_an_uncertain_exponent_names_no_rule():
    law = fit_power_law([32, 48, 64], [0.01, 0.018, 0.015])
    assert law.error > 0.25
    assert "too uncertain to name a scaling rule" in law.describe()
