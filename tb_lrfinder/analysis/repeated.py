"""The suggestion of several sweeps of one configuration. Depends only on NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tb_lrfinder.analysis.suggestion import Ranges, Suggestion


def median_suggestion(suggestions: Sequence[Suggestion]) -> Suggestion:
    """The median of the suggestions of one rule, on a logarithmic scale.

    If fewer than half of the sweeps have a suggestion, there is none.

    Args:
        suggestions: One of each sweep, at least one.
    """
    rule = suggestions[0].rule
    rates = rates_of(suggestions)
    if 2 * len(rates) < len(suggestions):
        reasons = [each.reason for each in suggestions if each.learning_rate is None and each.reason]
        what = "none" if not rates else f"only {len(rates)}"
        have = "have" if len(rates) != 1 else "has"
        return Suggestion(
            None, rule, f"{what} of {len(suggestions)} sweeps {have} a suggestion. {reasons[0]}"
        )
    ranges = [each.ranges for each in suggestions if each.learning_rate is not None]
    return Suggestion(geometric_median(rates), rule, ranges=_median_ranges(ranges))


def rates_of(suggestions: Sequence[Suggestion]) -> list[float]:
    """The suggested learning rates of the sweeps that have one."""
    return [each.learning_rate for each in suggestions if each.learning_rate is not None]


def geometric_median(rates: Sequence[float]) -> float:
    """The median; halfway between two learning rates is their geometric mean."""
    ordered, middle = sorted(rates), len(rates) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return math.sqrt(ordered[middle - 1] * ordered[middle])


def _median_ranges(ranges: Sequence[Ranges | None]) -> Ranges | None:
    known = [each for each in ranges if each is not None]
    if not known:
        return None
    base, top = (geometric_median([each.cyclical[end] for each in known]) for end in (0, 1))
    return Ranges(
        long_training=geometric_median([each.long_training for each in known]),
        one_cycle_max=geometric_median([each.one_cycle_max for each in known]),
        cyclical=(base, top),
    )
