"""Tables of strings, as text and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Render rows of strings as text; all columns but the last one are right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join("  ".join([*map(str.rjust, row, widths), row[-1]]).rstrip() for row in rows)


def html_table(rows: Sequence[Sequence[str]]) -> str:
    """Render rows of strings as an HTML table with a header; the last column is left-aligned."""

    def line(row: Sequence[str], tag: str) -> str:
        sides = ["right"] * (len(row) - 1) + ["left"]
        cells = [
            f'<{tag} style="text-align:{side};padding:.1em .6em">{escape(cell)}</{tag}>'
            for cell, side in zip(row, sides, strict=True)
        ]
        return f"<tr>{''.join(cells)}</tr>"

    return f"<table>{line(rows[0], 'th')}{''.join(line(row, 'td') for row in rows[1:])}</table>"
