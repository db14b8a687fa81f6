"""How a sweep and trials look in a notebook: HTML with the curve and the answer. Needs only numpy.

Everything is drawn in the colour of the notebook's own text, or in colours that are legible on light and on
dark, since notebooks do not agree on how they tell a cell which of the two it is on. There are no scripts, no
style sheets and no ids, which some notebooks remove and which would meet those of other cells.
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
from tb_lrfinder.analysis.suggestion import Suggestion

_WIDTH: Final = 640
_HEIGHT: Final = 260
_LEFT: Final = 56  # room for the labels of the axes
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
    """A sweep as HTML: its answer, its curve, what is worth knowing about it.

    Args:
        sweep: The rows.
        suggestion: That of the default rule.
        diagnosis: The findings.
        smoothing: Of the smoothed loss, in decades.
        closing_line: How the sweep ended.
    """
    parts = [_answer(suggestion)]
    if len(sweep):
        parts.append(curve(sweep, suggestion, smoothing))
    # Where there is no suggestion, the severe finding is the reason, and has been said.
    reason = suggestion.reason if suggestion is not None else None
    parts += [_finding(finding) for finding in diagnosis if finding.message != reason]
    if closing_line:
        parts.append(f'<div style="font-size:85%;opacity:.75;margin-top:.4em">{escape(closing_line)}</div>')
    return f'<div style="max-width:{_WIDTH}px;line-height:1.4">{"".join(parts)}</div>'


def curve(sweep: Sweep, suggestion: Suggestion | None, smoothing: float) -> str:
    """Loss and smoothed loss against the learning rate, with the suggestion marked, as an SVG."""
    drawn = np.flatnonzero(sweep.learning_rate > 0)
    if not len(drawn):
        return ""
    x = np.log10(sweep.learning_rate[drawn])
    smoothed = smooth(sweep.learning_rate, sweep.loss, smoothing)[drawn]
    axes = _Axes(x, smoothed, sweep.loss[drawn])
    rate = suggestion.learning_rate if suggestion is not None else None
    lines = [
        axes.line(x, sweep.loss[drawn], _CURVE, 'stroke-width="1" stroke-opacity=".45"'),
        axes.line(x, smoothed, _CURVE, 'stroke-width="2"'),
    ]
    if np.isfinite(sweep.validation_loss).any():
        lines.append(axes.line(x, sweep.validation_loss[drawn], _VALIDATION, 'stroke-width="1"'))
    # What lies outside of the inner picture is cut off, such as the divergence.
    inner = (
        f'<svg x="{_LEFT}" y="{_TOP}" width="{axes.width}" height="{axes.height}" overflow="hidden" '
        f'fill="none">{"".join(lines)}</svg>'
    )
    said = "Loss against learning rate" + ("" if rate is None else f", {rate:.3g} is suggested")
    return (
        f'<svg role="img" aria-label="{said}" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'style="max-width:100%;height:auto;display:block;margin:.4em 0" font-size="11" '
        f'font-family="sans-serif" fill="currentColor">{axes.frame()}{inner}{axes.mark(rate)}</svg>'
    )


def _answer(suggestion: Suggestion | None) -> str:
    if suggestion is None:
        return "<div><b>No sweep yet.</b> Run <code>model.fit(..., callbacks=[finder])</code>.</div>"
    if suggestion.learning_rate is None:
        return f"<div><b>No suggestion.</b> {_prose(suggestion.reason or '')}</div>"
    headline = (
        f"<div>Suggested learning rate <b>{suggestion.learning_rate:.3g}</b> "
        f'<span style="opacity:.75">({escape(suggestion.rule)})</span></div>'
    )
    if suggestion.ranges is None:
        return headline
    base, top = suggestion.ranges.cyclical
    return headline + (
        f'<div style="font-size:85%">long training {suggestion.ranges.long_training:.3g} · '
        f"one-cycle peak {suggestion.ranges.one_cycle_max:.3g} · cyclical {base:.3g} to {top:.3g}</div>"
    )


def _finding(finding: Finding) -> str:
    return (
        f'<div style="border-left:3px solid {_SEVERITY[finding.severity]};padding-left:.6em;margin:.3em 0">'
        f"{_prose(finding.message)}</div>"
    )


def _prose(text: str) -> str:
    """Sentences with `names` in them."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


