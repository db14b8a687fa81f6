"""The tab, as a person sees it: what is drawn is what the finder found."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path

import pytest

from tb_lrfinder.formatting import rate_text
from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")

SCREENSHOT = Path(__file__).parents[2] / "docs" / "screenshot.png"
RUN = "digits/adam"

# Opaque pixels of a canvas; a blank one has none.
INK = """canvas => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++;
  return count;
}"""


def text_of(learning_rate: float) -> str:
    """The learning rate as the tab writes it, which is how Python writes it."""
    return rate_text(learning_rate)


def expected_x(chart, learning_rate: float) -> float:
    low, high = json.loads(chart.get_attribute("data-x-domain"))
    left, right = json.loads(chart.get_attribute("data-x-range"))
    return left + (right - left) * math.log(learning_rate / low) / math.log(high / low)


def focus(tab, run):
    tab.frame.get_by_role("row", name=run).or_(
        tab.frame.get_by_text(run.rpartition("/")[2], exact=True)
    ).first.click()
    tab.by("suggested-lr").wait_for()


def check_the_marked_curve(tab, finder):
    for name in ("loss", "loss-delta"):
        canvases = tab.by(f"{name}-canvas")
        canvases.first.wait_for()
        assert sum(canvases.nth(i).evaluate(INK) for i in range(canvases.count())) > 500
        marker, chart = tab.by(f"{name}-card").get_by_test_id("suggestion-marker"), tab.by(f"{name}-chart")
        drawn = marker.locator("line").first
        x = float(drawn.get_attribute("x1"))
        assert x == float(drawn.get_attribute("x2"))
        assert abs(x - expected_x(chart, finder.suggestion.learning_rate)) <= 1
    assert (
        text_of(finder.suggestion.learning_rate)
        in tab.by("loss-card").get_by_test_id("suggestion-marker").text_content()
    )
    assert tab.by("suggested-lr").text_content() == text_of(finder.suggestion.learning_rate)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_suggested_learning_rate_is_marked_on_both_charts(open_tab, server, logs, theme):
    tab = open_tab(server, dark=theme == "dark")
    focus(tab, RUN)
    check_the_marked_curve(tab, logs.finders[RUN])
    background = tab.frame.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert brightness < 90 if theme == "dark" else brightness > 200
    assert tab.console == []


@pytest.mark.parametrize("options", [("--path_prefix", "/deep/board"), ("--load_fast=false",)])
def test_under_a_path_prefix_and_with_python_loading(open_tab, logs, options):
    with tensorboard(logs.log_dir, *options) as server:
        server.wait_for_runs(len(logs.finders), status="finished")
        tab = open_tab(server)
        focus(tab, RUN)
        check_the_marked_curve(tab, logs.finders[RUN])
        assert tab.console == []


def test_several_runs_are_drawn_in_their_colors(open_tab, server, logs):
    tab = open_tab(server)
    tab.by("loss-canvas").first.wait_for()
    dots = tab.by("loss-card").get_by_test_id("suggestion-dot")
    dots.first.wait_for()
    fills = {
        dots.nth(i).get_attribute("fill") or dots.nth(i).get_attribute("stroke") for i in range(dots.count())
    }
    assert len(fills) == len(logs.finders)


def test_the_suggestion_is_copied_as_it_stands(open_tab, server, logs):
    tab = open_tab(server)
    focus(tab, RUN)
    copied = tab.copied_by(tab.by("answer-card").get_by_role("button", name=re.compile("^Copy")).first)
    assert copied == text_of(logs.finders[RUN].suggestion.learning_rate)
    assert float(copied) == pytest.approx(logs.finders[RUN].suggestion.learning_rate, rel=0.05)


def test_an_empty_log_directory_says_what_to_write_and_fills_when_a_sweep_comes(new_page, tmp_path):
    from tb_lrfinder import demo

    with tensorboard(tmp_path) as server:
        # TensorBoard shows no tab while there is no data; the tab's own document can be opened all the same.
        page = new_page()
        page.goto(f"{server.url}data/plugin_entry.html?name=lr_finder")
        page.get_by_text("LRFinder(").first.wait_for()
        finder = demo.sweep("SGD", str(tmp_path), num_steps=60)
        page.get_by_test_id("suggested-lr").wait_for(timeout=30_000)
        assert page.get_by_test_id("suggested-lr").text_content() == text_of(finder.suggestion.learning_rate)


def test_a_tensorboard_that_was_started_first_shows_the_tab_after_a_reload(open_tab, tmp_path):
    from tb_lrfinder import demo

    with tensorboard(tmp_path) as server:
        assert not server.get("data/plugins_listing").json()["lr_finder"]["enabled"]
        demo.sweep("SGD", str(tmp_path), num_steps=60)
        server.wait_for_runs(1, status="finished")
        tab = open_tab(server)
        tab.by("suggested-lr").wait_for()


def test_a_server_that_goes_away_is_said_and_found_again(open_tab, logs):
    with tensorboard(logs.log_dir) as server:
        server.wait_for_runs(len(logs.finders), status="finished")
        tab = open_tab(server)
        tab.by("loss-canvas").first.wait_for()
    tab.frame.get_by_text(re.compile("cannot be reached|No answer|Could not", re.IGNORECASE)).first.wait_for(
        timeout=30_000
    )
    assert tab.by("loss-canvas").first.evaluate(INK) > 0  # what was there stays


def test_a_chart_fills_the_window_and_goes_back(open_tab, server):
    tab = open_tab(server)
    chart = tab.by("loss-delta-chart")
    chart.wait_for()
    usual = chart.bounding_box()["height"]

    def fills_the_window(height):
        tab.page.set_viewport_size({"width": 1400, "height": height})
        card = tab.by("loss-delta-card")
        tab.page.wait_for_timeout(300)
        box = card.bounding_box()
        assert 40 <= box["y"] < 80  # below TensorBoard's header
        assert (box["x"], box["width"]) == (0, 1400)
        assert height - 2 <= box["y"] + box["height"] <= height

    button = tab.frame.get_by_role("button", name="Full size, loss delta")
    button.click()
    for height in (900, 700):
        fills_the_window(height)
    assert button.get_attribute("aria-pressed") == "true"
    button.press("Enter")
    tab.frame.locator(f"[data-testid=loss-delta-chart][height='{usual:g}']").wait_for()


@pytest.mark.skipif(
    "UPDATE_SCREENSHOT" not in os.environ, reason="set UPDATE_SCREENSHOT=1 to make the README's picture"
)
def test_the_readme_shows_this(open_tab, server):
    tab = open_tab(server)
    tab.by("suggestion-dot").first.wait_for()
    tab.page.mouse.move(700, 20)
    tab.page.wait_for_timeout(1000)
    SCREENSHOT.parent.mkdir(exist_ok=True)
    tab.page.screenshot(path=SCREENSHOT)
