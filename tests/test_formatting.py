"""Numbers as text; the page has the same cases in frontend/tests/format.test.ts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tb_lrfinder.formatting import loss_text, number_text, rate_text

CASES = json.loads((Path(__file__).parent / "fixtures" / "numbers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['value']}-{case['digits']}")
def test_numbers_are_written_as_in_the_page(case):
    assert number_text(case["value"], case["digits"]) == case["text"]


def test_a_text_reads_back_as_the_rounded_number():
    for exponent in range(-12, 9):
        value = 3.14159 * 10.0**exponent
        assert float(number_text(value, 3)) == pytest.approx(value, rel=2e-3)


def test_numbers_that_are_not_finite():
    assert [number_text(value, 3) for value in (float("nan"), float("inf"), -float("inf"))] == [
        "nan",
        "inf",
        "-inf",
    ]


def test_digits_of_each_kind_of_number():
    assert rate_text(0.0047831) == "0.0048"
    assert rate_text(0.0047831, 3) == "0.00478"
    assert loss_text(0.0047831) == "0.004783"
