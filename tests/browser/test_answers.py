"""What the tab says first: a learning rate for each configuration, and a chart that shows why."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tb_lrfinder.formatting import rate_text
from tests.browser.test_compare import record
from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")

PREFIX = "experiments_2026-11_digits_baseline/with_augmentation"
# Run, optimizer, model, where the loss decreases in decades, initial loss.
RUNS = [
    *(
        (f"adam_batch{batch}_seed{seed}", "Adam", "convnet", -3.2, 2.3)
        for batch in (32,)
        for seed in range(3)
    ),
    ("sgd_batch32", "SGD", "convnet", -1.8, 2.3),
    ("rmsprop_huge_inputs", "RMSprop", "mlp", -3.0, 7.6e7),
]


@pytest.fixture(scope="module")
def answers_server(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("answers")
    for seed, (run, *configuration) in enumerate(RUNS):
        record(log_dir, f"{PREFIX}_{run}", *configuration, seed=seed)
    with tensorboard(log_dir) as server:
        server.wait_for_runs(len(RUNS), status="finished")
        yield server


@pytest.fixture
def tab(open_tab, answers_server):
    tab = open_tab(answers_server)
    tab.by("suggestion-dot").first.wait_for()
    return tab


def suggestions(server, optimizer):
    runs = server.plugin("runs").json()["runs"]
    return [run["suggestion"]["learning_rate"] for run in runs if run["optimizer"] == optimizer]


def test_the_answers_come_first_and_none_is_over_several_optimizers(tab, answers_server):
    cards = tab.frame.locator("main .card")
    assert "answer" in cards.first.get_attribute("class").split()
    rows = tab.by("answer-card").get_by_role("row").filter(has=tab.frame.locator(".rate"))
    assert rows.count() == 3
    rates = dict(
        zip(
            rows.locator("th b").all_inner_texts(),
            [text.strip() for text in rows.locator(".rate").all_inner_texts()],
            strict=True,
        )
    )
    expected = {
        optimizer: rate_text(10 ** np.median(np.log10(suggestions(answers_server, optimizer))))
        for optimizer in ("Adam", "SGD", "RMSprop")
    }
    assert rates == expected
    low, high = map(rate_text, (f(suggestions(answers_server, "Adam")) for f in (min, max)))
    assert f"3 ({low} – {high})" in " ".join(rows.first.inner_text().split())
    copy = tab.by("answer-card").get_by_role("button", name=f"Copy {expected['SGD']} for SGD")
    assert tab.copied_by(copy) == expected["SGD"]
    assert tab.console == []


def test_names_show_what_differs_and_the_whole_name_on_hover(tab):
    buttons = tab.frame.locator(".rows li > button")
    shown = [row.locator(".title").text_content() for row in buttons.all()]
    seeds = [f"…adam_batch32_seed{seed}" for seed in range(3)]
    assert shown == [*seeds, "…rmsprop_huge_inputs", "…sgd_batch32"]
    assert buttons.first.get_attribute("title") == f"{PREFIX}_adam_batch32_seed0"
    assert f"{PREFIX}_adam_batch32_seed0" in buttons.first.text_content()


def test_a_run_with_huge_losses_is_faint_and_does_not_flatten_the_others(tab):
    low, high = json.loads(tab.by("loss-chart").get_attribute("data-y-domain"))
    assert 0 <= low < high < 4
    note = tab.by("loss-card").get_by_text("far larger losses than the others")
    assert "rmsprop_huge_inputs" in note.inner_text()
    tab.frame.get_by_role("button", name="Show losses relative to their start").click()
    note.wait_for(state="detached")


def boxes(locator):
    return [one.bounding_box() for one in locator.all()]


def overlap(a, b):
    return (
        a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    )


@pytest.mark.parametrize("width", [1400, 390])
def test_labels_do_not_overlap(open_tab, answers_server, width):
    tab = open_tab(answers_server, width=width)
    chart = tab.by("loss-card")
    chart.get_by_test_id("suggestion-marker").first.wait_for()
    pills = boxes(chart.locator(".guide rect"))
    assert len(pills) == 3
    assert not any(overlap(a, b) for i, a in enumerate(pills) for b in pills[i + 1 :])
    tab.by("answer-card").get_by_role("rowheader").first.get_by_role("button").click()
    tab.by("selected-run").wait_for()
    texts = boxes(chart.locator(".guide text, .ring text, .limit text"))
    lines = boxes(chart.locator(".guide line, .limit line"))
    assert len(texts) == 3
    assert not any(overlap(a, b) for i, a in enumerate(texts) for b in texts[i + 1 :])
    assert not any(overlap(text, line) for text in texts[1:] for line in lines)


@pytest.mark.parametrize("width", [1400, 390])
def test_a_selection_does_not_move_the_chart(open_tab, answers_server, width):
    tab = open_tab(answers_server, width=width)
    tab.by("suggestion-dot").first.wait_for()
    before = tab.by("loss-chart").bounding_box()
    tab.by("answer-card").get_by_role("rowheader").first.get_by_role("button").click()
    tab.by("selected-run").wait_for()
    assert tab.by("loss-chart").bounding_box() == before
    tab.frame.get_by_role("button", name="Show all runs").click()
    tab.by("selected-run").wait_for(state="detached")
    assert tab.by("loss-chart").bounding_box() == before


def test_the_axis_fits_the_selected_run(open_tab, server, logs):
    tab = open_tab(server)
    tab.by("suggestion-dot").first.wait_for()
    whole = json.loads(tab.by("loss-chart").get_attribute("data-x-domain"))
    tab.frame.locator(".rows").get_by_text("adam", exact=True).click()
    tab.by("selected-run").wait_for()
    rates = logs.finders["digits/adam"].sweep.learning_rate
    own = json.loads(tab.by("loss-chart").get_attribute("data-x-domain"))
    assert own == pytest.approx([rates[0], rates[-1]], rel=1e-5)
    assert own[1] < whole[1] / 5


def test_the_tooltip_leaves_the_minimum_in_sight(open_tab, answers_server):
    tab = open_tab(answers_server, fragment="lr_finder&p.lr_finder.filter=sgd")
    chart = tab.by("loss-chart")
    tab.by("suggestion-dot").first.wait_for()
    ring = tab.by("loss-card").locator(".ring circle")
    box = chart.bounding_box()
    for share in np.linspace(0.2, 0.95, 16):
        tab.page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.6 * box["height"])
        tooltip = tab.frame.locator(".tooltip")
        tooltip.wait_for()
        assert not overlap(tooltip.bounding_box(), ring.bounding_box())
        text = tooltip.inner_text()
        assert "NaN" not in text
        assert rate_text(suggestions(answers_server, "SGD")[0]) in text
        assert tooltip.bounding_box()["width"] < 330


def test_a_range_without_steps_says_so(open_tab, tmp_path):
    from tb_lrfinder.storage.writer import SweepWriter

    writer = SweepWriter(tmp_path / "sweep", {"num_steps": 90, "end_lr": 1.0, "optimizer": "Adam"})
    for step in range(20):
        writer.add(step, 1e-5 * 1.1**step, 2.3 - 0.01 * step, -0.01)
    writer.flush()
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, steps=20)
        tab = open_tab(server, fragment="lr_finder&p.lr_finder.zoom=0.01,0.1")
        tab.by("loss-card").get_by_text("Nothing was recorded between 0.01 and 0.1").wait_for()
        tab.by("loss-card").get_by_role("button", name="Show everything").click()
        tab.frame.locator(".empty-note").first.wait_for(state="detached")
        assert "20 of 90 steps" in tab.by("answer-card").inner_text()
    writer.close({"stop_reason": "completed"})


def test_the_page_fits_a_narrow_window(open_tab, answers_server):
    tab = open_tab(answers_server, width=320, height=640)
    tab.by("suggestion-dot").first.wait_for()
    widths = tab.frame.evaluate(
        "[document.documentElement.scrollWidth, document.querySelector('main').scrollWidth, innerWidth]"
    )
    assert max(widths[:2]) <= widths[2]
    for row in tab.by("answer-card").get_by_role("rowheader").all():
        box = row.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


def test_a_filter_by_value(tab, answers_server):
    field = tab.frame.get_by_label("Filter runs by a regular expression")
    middle = math.sqrt(suggestions(answers_server, "SGD")[0] * max(suggestions(answers_server, "Adam")))
    field.fill(f"lr > {middle:.2g}")
    tab.frame.get_by_text("1 of 1 shown").wait_for()
    field.fill("optimizer = adam, seed[01]")
    tab.frame.get_by_text("2 of 2 shown").wait_for()
    tab.page.wait_for_url("**filter=optimizer*")
