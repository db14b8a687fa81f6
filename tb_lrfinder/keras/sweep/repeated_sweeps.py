"""Several sweeps of one configuration, and their common suggestion."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tb_lrfinder.analysis.repeated import median_suggestion, rates_of
from tb_lrfinder.analysis.stop_reasons import STOP_REASONS
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, Suggestion
from tb_lrfinder.analysis.text_table import html_table, text_table
from tb_lrfinder.checks import check_instances
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras.sweep.apply_suggestion import apply_suggestion
from tb_lrfinder.keras.sweep.lr_finder import LRFinder


class RepeatedSweeps:
    """Several sweeps of one configuration, with the median of their suggestions and its spread.

    Returned by `find_lr(..., repeats=3)`. The sweeps start with the same weights and see the batches in
    different orders.

    Example:

    ```python
    sweeps = find_lr(model, x, y, log_dir="logs/adam", repeats=3)
    sweeps.learning_rate        # the median of three suggestions
    sweeps.low, sweeps.high     # the lowest and the highest one
    sweeps.apply()              # sets the median on the optimizer
    ```

    Args:
        finders: List of `LRFinder` callbacks whose sweeps have ended.

    Attributes:
        finders: Tuple of the `LRFinder` callbacks, in the order of their sweeps.
        suggestion: `Suggestion` of the default rule: the median on a logarithmic scale. If fewer than half of
            the sweeps have a suggestion, its `learning_rate` is `None` and `reason` says so.
        suggestions: Dict of the median suggestions of all rules, by rule name.
        learning_rate: Float. The learning rate of `suggestion`, or `None`.
        low: Float. The lowest suggestion of a sweep; `None` if no sweep has one.
        high: Float. The highest suggestion of a sweep; `None` if no sweep has one.

    Raises:
        TypeError: If `finders` is not a list of finders.
        ValueError: If there is none, or one without a sweep.
    """

    def __init__(self, finders: Sequence[LRFinder]) -> None:
        check_instances("finders", finders, LRFinder, "a list of LRFinder")
        if not finders or any(finder.suggestion is None for finder in finders):
            raise ValueError(
                "`finders` must be finders whose sweeps have ended, at least one. "
                f"Received: finders={finders!r}"
            )
        self.finders = tuple(finders)

    @property
    def suggestions(self) -> dict[str, Suggestion]:
        """The median suggestions of all rules, by rule name."""
        return {
            rule: median_suggestion([finder.suggestions[rule] for finder in self.finders])
            for rule in self.finders[0].suggestions
        }

    @property
    def suggestion(self) -> Suggestion:
        """The median suggestion of the default rule."""
        return self.suggestions[DEFAULT_RULE]

    @property
    def learning_rate(self) -> float | None:
        """The median of the suggested learning rates, or `None`."""
        return self.suggestion.learning_rate

    @property
    def low(self) -> float | None:
        """The lowest suggestion of a sweep; `None` if no sweep has one."""
        return min(self._rates, default=None)

    @property
    def high(self) -> float | None:
        """The highest suggestion of a sweep; `None` if no sweep has one."""
        return max(self._rates, default=None)

    def apply(self, rule: str | None = None, *, scale_schedule: bool = True) -> float:
        """Set the median of the suggested learning rates on the optimizer, see `LRFinder.apply`.

        Args:
            rule: String. Name of a rule. Defaults to `None`, the default rule.
            scale_schedule: Boolean. Whether to scale a schedule so that its peak is the median; `False`
                raises an error instead. Defaults to `True`.

        Returns:
            The learning rate of the optimizer, or the peak of its schedule, as a float.

        Raises:
            ValueError: If there is no suggestion, or no such rule, or the schedule has no positive learning
                rate.
            TypeError: If the learning rate of the optimizer is a callable, or with `scale_schedule=False` a
                schedule.
        """
        finder = self.finders[0]
        return apply_suggestion(
            finder.model, finder._outcome.optimizers, self.suggestions, rule, scale_schedule
        )

    @property
    def _rates(self) -> list[float]:
        return rates_of([finder.suggestions[DEFAULT_RULE] for finder in self.finders])

    def __len__(self) -> int:
        return len(self.finders)

    def __repr__(self) -> str:
        return f"{text_table(self._table())}\n{answer(self)}"

    def _repr_html_(self) -> str:
        """HTML table for notebooks."""
        return f"{html_table(self._table())}<p>{escape(answer(self))}</p>"

    def _table(self) -> list[list[str]]:
        rows = [["sweep", "suggestion", "steps", "stopped"]]
        for number, finder in enumerate(self.finders, 1):
            rate = finder.suggestions[DEFAULT_RULE].learning_rate
            suggested = "none" if rate is None else rate_text(rate)
            stopped = STOP_REASONS[finder.stop_reason or "interrupted"]
            rows.append([str(number), suggested, str(len(finder.sweep)), stopped])
        return rows


def answer(sweeps: RepeatedSweeps) -> str:
    """The suggestion and its spread, or why there is none, in one sentence."""
    rate, low, high = sweeps.learning_rate, sweeps.low, sweeps.high
    if rate is None or low is None or high is None:
        return f"No suggestion: {(sweeps.suggestion.reason or '').rstrip('.')}."
    count = sum(finder.suggestions[DEFAULT_RULE].learning_rate is not None for finder in sweeps.finders)
    if len(sweeps) == 1:
        return f"Suggested learning rate {rate_text(rate)}."
    of = f"{len(sweeps)}" if count == len(sweeps) else f"{count} of {len(sweeps)}"
    spread = f"{rate_text(low)} to {rate_text(high)}"
    return f"Suggested learning rate {rate_text(rate)}, the median of {of} sweeps ({spread})."
