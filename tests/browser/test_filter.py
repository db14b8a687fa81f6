"""The filter of the run list: a pattern that takes too long is stopped, and hides nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest

pytestmark = pytest.mark.xdist_group("browser")

# Without a nested quantifier; there are billions of ways to match them to the name of a run.
SLOW = [".*" * 30 + "!", "(.?)" * 60 + "!"]


@pytest.mark.parametrize("pattern", SLOW)
def test_a_slow_filter_is_stopped(server, open_tab, pattern):
    tab = open_tab(server, fragment="lr_finder&p.lr_finder.filter=" + quote(pattern, safe=""))
    tab.frame.get_by_role("alert").get_by_text("takes too long").wait_for(timeout=20_000)
    rows = tab.frame.locator(".rows li")
    assert rows.count() == len(server.plugin("runs").json()["runs"])
    # The next filter is matched by a new worker.
    tab.frame.get_by_label("Filter runs by a regular expression").fill("adam$")
    tab.frame.get_by_text("1 of 1 shown").wait_for()
    assert rows.count() == 1
    assert tab.console == []
