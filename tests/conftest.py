"""Which of many combinations of cases `make test` runs, and which tests it starts with."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark combinations as `long` in which no case occurs for the first time, and order the tests.

    That applies to tests with the mark `combinations`, which combine several lists of cases. `make test`
    omits `long` tests, and so has each case at least once; `make matrix` runs all of them.
    """
    seen: dict[Any, set[tuple[str, int]]] = defaultdict(set)
    for item in items:
        if item.get_closest_marker("combinations") is None:
            continue
        cases = {(name, id(case)) for name, case in item.callspec.params.items()}  # type: ignore[attr-defined]
        known = seen[item.path, item.originalname]  # type: ignore[attr-defined]
        if cases <= known:
            item.add_marker("long")
        known |= cases
    # First those that one worker has to run one after the other, or the others would have to wait for it.
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
