"""Plot of a sweep with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tb_lrfinder.analysis.curve import Sweep, smooth
from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.checks import check_instance, check_smoothing
from tb_lrfinder.formatting import rate_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(sweep: Sweep, suggestion: Suggestion | None, smoothing: float) -> Figure:
    """Plot loss and loss delta against the learning rate. See `LRFinder.plot`."""
    check_instance("sweep", sweep, Sweep, "a Sweep")
    if suggestion is not None:
        check_instance("suggestion", suggestion, Suggestion, "a Suggestion or None")
    smoothing = check_smoothing("smoothing", smoothing)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "`plot()` requires matplotlib. Install it with: pip install 'tb_lrfinder[plot]'"
        ) from error
    if not len(sweep):
        raise ValueError("There is no sweep to plot. Call `model.fit(..., callbacks=[finder])` first.")
    # pyplot would select a backend for the whole process, and keep a reference to every figure.
    figure = Figure(figsize=(8, 6), layout="constrained")
    loss_axes, delta_axes = figure.subplots(2, 1, sharex=True)
    rates = sweep.learning_rate
    loss_axes.plot(rates, sweep.loss, color="C0", alpha=0.35, linewidth=1, label="loss")
    loss_axes.plot(rates, smooth(rates, sweep.loss, smoothing), color="C0", label="smoothed loss")
    if np.isfinite(sweep.validation_loss).any():
        loss_axes.plot(rates, sweep.validation_loss, color="C2", linewidth=1, label="validation loss")
    delta_axes.plot(rates, sweep.loss_delta, color="C1", linewidth=1)
    delta_axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    if suggestion is not None and suggestion.learning_rate is not None:
        for axes in (loss_axes, delta_axes):
            axes.axvline(suggestion.learning_rate, color="C3", linestyle="--", linewidth=1)
        loss_axes.set_title(
            f"suggested learning rate {rate_text(suggestion.learning_rate)} ({suggestion.rule})"
        )
    loss_axes.set_xscale("log")
    loss_axes.set_ylabel("loss")
    loss_axes.legend()
    delta_axes.set_ylabel("loss delta per step")
    delta_axes.set_xlabel("learning rate")
    return figure
