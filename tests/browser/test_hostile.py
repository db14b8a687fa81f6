"""Names, settings and links of somebody who means no good: text, and nothing but text."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests import hostile

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory):
    with hostile.serve(tmp_path_factory.mktemp("hostile")) as server:
        yield server


def watched(tab):
    """Collects what must not happen: dialogs, and requests to elsewhere."""
    happened = []
    own = urlsplit(tab.page.url).netloc
    tab.page.on("dialog", lambda dialog: happened.append(dialog.message))
    tab.page.on(
        "request",
        lambda request: (
            happened.append(request.url)
            if request.url.startswith("http") and urlsplit(request.url).netloc != own
            else None
        ),
    )
    return happened


def check_nothing_ran(tab, happened):
    for place in (tab.page, tab.frame):
        assert place.evaluate("window.hacked") is None
    assert tab.frame.evaluate("({}).polluted") is None
    assert tab.frame.locator("img, script[src*=':x'], [onerror]").count() == 0
    assert happened == []


def test_names_and_settings_are_text(hostile_server, open_tab):
    tab = open_tab(hostile_server, height=2_000)
    happened = watched(tab)
    tab.by("loss-canvas").wait_for()
    rows = tab.frame.locator(".rows li button")
    shown = rows.all_inner_texts()
    assert any('<img src=x onerror="window.hacked=1">' in text for text in shown)
    for row in rows.all():
        row.click()
        tab.page.wait_for_timeout(150)
    for field in ("Color by", "Group by"):
        tab.open_settings()
        for value in ("model", "optimizer", "folder"):
            tab.frame.get_by_label(field).select_option(value)
            tab.page.wait_for_timeout(150)
    chart = tab.by("loss-chart").bounding_box()
    tab.page.mouse.move(chart["x"] + chart["width"] / 2, chart["y"] + 100)
    check_nothing_ran(tab, happened)


def test_downloads_and_code_hold_no_foreign_commands(hostile_server, open_tab):
    tab = open_tab(hostile_server)
    happened = watched(tab)
    tab.by("loss-canvas").wait_for()
    tab.frame.get_by_role("button", name="Export loss", exact=True).click()
    with tab.page.expect_download() as download:
        tab.frame.locator(".menu-list").get_by_text("Picture as SVG").click()
    picture = Path(download.value.path()).read_text()
    assert "<script" not in picture
    assert "<img" not in picture
    tab.frame.get_by_role("button", name="good", exact=True).or_(
        tab.frame.locator(".rows li button[title=good]")
    ).first.click()
    tab.frame.get_by_role("button", name="Keras code", exact=True).click()
    tab.frame.locator(".menu-list").get_by_text("Constant learning rate").click()
    tab.by("answer-card").get_by_text("Copied").first.wait_for()
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert "hacked" not in copied
    check_nothing_ran(tab, happened)


LINKS = [
    "p.lr_finder.filter=" + quote("(a+)+$"),
    "p.lr_finder.filter=" + quote("(" * 2_000),
    "p.lr_finder.filter=" + quote(hostile.MARKUP),
    "p.lr_finder.focus=" + quote(hostile.MARKUP),
    "p.lr_finder.runs=" + quote(",".join(["%ZZ", "__proto__", "%E0%A4%A"])),
    "p.lr_finder.zoom=1e-320,1e308",
    "p.lr_finder.zoom=0,-1",
    "p.lr_finder.marker=1e-320",
    "p.lr_finder.smoothing=1e9&p.lr_finder.skip=-1,x&p.lr_finder.delta=__proto__&p.lr_finder.color=constructor",
    "p.lr_finder.rule=__proto__&p.lr_finder.group=toString&p.lr_finder.compare=" + quote(hostile.MARKUP),
    "p.lr_finder.__proto__=x&p.lr_finder.constructor=y&p.lr_finder.=z&p.lr_finder.%00=%00",
    "p.lr_finder.matches=" + "x" * 50_000,
]


@pytest.mark.parametrize("link", LINKS, ids=range(len(LINKS)))
def test_links_of_others_break_nothing(hostile_server, open_tab, link):
    tab = open_tab(hostile_server, fragment=f"lr_finder&{link}")
    happened = watched(tab)
    # The page answers: the list is there, and the filter takes what is typed.
    field = tab.frame.get_by_label("Filter runs by a regular expression")
    field.fill("good", timeout=20_000)
    tab.frame.locator(".rows li button[title=good]").first.wait_for(timeout=10_000)
    check_nothing_ran(tab, happened)
    errors = [line for line in tab.console if "React" in line or "TypeError" in line]
    assert errors == [], json.dumps(errors)
