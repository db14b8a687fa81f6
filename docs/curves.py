"""Draws the curves of docs/reading_the_curve.md during the MkDocs build, as notebooks show them.

The curves and messages therefore match the current version. `<!-- curve: NAME -->` is the placeholder of a
curve. Curves use the color of the text, so that they are legible in light and dark themes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.display.notebook import card

_X = np.linspace(-7, 1, 120)  # decimal logarithms of the learning rates


def _descent(x: Floats, middle: float, steepness: float = 3.0) -> Floats:
    return np.asarray(1 / (1 + np.exp(-steepness * (x - middle))))


def _rise(x: Floats, start: float) -> Floats:
    return np.asarray(np.maximum(8 * (x - start), 0) ** 2)


def _noise(scale: float) -> Floats:
    return np.random.default_rng(1).normal(0, scale, len(_X))


_SHAPES: dict[str, Callable[[], tuple[Floats, Floats]]] = {
    "good": lambda: (_X, 2.3 - 1.8 * _descent(_X, -3) + _rise(_X, -0.5) + _noise(0.03)),
    "noisy": lambda: (_X, 2.3 - 0.7 * _descent(_X, -2.5) + _rise(_X, -0.2) + _noise(0.25)),
    "flat": lambda: (_X, 2.3 + _noise(0.02)),
    "at_edge": lambda: (_X + 4, 2.3 - 1.8 * _descent(_X + 4, -3) + _rise(_X + 4, -0.5) + _noise(0.03)),
    "never_diverged": lambda: (_X - 1.5, 2.3 - 1.8 * _descent(_X, -2) + _noise(0.03)),
    "trained": lambda: (_X, 0.2 + _rise(_X, -2.5) / 50 + _noise(0.01)),
    "two_descents": lambda: (
        _X,
        2.3 - 0.5 * _descent(_X, -4.8, 6) - 1.3 * _descent(_X, -1.2, 6) + _rise(_X, 0) + _noise(0.02),
    ),
}


def draw(name: str) -> str:
    """Render a curve and its diagnosis as HTML.

    Raises:
        KeyError: If there is no curve of this name.
    """
    x, losses = _SHAPES[name]()
    sweep = Sweep.from_losses(10**x, losses)
    analysis = analyze(sweep, stop_reason="completed", chance_loss=math.log(10))
    return card(sweep, analysis.suggestion, analysis.diagnosis, 0.3, "")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the placeholders in a page; called by MkDocs."""
    return re.sub(r"<!-- curve: (\w+) -->", lambda found: draw(found[1]), markdown)
