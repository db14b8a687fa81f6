"""A link opens the same view for somebody whose log directory has another root."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def teammates(logs, tmp_path_factory):
    """The same logs below another root, so that each run has a longer name."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(logs.log_dir, elsewhere / "team" / "copy")
    with tensorboard(elsewhere) as server:
        server.wait_for_runs(len(logs.finders), status="finished")
        yield server


def domain(tab, axis):
    """To four digits: a link holds five."""
    return [f"{end:.4g}" for end in json.loads(tab.by("loss-chart").get_attribute(f"data-{axis}-domain"))]


def shown(tab):
    """What a person sees of the view, but for the folders of the names."""
    tab.by("loss-canvas").first.wait_for()
    tab.open_settings()
    leaf = "element => element.textContent.split('/').pop()"
    rows = tab.frame.locator(".rows li")
    return {
        "listed": [row.locator(".leaf").text_content() for row in rows.all()],
        "checked": [row.get_by_role("checkbox").is_checked() for row in rows.all()],
        "focus": [one.evaluate(leaf) for one in tab.frame.locator(".rows li.active .leaf").all()],
        "zoom": domain(tab, "x"),
        "y": domain(tab, "y"),
        "settings": [
            field.evaluate("f => f.type === 'checkbox' ? String(f.checked) : f.value")
            for field in tab.frame.locator(".settings-panel :is(input, select)").all()
        ],
        "rule": tab.frame.locator(".rules button[aria-pressed=true] .label").text_content(),
    }


def set_up_everything(tab):
    tab.frame.get_by_label("Filter runs by a regular expression").fill("^digits/")
    tab.frame.locator(".rows").get_by_text("adam", exact=True).click()
    tab.by("suggested-lr").wait_for()
    tab.open_rules()
    tab.frame.get_by_role("button", name="Valley").click()
    tab.open_settings()
    tab.frame.get_by_label("Skip start").fill("3")
    tab.frame.get_by_label("Skip end").fill("2")
    tab.frame.get_by_label("Smoothing in decades").fill("0.15")
    tab.frame.get_by_label("Color by").select_option("optimizer")
    tab.frame.get_by_label("Group by").select_option("model")
    for label in ("Show the raw loss", "Log scale for the loss", "Loss relative to start"):
        tab.frame.get_by_label(label).click()
    box = tab.by("loss-chart").bounding_box()
    y = box["y"] + 120
    tab.page.mouse.move(box["x"] + 200, y)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 500, y, steps=5)
    tab.page.mouse.up()
    tab.page.wait_for_url("**zoom=**")
    tab.page.wait_for_timeout(600)


def test_every_part_of_the_view(open_tab, server, teammates):
    tab = open_tab(server)
    tab.by("loss-canvas").first.wait_for()
    set_up_everything(tab)
    theirs = open_tab(teammates, fragment=tab.page.url.partition("#")[2])
    theirs.page.wait_for_timeout(600)
    assert shown(theirs) == shown(tab)
    assert shown(tab)["focus"] == ["adam"]
    assert theirs.frame.locator(".rows li > button").first.get_attribute("title") == "team/copy/digits/adam"
    assert theirs.console == []


def test_the_runs_that_are_hidden(open_tab, server, teammates):
    tab = open_tab(server)
    tab.frame.get_by_label("Show digits/sgd").click()
    tab.page.wait_for_url("**hidden=**")
    theirs = open_tab(teammates, fragment=tab.page.url.partition("#")[2])
    assert shown(theirs) == shown(tab)
    assert shown(tab)["checked"] == [True, False]


def test_another_filter_takes_over_from_that_of_the_link(open_tab, server, teammates):
    tab = open_tab(server)
    tab.frame.get_by_label("Filter runs by a regular expression").fill("^digits/adam")
    tab.page.wait_for_url("**matches=**")
    theirs = open_tab(teammates, fragment=tab.page.url.partition("#")[2])
    assert shown(theirs)["listed"] == ["adam"]
    theirs.frame.get_by_label("Filter runs by a regular expression").fill("sgd")
    theirs.frame.locator(".rows").get_by_text("sgd", exact=True).wait_for()
    assert shown(theirs)["listed"] == ["sgd"]
