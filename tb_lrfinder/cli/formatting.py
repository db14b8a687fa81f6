"""Formats numbers and findings for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tb_lrfinder.cli.terminal import colored, paragraph
from tb_lrfinder.formatting import number_text


def number(value: float | str | None, digits: int = 2) -> str:
    """Format a number with significant digits; `None` is a hyphen."""
    return "-" if value is None else number_text(float(value), digits)


def finding_lines(diagnosis: Iterable[dict[str, Any]]) -> list[str]:
    """Format each finding as a paragraph, with its severity in color."""
    return [
        paragraph(f"{finding['severity']}: {finding['message']}", "  ").replace(
            finding["severity"],
            colored(finding["severity"], "red" if finding["severity"] == "severe" else "yellow"),
            1,
        )
        for finding in diagnosis
    ]
