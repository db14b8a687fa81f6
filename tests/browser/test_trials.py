"""Trials beside the sweep: what is drawn is what the trainings really gave."""

from __future__ import annotations

import json
import math

import pytest

from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")

RATES = (1e-3, 1e-2, 1e-1, 100.0)


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """A sweep, four trials, one of them with a schedule besides; the trials by learning rate."""
    import keras

    from tb_lrfinder import LRFinder, LRTrial
    from tests.keras.replay import regression_data, small_model

    log_dir = tmp_path_factory.mktemp("trials")
    train, validation = regression_data(), regression_data(48, seed=1)

    def fit(learning_rate, callback):
        optimizer = keras.optimizers.SGD(learning_rate)
        model = small_model(optimizer, metrics=["mae"])
        model.fit(
            *train,
            validation_data=validation,
            epochs=6 if isinstance(callback, LRTrial) else 20,
            verbose=0,
            callbacks=[callback],
        )
        return callback

    fit(0.01, LRFinder(log_dir / "sweep", 1e-5, 10.0, 60, verbose=0))
    made = {rate: fit(rate, LRTrial(log_dir / f"trials/{rate:g}", verbose=0)).trial for rate in RATES}
    decay = keras.optimizers.schedules.CosineDecay(0.1, 18)
    made["cosine"] = fit(decay, LRTrial(log_dir / "trials/cosine", verbose=0)).trial
    with tensorboard(log_dir) as server:
        server.wait_for_runs(6, status="finished")
        yield server, made


@pytest.fixture
def tab(trials, open_tab):
    server, made = trials
    tab = open_tab(server, height=1800)
    tab.by("trials-chart").wait_for()
    return tab, made


def places(tab, chart):
    """From numbers to the pixels of a chart, by its axes."""
    element = tab.by(chart)
    x0, x1 = json.loads(element.get_attribute("data-x-domain"))
    y0, y1 = json.loads(element.get_attribute("data-y-domain"))
    left, right = json.loads(element.get_attribute("data-x-range"))
    bottom, top = json.loads(element.get_attribute("data-y-range"))

    def x(value):
        return left + (right - left) * math.log(value / x0) / math.log(x1 / x0)

    def y(value):
        if element.get_attribute("data-y-log") == "true":
            return bottom + (top - bottom) * math.log(value / y0) / math.log(y1 / y0)
        return bottom + (top - bottom) * (value - y0) / (y1 - y0)

    return x, y


def test_each_trial_stands_at_its_learning_rate_and_its_final_validation_loss(tab):
    tab, made = tab
    x, y = places(tab, "trials-chart")
    drawn = {
        one.get_attribute("data-run"): one for one in tab.frame.query_selector_all("[data-testid=trial]")
    }
    assert set(drawn) == {"trials/0.001", "trials/0.01", "trials/0.1", "trials/cosine"}
    for rate in RATES[:3]:
        one = drawn[f"trials/{rate:g}"]
        assert float(one.get_attribute("data-x")) == pytest.approx(x(rate), abs=0.5)
        final = made[rate].validation_loss[-1]
        assert float(one.get_attribute("data-y")) == pytest.approx(y(final), abs=1)
    (lost,) = tab.frame.query_selector_all("[data-testid=diverged-trial]")
    assert lost.get_attribute("data-run") == "trials/100"
    assert tab.console == []


def test_the_axis_is_that_of_the_sweep_and_the_suggestion_has_its_place(tab):
    tab, _ = tab
    for attribute in ("data-x-domain", "data-x-range"):
        values = {
            tab.by(chart).get_attribute(attribute)
            for chart in ("loss-chart", "loss-delta-chart", "trials-chart")
        }
        assert len(values) == 1
    loss, _, trials = (one.get_attribute("data-x") for one in tab.by("suggestion-marker").all())
    assert loss == trials


def test_the_best_is_named_and_the_table_has_the_numbers(tab):
    tab, made = tab
    finals = {rate: trial.validation_loss[-1] for rate, trial in made.items() if rate != 100.0}
    best = min(finals, key=finals.get)
    card = tab.by("trials-card")
    rows = card.get_by_role("row").all_inner_texts()
    assert f"trials/{best:g}" in rows[1] if best != "cosine" else "trials/cosine" in rows[1]
    assert "best" in rows[1]
    assert f"{finals[best]:.4g}" in rows[1]
    assert "diverged" in rows[-1]
    assert any("CosineDecay from 0.1" in row for row in rows)


def test_a_metric_can_be_compared_in_place_of_the_loss(tab):
    tab, made = tab
    tab.frame.get_by_label("Compare by").select_option(label="Mae")
    tab.frame.wait_for_function(
        "document.querySelector('[data-testid=trials-card]').textContent.includes('Final validation mae')"
    )
    _, y = places(tab, "trials-chart")
    one = tab.frame.query_selector("[data-testid=trial][data-run='trials/0.01']")
    final = made[0.01].columns()["validation_mae"][-1]
    assert float(one.get_attribute("data-y")) == pytest.approx(y(final), abs=1)


def test_trials_are_in_the_list_with_their_learning_rate_and_can_be_hidden(tab):
    tab, _ = tab
    row = tab.frame.get_by_role("listitem").filter(has_text="trials/0.01")
    assert "0.01" in row.first.inner_text()
    tab.frame.get_by_label("Show trials/0.01", exact=True).uncheck()
    tab.frame.wait_for_selector("[data-testid=trial][data-run='trials/0.01']", state="detached")
    tab.frame.get_by_label("Filter runs by a regular expression").fill("^sweep")
    tab.by("trials-card").wait_for(state="detached")
    assert tab.by("loss-chart").is_visible()


def test_trials_alone_have_their_cards(tab):
    tab, _ = tab
    tab.frame.get_by_label("Filter runs by a regular expression").fill("^trials/")
    tab.by("loss-card").wait_for(state="detached")
    assert tab.by("trials-chart").is_visible()
    assert tab.by("epochs-chart").is_visible()
    assert tab.console == []


def test_a_link_brings_what_they_are_compared_by(tab, trials, open_tab):
    tab, _ = tab
    tab.frame.get_by_label("Compare by").select_option("mae")
    tab.page.wait_for_url(lambda url: "compare=mae" in url)
    again = open_tab(trials[0], fragment=tab.page.url.partition("#")[2])
    again.by("trials-chart").wait_for()
    assert again.frame.get_by_label("Compare by").input_value() == "mae"


def test_a_trial_that_runs_grows_epoch_by_epoch(tmp_path, open_tab):
    from tb_lrfinder.storage.writer import TrialWriter

    writer = TrialWriter(tmp_path / "0.01", {"id": "a1", "learning_rate": 0.01, "epochs": 9})

    def epoch(number):
        values = {"validation_loss": 2.0 / (number + 1)}
        writer.add(epoch=number, learning_rate=0.01, loss=1.0 / (number + 1), values=values)
        writer.flush()

    epoch(0)
    with tensorboard(tmp_path, "--reload_interval=1") as server:
        server.wait_for_runs(1, status="running")
        tab = open_tab(server, height=1400)
        row = tab.frame.get_by_role("region", name="Trials table").locator("tbody tr")
        row.get_by_role("cell", name="running").wait_for()
        assert row.get_by_role("cell").nth(5).text_content() == "1"
        epoch(1)
        epoch(2)
        row.get_by_role("cell", name="3", exact=True).wait_for(timeout=15_000)
        writer.close({"stop_reason": "completed", "epochs": 3})
        row.get_by_role("cell", name="completed").wait_for(timeout=15_000)
        assert tab.console == []
