"""Sweeps with several batch sizes, and the power law between learning rate and batch size."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from tb_lrfinder.analysis.power_law import PowerLaw, fit_power_law
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE
from tb_lrfinder.analysis.text_table import html_table, text_table
from tb_lrfinder.checks import check_instance, check_integer, check_number
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras.sweep.repeated_sweeps import RepeatedSweeps


@dataclass(frozen=True)
class BatchSizeRow:
    """The suggestion for one batch size.

    Args:
        batch_size: Integer. The batch size.
        learning_rate: Float. The suggestion, the median of repeated sweeps; `None` if there is none.
        low: Float. The lowest suggestion of a sweep; `None` if no sweep has one.
        high: Float. The highest suggestion of a sweep; `None` if no sweep has one.
    """

    batch_size: int
    learning_rate: float | None
    low: float | None
    high: float | None


class BatchSizeSweeps:
    """Sweeps with several batch sizes: a learning rate for each, and how it depends on the batch size.

    Returned by `find_lr(..., batch_sizes=[32, 128, 512])`. The learning rate is expected to follow a power
    law, `learning_rate ~ batch_size ** exponent`: with an exponent near 1 the linear scaling rule (Goyal et
    al., 2017), near 0.5 the square-root scaling rule.

    Example:

    ```python
    sizes = find_lr(model, x, y, log_dir="logs/sizes", batch_sizes=[16, 64, 256])
    sizes                        # a table
    sizes.exponent
    sizes.learning_rate(128)     # by the power law
    sizes[64].apply()            # sets the suggestion for a batch size of 64 on the optimizer
    ```

    Args:
        sweeps: Dict of `RepeatedSweeps` by batch size.

    Attributes:
        rows: Tuple with the `batch_size`, `learning_rate`, `low` and `high` of each batch size, in ascending
            order.
        law: `PowerLaw` that is fitted to all suggestions by least squares, in log-log; `None` if fewer than
            two batch sizes have a suggestion.
        exponent: Float. The exponent of `law`, or `None`.
        exponent_error: Float. Its standard error; `None` with only two suggestions.

    Raises:
        TypeError: If `sweeps` is not a dict of sweeps by batch size.
        ValueError: If it is empty.
    """

    def __init__(self, sweeps: dict[int, RepeatedSweeps]) -> None:
        what = "a dict of RepeatedSweeps by batch size"
        check_instance("sweeps", sweeps, dict, what)
        for size, each in sweeps.items():
            check_integer("sweeps", size, at_least=1)
            check_instance("sweeps", each, RepeatedSweeps, what)
        if not sweeps:
            raise ValueError(f"`sweeps` must be {what}, at least one. Received: sweeps={sweeps!r}")
        self._sweeps = dict(sorted(sweeps.items()))
        self.rows = tuple(
            BatchSizeRow(size, each.learning_rate, each.low, each.high) for size, each in self._sweeps.items()
        )
        self.law = self._fitted()

    @property
    def exponent(self) -> float | None:
        """The exponent of the power law, or `None`."""
        return None if self.law is None else self.law.exponent

    @property
    def exponent_error(self) -> float | None:
        """The standard error of the exponent; `None` with only two suggestions."""
        return None if self.law is None else self.law.error

    def learning_rate(self, batch_size: int) -> float:
        """The learning rate of the power law at any batch size.

        Args:
            batch_size: Integer. The batch size.

        Returns:
            The learning rate, as a float.

        Raises:
            ValueError: If fewer than two batch sizes have a suggestion.
        """
        batch_size = check_integer("batch_size", batch_size, at_least=1)
        if self.law is None:
            raise ValueError(
                "There is no power law, because fewer than two batch sizes have a suggestion. Pass more "
                "`batch_sizes` to `find_lr`, or `repeats`."
            )
        return check_number("learning_rate", self.law.at(batch_size), above=0)

    def __getitem__(self, batch_size: int) -> RepeatedSweeps:
        return self._sweeps[batch_size]

    def __len__(self) -> int:
        return len(self._sweeps)

    def __repr__(self) -> str:
        return f"{text_table(self._table())}\n{self._description()}"

    def _repr_html_(self) -> str:
        """HTML table for notebooks."""
        return f"{html_table(self._table())}<p>{escape(self._description())}</p>"

    def _fitted(self) -> PowerLaw | None:
        points = [
            (size, finder.suggestions[DEFAULT_RULE].learning_rate)
            for size, each in self._sweeps.items()
            if each.learning_rate is not None
            for finder in each.finders
        ]
        known = [(size, rate) for size, rate in points if rate is not None]
        return fit_power_law([size for size, _ in known], [rate for _, rate in known])

    def _description(self) -> str:
        if self.law is None:
            return "No power law, because fewer than two batch sizes have a suggestion."
        return f"{self.law.describe()}."

    def _table(self) -> list[list[str]]:
        def shown(rate: float | None) -> str:
            return "none" if rate is None else rate_text(rate)

        rows = [["batch size", "learning rate", "low", "high", "sweeps"]]
        for row in self.rows:
            rates = [shown(row.learning_rate), shown(row.low), shown(row.high)]
            rows.append([str(row.batch_size), *rates, str(len(self._sweeps[row.batch_size]))])
        return rows
