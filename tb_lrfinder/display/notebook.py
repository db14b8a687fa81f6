"""HTML representation of sweeps for notebooks. Depends only on NumPy.

Everything is drawn in the text color of the notebook, or in colors that are legible on both light and dark
backgrounds, because notebooks have no common way to tell a cell which theme is active. Scripts, style sheets
and ids are avoided: some notebooks remove them, and they could conflict with those of other cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import Sweep, smooth
from tb_lrfinder.analysis.diagnosis import Finding
from tb_lrfinder.analysis.downsampling import rows_to_draw
from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.checks import check_instance, check_instances, check_smoothing, check_string
from tb_lrfinder.formatting import loss_text, rate_text

_WIDTH: Final = 640
_HEIGHT: Final = 260
_LEFT: Final = 56  # space for the axis labels
_BOTTOM: Final = 40
_TOP: Final = 22
_RIGHT: Final = 12
_CURVE: Final = "#3d85d1"
_VALIDATION: Final = "#1f9d76"
_MARK: Final = "#d9730d"
_SEVERITY: Final = {"severe": "#d64545", "mild": "#b7791f"}


def card(
    sweep: Sweep,
    suggestion: Suggestion | None,
    diagnosis: Sequence[Finding],
    smoothing: float,
    closing_line: str,
) -> str:
    """Render a sweep as HTML: suggestion, curve and diagnosis.

    Args:
        sweep: `Sweep`. The rows of the sweep.
        suggestion: `Suggestion` of the default rule; `None` before the first sweep.
        diagnosis: List of `Finding`.
        smoothing: Float. Standard deviation of the Gaussian that smooths the loss, in decades of learning
            rate.
        closing_line: String. One line about the end of the sweep; may be empty.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.
    """
    check_instance("sweep", sweep, Sweep, "a Sweep")
    if suggestion is not None:
        check_instance("suggestion", suggestion, Suggestion, "a Suggestion or None")
    check_instances("diagnosis", diagnosis, Finding, "a list of Finding")
    smoothing = check_smoothing("smoothing", smoothing)
    closing_line = check_string("closing_line", closing_line, may_be_empty=True)
    parts = [_suggestion_html(suggestion)]
    if len(sweep):
        parts.append(_curve(sweep, suggestion, smoothing))
    # Without a suggestion, the severe finding is the reason, which is already shown.
    reason = suggestion.reason if suggestion is not None else None
    parts += [_finding_html(finding) for finding in diagnosis if finding.message != reason]
    if closing_line:
        parts.append(f'<div style="font-size:85%;opacity:.75;margin-top:.4em">{escape(closing_line)}</div>')
    return f'<div style="max-width:{_WIDTH}px;line-height:1.4">{"".join(parts)}</div>'


def _curve(sweep: Sweep, suggestion: Suggestion | None, smoothing: float) -> str:
    """Draw loss and smoothed loss against the learning rate, with the suggestion marked, as an SVG."""
    positive = np.flatnonzero(sweep.learning_rate > 0)
    if not len(positive):
        return ""
    rates = sweep.learning_rate[positive]
    smoothed = smooth(sweep.learning_rate, sweep.loss, smoothing)[positive]
    axes = _Axes(np.log10(rates), smoothed, sweep.loss[positive])
    rate = suggestion.learning_rate if suggestion is not None else None
    lines = [
        axes.line(rates, sweep.loss[positive], _CURVE, 'stroke-width="1" stroke-opacity=".45"'),
        axes.line(rates, smoothed, _CURVE, 'stroke-width="2"'),
    ]
    if np.isfinite(sweep.validation_loss).any():
        lines.append(axes.line(rates, sweep.validation_loss[positive], _VALIDATION, 'stroke-width="1"'))
    # The inner SVG clips everything outside of the axes, such as the divergence.
    inner = (
        f'<svg x="{_LEFT}" y="{_TOP}" width="{axes.width}" height="{axes.height}" overflow="hidden" '
        f'fill="none">{"".join(lines)}</svg>'
    )
    label = "Loss against learning rate" + (
        "" if rate is None else f", suggested learning rate {rate_text(rate)}"
    )
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'style="max-width:100%;height:auto;display:block;margin:.4em 0" font-size="11" '
        f'font-family="sans-serif" fill="currentColor">{axes.frame()}{inner}{axes.mark(rate)}</svg>'
    )


def _suggestion_html(suggestion: Suggestion | None) -> str:
    if suggestion is None:
        return "<div><b>No sweep yet.</b> Run <code>model.fit(..., callbacks=[finder])</code>.</div>"
    if suggestion.learning_rate is None:
        return f"<div><b>No suggestion.</b> {_text_html(suggestion.reason or '')}</div>"
    headline = (
        f"<div>Suggested learning rate <b>{rate_text(suggestion.learning_rate)}</b> "
        f'<span style="opacity:.75">({escape(suggestion.rule)})</span></div>'
    )
    if suggestion.ranges is None:
        return headline
    base, top = suggestion.ranges.cyclical
    return headline + (
        f'<div style="font-size:85%">long training {rate_text(suggestion.ranges.long_training)} · '
        f"one-cycle peak {rate_text(suggestion.ranges.one_cycle_max)} · cyclical {rate_text(base)} to "
        f"{rate_text(top)}</div>"
    )


def _finding_html(finding: Finding) -> str:
    return (
        f'<div style="border-left:3px solid {_SEVERITY[finding.severity]};padding-left:.6em;margin:.3em 0">'
        f"{_text_html(finding.message)}</div>"
    )


def _text_html(text: str) -> str:
    """Escape text in which `names` are marked as in Markdown."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


