"""What leaves the tab: pictures, files of the rows, and Keras code that runs."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.browser.test_tab import RUN, focus, text_of

pytestmark = pytest.mark.xdist_group("browser")

SVG = "{http://www.w3.org/2000/svg}"


def save(tab, button):
    """Choose from the loss card's export menu; returns the name and the content of the file."""
    tab.frame.get_by_role("button", name="Export loss", exact=True).click()
    with tab.page.expect_download() as download:
        tab.frame.locator(".menu-list").get_by_text(button).first.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.fixture
def tab(open_tab, server):
    tab = open_tab(server)
    tab.by("loss-canvas").first.wait_for()
    return tab


def test_the_svg_holds_curves_legend_font_and_the_suggestion(tab, logs):
    focus(tab, RUN)
    name, content = save(tab, "Picture as SVG")
    assert name == "loss-digits-adam.svg"
    picture = ElementTree.fromstring(content)
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    legend = {
        f"{run.removeprefix('digits/')}: {text_of(finder.suggestion.learning_rate)}"
        for run, finder in logs.finders.items()
    }
    assert legend <= set(texts)
    assert "Learning rate (log scale)" in texts
    assert f"Suggested {text_of(logs.finders[RUN].suggestion.learning_rate)}" in texts
    assert "data:font/woff2;base64," in "".join(style.text or "" for style in picture.iter(f"{SVG}style"))
    colors = {path.get("stroke") for path in picture.iter(f"{SVG}path")}
    assert len(colors) >= len(logs.finders)
    assert b"http" not in re.sub(rb"http://www.w3.org/\d+/\w+", b"", content)  # it loads nothing


def test_the_png_is_a_picture_of_twice_the_size(tab):
    name, content = save(tab, "Picture as PNG")
    assert name == "loss-adam-sgd.png"
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert width == 2 * float(tab.by("loss-chart").get_attribute("width"))
    assert height > 600


@pytest.mark.parametrize("form", ["CSV", "JSON"])
def test_the_curves_of_all_shown_runs_as_a_file(tab, server, logs, form):
    name, content = save(tab, f"Curves as {form}")
    assert name == f"sweeps.{form.lower()}"
    answer = server.plugin("sweeps", run=list(logs.finders)).json()["sweeps"]
    for sweep in answer:
        if form == "JSON":
            (saved,) = (s for s in json.loads(content)["sweeps"] if s["run"] == sweep["run"])
            assert saved["suggestion"] == sweep["suggestion"]
            columns = saved["columns"]
        else:
            rows = [r for r in csv.DictReader(io.StringIO(content.decode())) if r["run"] == sweep["run"]]
            columns = {key: [float(row[key]) for row in rows] for key in rows[0] if key != "run"}
        assert set(columns) == {"step", "learning_rate", "loss", "smoothed_loss", "loss_delta", "slope"}
        for key, values in columns.items():
            np.testing.assert_array_equal(np.array(values, float), np.array(sweep["columns"][key], float))


def test_a_hidden_run_is_not_in_the_file(tab, logs):
    hidden = next(run for run in logs.finders if run != RUN)
    tab.frame.get_by_label(f"Show {hidden}").click()
    tab.by("suggested-lr").wait_for()
    name, content = save(tab, "Curves as CSV")
    assert name == "digits-adam.csv"
    assert {row["run"] for row in csv.DictReader(io.StringIO(content.decode()))} == {RUN}


def test_the_keras_code_runs_and_has_the_suggested_learning_rates(tab, logs):
    import keras

    suggestion = logs.finders[RUN].suggestion
    ranges = suggestion.ranges
    focus(tab, RUN)

    def copied(name):
        tab.frame.get_by_role("button", name="Keras code", exact=True).click()
        tab.frame.locator(".menu-list").get_by_text(name).click()
        tab.by("answer-card").get_by_text("Copied").first.wait_for()
        code = tab.page.evaluate("navigator.clipboard.readText()")
        tab.by("selected-run").get_by_text("Keras code").first.wait_for()
        names = {}
        exec(compile(code, name, "exec"), names)
        return names

    optimizer = copied("Constant learning rate")["optimizer"]
    assert type(optimizer) is keras.optimizers.Adam
    assert float(optimizer.learning_rate) == pytest.approx(suggestion.learning_rate, rel=0.05)

    optimizer = copied("Long training")["optimizer"]
    assert float(optimizer.learning_rate) == pytest.approx(ranges.long_training, rel=0.05)

    names = copied("Cyclical learning rate")
    steps = np.arange(0, 8001, 250)
    rates = [float(names["schedule"](step)) for step in steps]
    assert min(rates) == pytest.approx(ranges.cyclical[0], rel=0.05)
    assert max(rates) == pytest.approx(ranges.cyclical[1], rel=0.05)
    assert steps[np.argmax(rates)] == 2000
    saved = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(names["schedule"]))
    assert float(saved(1000)) == pytest.approx(rates[4])

    schedule = copied("One cycle")["schedule"]
    rates = [float(schedule(step)) for step in range(0, 10_001, 100)]
    assert max(rates) == pytest.approx(ranges.one_cycle_max, rel=0.05)
    assert 25 < np.argmax(rates) < 40
    assert rates[0] < ranges.one_cycle_max / 20
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_the_keras_file_trains_a_model(tab, logs):
    import keras

    focus(tab, RUN)
    tab.frame.get_by_role("button", name="Keras code", exact=True).click()
    with tab.page.expect_download() as download:
        tab.frame.locator(".menu-list").get_by_text("as a .py file").click()
    assert download.value.suggested_filename == "digits-adam.py"
    names = {}
    exec(compile(Path(download.value.path()).read_text(), "file", "exec"), names)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(names["optimizer"], "mse")
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_the_answer_shows_the_learning_rates_for_other_trainings(tab, logs):
    ranges = logs.finders[RUN].suggestion.ranges
    focus(tab, RUN)
    tab.open_rules()
    uses = tab.by("other-uses")
    shown = [text.strip() for text in uses.locator("dd").all_inner_texts()]
    low, top = map(text_of, ranges.cyclical)
    assert shown == [text_of(ranges.long_training), text_of(ranges.one_cycle_max), f"{low} to {top}"]
    copy = uses.get_by_role("button", name=f"Copy {low} to {top}")
    assert tab.copied_by(copy) == f"{low}, {top}"
    # They follow from the default rule, and say nothing of another.
    tab.by("answer-card").get_by_role("button", name="Valley").click()
    uses.wait_for(state="detached")


def test_the_summary_as_a_file(tab, logs):
    tab.by("summary-card").get_by_role("button", name="Suggested LR").click()  # as it is sorted
    with tab.page.expect_download() as download:
        tab.by("summary-card").get_by_role("button", name="Summary as CSV").click()
    assert download.value.suggested_filename == "summary.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    suggested = {run: finder.suggestion.learning_rate for run, finder in logs.finders.items()}
    assert [row["run"] for row in rows] == sorted(suggested, key=suggested.__getitem__)
    for row in rows:
        finder = logs.finders[row["run"]]
        assert float(row["suggested_learning_rate"]) == suggested[row["run"]]
        assert row["stop_reason"] == finder.stop_reason
        assert int(row["steps"]) == len(finder.sweep)
