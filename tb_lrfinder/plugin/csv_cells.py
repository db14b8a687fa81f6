"""Spreadsheet-safe CSV cells.

Excel, LibreOffice and Google Sheets treat a cell that starts with certain characters as a formula, and
formulas can read files and access URLs: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re
from typing import Final

# At the start, and after the cell separators of other locales. The full-width characters are those of
# Japanese and Chinese keyboards.
_FORMULA: Final = re.compile(r"(^|[,;\t\r\n])(?=[ ]*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20])")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def text_cell(text: str) -> str:
    """Return the text of a cell, with an apostrophe before a potential formula. Numbers are unchanged.

    For names and other text. Columns of numbers, including `-inf`, do not need it.

    Example:

    ```python
    text_cell("=1+2")      # "'=1+2"
    text_cell("-1.5e-3")   # "-1.5e-3"
    ```
    """
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'", text)