class _Axes:
    """The axes of the chart: conversion of numbers to positions in the SVG.

    Args:
        x: Base-10 logarithms of the learning rates.
        smoothed: Smoothed loss, which determines the visible range: its divergence is already capped.
        loss: Loss, most of whose noise must be visible.
    """

    def __init__(self, x: Floats, smoothed: Floats, loss: Floats) -> None:
        self.width, self.height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        self.left, self.right = _non_empty_range(float(x.min()), float(x.max()), 0.3)
        finite = smoothed[np.isfinite(smoothed)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        # Most of the noise is visible as well. The increase of the loss after its minimum is not noise.
        before = loss[: max(int(np.argmin(np.nan_to_num(smoothed, nan=np.inf))), len(loss) // 5) + 1]
        noise = before[np.isfinite(before)]
        if len(noise):
            low = min(low, float(np.quantile(noise, 0.02)))
            high = max(high, float(np.quantile(noise, 0.98)))
        pad = 0.05 * (high - low)
        self.low, self.high = _non_empty_range(low - pad, high + pad, abs(low) / 100 or 1.0)

    def at_x(self, log_rate: Floats | float) -> Floats:
        return np.asarray((log_rate - self.left) / (self.right - self.left) * self.width)

    def at_y(self, loss: Floats | float) -> Floats:
        return np.asarray((self.high - loss) / (self.high - self.low) * self.height)

    def line(self, rates: Floats, loss: Floats, color: str, style: str) -> str:
        """Draw a curve with gaps where the loss is NaN, downsampled to about two points per pixel."""
        rows = rows_to_draw(rates, [loss], buckets=self.width // 2)
        x = self.at_x(np.log10(rates[rows]))
        y = np.clip(self.at_y(loss[rows]), -self.height, 2 * self.height)
        path, pen = [], "M"
        for across, down in zip(x.tolist(), y.tolist(), strict=True):
            if math.isfinite(down):
                path.append(f"{pen}{across:.1f},{down:.1f}")
            pen = "L" if math.isfinite(down) else "M"
        return f'<path d="{"".join(path)}" stroke="{color}" stroke-linejoin="round" {style}/>'

    def frame(self) -> str:
        """Draw grid, ticks and axis labels."""
        parts = []
        bottom = _TOP + self.height
        decades = range(math.ceil(self.left - 1e-3), math.floor(self.right + 1e-3) + 1)
        every = max(math.ceil(len(decades) / 10), 1)
        for decade in decades[::every]:
            x = _LEFT + float(self.at_x(float(decade)))
            parts.append(_grid_line(x, _TOP, x, bottom))
            parts.append(_text(x, bottom + 14, rate_text(10.0**decade), "middle"))
        for loss in _ticks(self.low, self.high):
            y = _TOP + float(self.at_y(loss))
            parts.append(_grid_line(_LEFT, y, _LEFT + self.width, y))
            parts.append(_text(_LEFT - 6, y + 4, loss_text(loss), "end"))
        parts.append(_text(_LEFT + self.width / 2, _HEIGHT - 8, "learning rate", "middle"))
        parts.append(_text(_LEFT - 6, 12, "loss", "end"))
        return "".join(parts)

    def mark(self, rate: float | None) -> str:
        """Draw the suggestion: a vertical line, and the learning rate above it."""
        if rate is None:
            return ""
        x = _LEFT + float(self.at_x(math.log10(rate)))
        anchor = "start" if x < _LEFT + 30 else "end" if x > _WIDTH - 40 else "middle"
        return (
            f'<g fill="{_MARK}" stroke="{_MARK}"><path d="M{x:.1f},{_TOP}V{_TOP + self.height}" '
            f'stroke-width="1.5" stroke-dasharray="5 3"/>'
            f'<text x="{x:.1f}" y="14" text-anchor="{anchor}" stroke="none" font-weight="bold">'
            f"{rate_text(rate)}</text></g>"
        )


def _grid_line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<path d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}" stroke="currentColor" stroke-opacity=".15" '
        'stroke-width="1"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" opacity=".8">{text}</text>'


def _non_empty_range(low: float, high: float, by: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - by, low + by)


def _ticks(low: float, high: float) -> list[float]:
    """About four round numbers in a range."""
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
