"""The reader's own marker: put, read, moved, taken away, and in the link."""

from __future__ import annotations

import json
import math
import re
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.xdist_group("browser")

RUNS = ("digits/adam", "digits/sgd")


@pytest.fixture
def tab(open_tab, server):
    tab = open_tab(server)
    tab.by("loss-canvas").first.wait_for()
    return tab


def x_of(chart, learning_rate):
    low, high = json.loads(chart.get_attribute("data-x-domain"))
    left, right = json.loads(chart.get_attribute("data-x-range"))
    return left + (right - left) * math.log(learning_rate / low) / math.log(high / low)


def marked(tab):
    """The learning rate that the marker says, and the pixels of its line in each chart."""
    slider = tab.by("loss-card").get_by_role("slider", name="Marker")
    places = [float(one.get_attribute("data-x")) for one in tab.by("own-marker").all()]
    return float(slider.get_attribute("aria-valuenow")), places


def type_marker(tab, text):
    field = tab.frame.get_by_label("Marker", exact=True).and_(tab.frame.get_by_role("textbox"))
    field.fill(text)
    field.press("Enter")
    return field


def press_until_moved(tab, slider, key):
    before = slider.get_attribute("aria-valuenow")
    slider.press(key)
    tab.frame.wait_for_function(
        "before => document.querySelector('[role=slider][aria-label=Marker]')"
        ".getAttribute('aria-valuenow') !== before",
        arg=before,
    )
    return math.log10(float(slider.get_attribute("aria-valuenow")) / float(before))


def check_the_readings(tab, server, learning_rate):
    """Each row says what the server says of the step that is nearest on the log axis."""
    query = "&".join(f"run={run}" for run in RUNS)
    answer = server.get(f"data/plugin/lr_finder/sweeps?{query}").json()
    expected = {}
    for sweep in answer["sweeps"]:
        columns = sweep["columns"]
        rates = columns["learning_rate"]
        if not rates[0] <= learning_rate <= rates[-1]:
            continue
        row = min(range(len(rates)), key=lambda i: abs(math.log(rates[i] / learning_rate)))
        expected[sweep["run"]] = [
            columns[name][row] for name in ("learning_rate", "smoothed_loss", "loss", "loss_delta")
        ]
    rows = tab.by("marker-readout").locator("tbody tr").all()
    read = {
        row.get_attribute("data-run"): [
            float(cell.replace("−", "-")) for cell in row.locator("td").all_inner_texts()
        ]
        for row in rows
    }
    assert expected
    assert read.keys() == expected.keys()
    for run, values in expected.items():
        assert read[run][0] == pytest.approx(values[0], rel=6e-3)
        assert read[run][1:] == pytest.approx(values[1:], rel=6e-4, abs=1e-6)


def test_shift_and_a_click_put_it_and_it_reads_every_curve(tab, server):
    chart = tab.by("loss-chart")
    box = chart.bounding_box()
    x = x_of(chart, 2e-3)
    tab.page.keyboard.down("Shift")
    tab.page.mouse.click(box["x"] + x, box["y"] + 120)
    tab.page.keyboard.up("Shift")
    tab.by("marker-readout").wait_for()
    learning_rate, places = marked(tab)
    assert learning_rate == pytest.approx(2e-3, rel=0.03)
    assert places == pytest.approx([x, x], abs=1)
    check_the_readings(tab, server, learning_rate)
    assert tab.frame.locator(".rows li.active").count() == 0  # no run was picked
    assert tab.console == []


def test_it_is_typed_dragged_and_moved_by_keys(tab, server):
    type_marker(tab, "1e-4")
    tab.by("marker-readout").wait_for()
    chart = tab.by("loss-delta-chart")
    assert marked(tab)[1] == pytest.approx([x_of(chart, 1e-4)] * 2, abs=0.01)
    check_the_readings(tab, server, 1e-4)

    chart.scroll_into_view_if_needed()
    box, x = chart.bounding_box(), x_of(chart, 1e-4)
    domain = chart.get_attribute("data-x-domain")
    tab.page.mouse.move(box["x"] + x, box["y"] + 90)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + x_of(chart, 5e-3), box["y"] + 40, steps=6)
    tab.page.mouse.up()
    dragged, places = marked(tab)
    assert dragged == pytest.approx(5e-3, rel=0.03)
    assert places == pytest.approx([x_of(chart, dragged)] * 2, abs=0.01)
    assert chart.get_attribute("data-x-domain") == domain  # it did not zoom
    check_the_readings(tab, server, dragged)

    slider = tab.by("loss-card").get_by_role("slider", name="Marker")
    assert press_until_moved(tab, slider, "ArrowRight") == pytest.approx(0.01, abs=1e-6)
    assert press_until_moved(tab, slider, "Shift+ArrowLeft") == pytest.approx(-0.1, abs=1e-6)
    assert re.match(r"learning rate \S+, \w+: smoothed loss ", slider.get_attribute("aria-valuetext"))
    check_the_readings(tab, server, marked(tab)[0])
    assert tab.console == []


@pytest.mark.parametrize("way", ["Delete", "Escape", "button"])
def test_it_is_taken_away(tab, way):
    type_marker(tab, "0.01")
    slider = tab.by("loss-card").get_by_role("slider", name="Marker")
    slider.wait_for()
    if way == "button":
        tab.frame.get_by_role("button", name="Remove the marker").click()
    else:
        slider.press(way)
    slider.wait_for(state="detached")
    assert tab.by("own-marker").count() == 0
    assert tab.by("marker-readout").count() == 0
    assert tab.by("loss-card").get_by_role("textbox").input_value() == ""


def test_what_is_no_learning_rate_is_refused(tab):
    field = type_marker(tab, "fast")
    assert field.get_attribute("aria-invalid") == "true"
    assert tab.by("own-marker").count() == 0


def test_a_link_brings_it_back_and_the_back_button_takes_it_away(tab, open_tab, server):
    type_marker(tab, "3.4567e-3")
    tab.page.wait_for_url("**marker=3.4567e-3*")
    theirs = open_tab(server, fragment=urlsplit(tab.page.url).fragment)
    theirs.by("marker-readout").wait_for()
    assert marked(theirs)[0] == pytest.approx(3.4567e-3)

    slider = tab.by("loss-card").get_by_role("slider", name="Marker")
    press_until_moved(tab, slider, "Shift+ArrowRight")
    tab.page.wait_for_url(lambda url: "marker=3.4567e-3" not in url and "marker=" in url)
    moved = marked(tab)[0]
    tab.page.go_back()
    slider.wait_for(state="detached")
    assert "marker" not in parse_qs(urlsplit(tab.page.url).fragment)
    assert tab.by("loss-chart").is_visible()
    tab.page.go_forward()
    slider.wait_for()
    assert marked(tab)[0] == pytest.approx(moved, rel=1e-4)
    assert tab.console == []
