"""Hundreds and thousands of sweeps: everything is there, and only what is in sight is in the document."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.browser.test_tab import INK
from tests.serving import tensorboard
from tests.test_plugin import curve, record

pytestmark = pytest.mark.xdist_group("browser")

RUNS = 1_000
LONG = 60_000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("many")
    for number in range(RUNS):
        record(
            log_dir / f"run-{number:04}", curve(40, seed=number), optimizer="Adam", start_time=1e9 + number
        )
    with tensorboard(log_dir) as server:
        server.wait_for_runs(RUNS, seconds=180, status="finished")
        yield server


@pytest.fixture(scope="module")
def long_server(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("long")
    record(log_dir / "long", curve(LONG), optimizer="Adam")
    with tensorboard(log_dir) as server:
        server.wait_for_runs(1, status="finished")
        yield server


def in_the_document(scroller):
    return scroller.locator("li, tbody tr:not(.space)").count()


def scroll_to_the_end(tab, scroller, last):
    scroller.evaluate("list => { list.scrollTop = list.scrollHeight; }")
    scroller.get_by_title(last).first.wait_for()


def test_list_and_table_hold_every_run_and_draw_those_in_sight(open_tab, many):
    tab = open_tab(many, fragment="lr_finder&p.lr_finder.group=none")
    tab.by("loss-canvas").first.wait_for(timeout=60_000)
    assert "1,000 of 1,000 shown" in tab.frame.locator(".runs-panel").text_content()
    runs, table = tab.frame.locator(".rows"), tab.by("summary-card").locator(".table")
    for scroller in (runs, table):
        assert 5 < in_the_document(scroller) < 60
        scroll_to_the_end(tab, scroller, f"run-{RUNS - 1:04}")
        assert 5 < in_the_document(scroller) < 60
    assert table.get_by_role("table").get_attribute("aria-rowcount") == str(RUNS + 1)
    assert table.get_by_role("row").last.get_attribute("aria-rowindex") == str(RUNS + 1)
    assert tab.by("loss-canvas").first.evaluate(INK) > 2_000
    assert tab.by("loss-card").locator(".point .tick").count() == RUNS
    assert tab.console == []


def test_the_table_is_sorted_whole_and_read_by_keyboard(open_tab, many):
    tab = open_tab(many)
    table = tab.by("summary-card").locator(".table")
    table.get_by_title("run-0000").first.wait_for(timeout=60_000)
    suggested = {run["run"]: run["suggestion"]["learning_rate"] for run in many.plugin("runs").json()["runs"]}
    heading = table.get_by_role("button", name="Suggested LR")
    heading.focus()
    tab.page.keyboard.press("Enter")
    first = table.locator("tbody tr:not(.space) th button").first
    assert first.get_attribute("title") == min(suggested, key=suggested.get)
    tab.page.keyboard.press("Enter")
    assert first.get_attribute("title") == max(suggested, key=suggested.get)
    assert table.get_by_role("columnheader", name="Suggested LR").get_attribute("aria-sort") == "descending"
    table.focus()
    tab.page.keyboard.press("End")
    tab.frame.wait_for_function("document.querySelector('.table').scrollTop > 10000")


def test_the_names_and_numbers_of_the_table_can_be_selected(open_tab, many):
    tab = open_tab(many)
    row = tab.by("summary-card").locator("tbody tr:not(.space)").first
    row.wait_for(timeout=60_000)
    row.evaluate("row => getSelection().selectAllChildren(row)")
    assert row.locator("th").text_content() in tab.frame.evaluate("getSelection().toString()")
    assert row.locator("th button").evaluate("button => getComputedStyle(button).userSelect") == "text"


def test_a_setting_moves_only_the_columns_that_it_changes(open_tab, many):
    tab = open_tab(many)
    tab.by("loss-canvas").first.wait_for(timeout=60_000)
    tab.page.wait_for_load_state("networkidle")
    asked = []
    tab.page.on("request", lambda request: asked.append(request.url) if "/sweeps?" in request.url else None)
    tab.open_settings()
    with tab.page.expect_request(lambda request: "/sweeps?" in request.url):
        tab.frame.get_by_label("Smoothing in decades").fill("0.1")
    tab.page.wait_for_timeout(1_000)
    tab.page.wait_for_load_state("networkidle")
    queries = [parse_qs(urlsplit(url).query, keep_blank_values=True) for url in asked]
    assert {query["columns"][0] for query in queries} == {"smoothed_loss"}
    assert sum(len(query["run"]) for query in queries) == RUNS
    assert all(len(url) < 8_000 for url in asked)


def test_a_long_sweep_travels_thinned_and_keeps_its_extremes(open_tab, long_server):
    answers = []
    tab = open_tab(long_server)
    tab.page.on("response", lambda answer: answers.append(answer) if "/sweeps?" in answer.url else None)
    tab.by("suggested-lr").wait_for()
    tab.open_settings()
    tab.frame.get_by_label("Window in batches").fill("7")
    tab.page.wait_for_timeout(300)
    tab.page.wait_for_load_state("networkidle")
    (sweep,) = answers[-1].json()["sweeps"]
    loss, step = (np.frombuffer(base64.b64decode(sweep["columns"][name]), "<f4") for name in ("loss", "step"))
    whole = curve(LONG).loss.astype(np.float32)
    assert len(loss) < LONG / 3
    np.testing.assert_array_equal(loss, whole[step.astype(int)])
    assert (loss.min(), loss.max()) == (whole.min(), whole.max())
    assert sweep["steps"] == LONG
    facts = tab.by("answer-card").text_content()
    assert f"{LONG:,}" in facts