class _Axes:
    """Where numbers lie in the picture.

    Args:
        x: Decimal logarithms of the learning rates.
        smoothed: The smoothed loss, which decides what is seen: its divergence is capped already.
        loss: The loss, whose noise must fit in.
    """

    def __init__(self, x: Floats, smoothed: Floats, loss: Floats) -> None:
        self.width, self.height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        self.left, self.right = _widened(float(x.min()), float(x.max()), 0.3)
        seen = smoothed[np.isfinite(smoothed)]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        # Most of the noise fits in as well; where the loss rises after its minimum, that is no noise.
        before = loss[: max(int(np.argmin(np.nan_to_num(smoothed, nan=np.inf))), len(loss) // 5) + 1]
        noise = before[np.isfinite(before)]
        if len(noise):
            low = min(low, float(np.quantile(noise, 0.02)))
            high = max(high, float(np.quantile(noise, 0.98)))
        pad = 0.05 * (high - low)
        self.low, self.high = _widened(low - pad, high + pad, abs(low) / 100 or 1.0)

    def at_x(self, log_rate: Floats | float) -> Floats:
        return np.asarray((log_rate - self.left) / (self.right - self.left) * self.width)

    def at_y(self, loss: Floats | float) -> Floats:
        return np.asarray((self.high - loss) / (self.high - self.low) * self.height)

    def line(self, x: Floats, y: Floats, colour: str, style: str) -> str:
        """A curve with gaps where there is no number; as many points as can be seen."""
        x, y = _thinned(self.at_x(x), np.clip(self.at_y(y), -self.height, 2 * self.height), 2 * self.width)
        path, pen = [], "M"
        for across, down in zip(x.tolist(), y.tolist(), strict=True):
            if math.isfinite(down):
                path.append(f"{pen}{across:.1f},{down:.1f}")
            pen = "L" if math.isfinite(down) else "M"
        return f'<path d="{"".join(path)}" stroke="{colour}" stroke-linejoin="round" {style}/>'

    def frame(self) -> str:
        """Grid, ticks and names of the axes."""
        parts = []
        bottom = _TOP + self.height
        decades = range(math.ceil(self.left - 1e-3), math.floor(self.right + 1e-3) + 1)
        every = max(math.ceil(len(decades) / 10), 1)
        for decade in decades[::every]:
            x = _LEFT + float(self.at_x(float(decade)))
            parts.append(_grid_line(x, _TOP, x, bottom))
            parts.append(_text(x, bottom + 14, f"1e{decade}", "middle"))
        for loss in _round_numbers(self.low, self.high):
            y = _TOP + float(self.at_y(loss))
            parts.append(_grid_line(_LEFT, y, _LEFT + self.width, y))
            parts.append(_text(_LEFT - 6, y + 4, f"{loss:.4g}", "end"))
        parts.append(_text(_LEFT + self.width / 2, _HEIGHT - 8, "learning rate", "middle"))
        parts.append(_text(_LEFT - 6, 12, "loss", "end"))
        return "".join(parts)

    def mark(self, rate: float | None) -> str:
        """The suggestion: a line, and its number above it."""
        if rate is None:
            return ""
        x = _LEFT + float(self.at_x(math.log10(rate)))
        anchor = "start" if x < _LEFT + 30 else "end" if x > _WIDTH - 40 else "middle"
        return (
            f'<g fill="{_MARK}" stroke="{_MARK}"><path d="M{x:.1f},{_TOP}V{_TOP + self.height}" '
            f'stroke-width="1.5" stroke-dasharray="5 3"/>'
            f'<text x="{x:.1f}" y="14" text-anchor="{anchor}" stroke="none" font-weight="bold">'
            f"{rate:.3g}</text></g>"
        )


def _grid_line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<path d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}" stroke="currentColor" stroke-opacity=".15" '
        'stroke-width="1"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" opacity=".8">{text}</text>'


def _widened(low: float, high: float, by: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - by, low + by)


def _thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """At most `most` points, of which none that can be seen is missing: of each stretch its extremes."""
    if len(x) <= most:
        return x, y
    size = math.ceil(2 * len(x) / most)
    rows = len(x) // size * size
    stretches = y[:rows].reshape(-1, size)
    offset = np.arange(0, rows, size)[:, None]
    filled = np.nan_to_num(stretches, nan=math.inf), np.nan_to_num(stretches, nan=-math.inf)
    both = np.column_stack([filled[0].argmin(axis=1), filled[1].argmax(axis=1)])
    kept = np.append((offset + np.sort(both, axis=1)).ravel(), np.arange(rows, len(x)))
    return x[kept], y[kept]


def _round_numbers(low: float, high: float) -> list[float]:
    """About four round numbers between two others."""
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
