"""Plot of a sweep with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tb_lrfinder.analysis.curve import Sweep, smooth
from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.checks import check_instance, check_integer, check_smoothing
from tb_lrfinder.formatting import rate_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARK: Final[dict[str, Any]] = {"color": "C3", "linestyle": "--", "linewidth": 1}


def plot(
    sweep: Sweep,
    suggestion: Suggestion | None,
    smoothing: float,
    ax: Axes | None = None,
    skip_start: int = 0,
    skip_end: int = 0,
) -> Figure:
    """Plot loss and loss delta against the learning rate, or only the loss in `ax`. See `LRFinder.plot`."""
    check_instance("sweep", sweep, Sweep, "a Sweep")
    if suggestion is not None:
        check_instance("suggestion", suggestion, Suggestion, "a Suggestion or None")
    smoothing = check_smoothing("smoothing", smoothing)
    skip_start = check_integer("skip_start", skip_start, at_least=0)
    skip_end = check_integer("skip_end", skip_end, at_least=0)
    try:
        from matplotlib.axes import Axes
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "`plot()` requires matplotlib. Install it with: pip install 'tb_lrfinder[plot]'"
        ) from error
    if ax is not None:
        check_instance("ax", ax, Axes, "a matplotlib Axes, or None")
    if not len(sweep):
        raise ValueError("There is no sweep to plot. Call `model.fit(..., callbacks=[finder])` first.")
    if skip_start + skip_end >= len(sweep):
        raise ValueError(
            f"`skip_start` and `skip_end` must leave at least one of the {len(sweep)} steps of the sweep. "
            f"Received: skip_start={skip_start}, skip_end={skip_end}"
        )
    shown = slice(skip_start, len(sweep) - skip_end)
    if ax is not None:
        _plot_loss(ax, sweep, suggestion, smoothing, shown)
        ax.set_xlabel("learning rate")
        return ax.figure.figure  # the outer one, if the axes are in a subfigure
    # pyplot would select a backend for the whole process, and keep a reference to every figure.
    figure = Figure(figsize=(8, 6), layout="constrained")
    loss_axes, delta_axes = figure.subplots(2, 1, sharex=True)
    _plot_loss(loss_axes, sweep, suggestion, smoothing, shown)
    delta_axes.plot(sweep.learning_rate[shown], sweep.loss_delta[shown], color="C1", linewidth=1)
    delta_axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    if suggestion is not None and suggestion.learning_rate is not None:
        delta_axes.axvline(suggestion.learning_rate, **_MARK)
    delta_axes.set_ylabel("loss delta per step")
    delta_axes.set_xlabel("learning rate")
    return figure


def _plot_loss(
    axes: Axes, sweep: Sweep, suggestion: Suggestion | None, smoothing: float, shown: slice
) -> None:
    """Draw the loss, the smoothed loss and the validation loss, with the suggestion marked."""
    rates = sweep.learning_rate[shown]
    # Smoothed before rows are left out: the curve is the one from which the suggestion was computed.
    smoothed = smooth(sweep.learning_rate, sweep.loss, smoothing)[shown]
    axes.plot(rates, sweep.loss[shown], color="C0", alpha=0.35, linewidth=1, label="loss")
    axes.plot(rates, smoothed, color="C0", label="smoothed loss")
    validation_loss = sweep.validation_loss[shown]
    if np.isfinite(validation_loss).any():
        axes.plot(rates, validation_loss, color="C2", linewidth=1, label="validation loss")
    if suggestion is not None and suggestion.learning_rate is not None:
        label = f"suggestion {rate_text(suggestion.learning_rate)} ({suggestion.rule})"
        axes.axvline(suggestion.learning_rate, label=label, **_MARK)
    axes.set_xscale("log")
    axes.set_ylabel("loss")
    axes.legend()
