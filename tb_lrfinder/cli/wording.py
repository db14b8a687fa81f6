"""How the commands put numbers and findings into words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tb_lrfinder.cli.terminal import coloured, paragraph


def number(value: float | str | None, digits: int = 3) -> str:
    """A number of an answer, as people read it; learning rates with three digits."""
    return "-" if value is None else f"{float(value):.{digits}g}"


def finding_lines(diagnosis: Iterable[dict[str, Any]]) -> list[str]:
    """A paragraph for each finding, the word of its severity in colour."""
    return [
        paragraph(f"{finding['severity']}: {finding['message']}", "  ").replace(
            finding["severity"],
            coloured(finding["severity"], "red" if finding["severity"] == "severe" else "yellow"),
            1,
        )
        for finding in diagnosis
    ]
