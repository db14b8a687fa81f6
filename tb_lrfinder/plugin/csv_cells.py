"""Cells of CSV that a spreadsheet takes for text, whatever names hold. Needs nothing else.

A cell that begins with one of a few signs is a formula to Excel, LibreOffice and Google Sheets, and a formula
can read files and call addresses: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re
from typing import Final

# At the beginning, and behind whatever another country's spreadsheet takes for the end of a cell. The wide
# signs are those of Japanese and Chinese keyboards.
_FORMULA: Final = re.compile(r"(^|[,;\t\r\n])(?=[ ]*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20])")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def text_cell(text: str) -> str:
    """The text of a cell, with an apostrophe before what would be a formula; numbers stay numbers.

    For names and other texts. Numbers are written as they are, also `-inf`.

    Example:

    ```python
    text_cell("=1+2")      # "'=1+2"
    text_cell("-1.5e-3")   # "-1.5e-3"
    ```
    """
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'", text)
