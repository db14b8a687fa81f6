"""Groups of sweeps: what is drawn of them is what NumPy says of the server's numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")

SEEDS = 5
CONFIGURATIONS = [("Adam", "convnet", -3.2, 2.3), ("SGD", "convnet", -1.8, 2.3), ("Adam", "mlp", -3.6, 46.0)]


def record(log_dir, run, optimizer, model, centre, start, seed):
    """A synthetic sweep: a flat start, a descent around `centre`, a divergence."""
    random = np.random.default_rng(seed)
    x = np.linspace(-6, 0.5, 160 - 7 * seed)  # their rows lie at different learning rates
    loss = start * (1 - 0.6 / (1 + np.exp(-3 * (x - centre))) + 10 ** (2 * (x - centre - 1.8)))
    sweep = Sweep.from_losses(10**x, loss * (1 + random.normal(0, 0.01, len(x))))
    config = {"id": f"{run}", "start_time": 1.79e9 + seed, "optimizer": optimizer, "model": model}
    writer = SweepWriter(log_dir / run, {**config, "batch_size": 32, "num_steps": len(sweep)})
    for row in zip(*sweep.columns().values(), strict=True):
        writer.add(int(row[0]), *map(float, row[1:]))
    said = analyze(sweep, stop_reason="completed", planned_steps=len(sweep)).to_json()
    writer.close({"stop_reason": "completed", "steps": len(sweep), **said})


@pytest.fixture(scope="module")
def seeds_server(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("seeds")
    for number, configuration in enumerate(CONFIGURATIONS):
        for seed in range(SEEDS):
            optimizer, model = configuration[:2]
            run = f"{model}/{optimizer.lower()}-{seed}"
            record(log_dir, run, *configuration, seed=SEEDS * number + seed)
    with tensorboard(log_dir) as server:
        server.wait_for_runs(SEEDS * len(CONFIGURATIONS), status="finished")
        yield server


@pytest.fixture
def tab(open_tab, seeds_server):
    tab = open_tab(seeds_server)
    tab.by("loss-canvas").first.wait_for()
    return tab


def choose(tab, label, option):
    tab.open_settings()
    tab.frame.get_by_label(label).select_option(label=option)


def legend(tab):
    return tab.by("loss-card").get_by_label("Colors").get_by_role("listitem").all_text_contents()


def read_curve(tab, learning_rate):
    """The rows of the tooltip with the pointer at a learning rate."""
    chart = tab.by("loss-chart")
    low, high = json.loads(chart.get_attribute("data-x-domain"))
    left, right = json.loads(chart.get_attribute("data-x-range"))
    x = left + (right - left) * math.log(learning_rate / low) / math.log(high / low)
    chart.hover(position={"x": x, "y": 150}, force=True)
    rows = tab.frame.locator(".tooltip tbody tr")
    rows.first.wait_for()
    return {row[1]: row[2:4] for row in (r.locator("td").all_text_contents() for r in rows.all())}


def heights(server, run_filter, learning_rate):
    """The smoothed losses at a learning rate, on the lines between the server's rows."""
    runs = [run["run"] for run in server.plugin("runs").json()["runs"] if run_filter(run)]
    sweeps = server.plugin("sweeps", run=runs).json()["sweeps"]
    return [
        np.interp(
            math.log(learning_rate), np.log(s["columns"]["learning_rate"]), s["columns"]["smoothed_loss"]
        )
        for s in sweeps
    ]


def test_a_group_is_drawn_as_median_and_middle_80_percent(tab, seeds_server):
    choose(tab, "Group by", "Configuration")
    for learning_rate in (1e-5, 7e-4, 2e-3):
        rows = read_curve(tab, learning_rate)
        assert set(rows) == {
            f"{optimizer} · {model} · batch 32, {SEEDS} sweeps" for optimizer, model, *_ in CONFIGURATIONS
        }
        for optimizer, model, *_ in CONFIGURATIONS:
            median, band = rows[f"{optimizer} · {model} · batch 32, {SEEDS} sweeps"]
            of = heights(
                seeds_server,
                lambda run, o=optimizer, m=model: (run["optimizer"], run["model"]) == (o, m),
                learning_rate,
            )
            # The pointer is at a whole pixel, the band at a point of its grid: both within 1 % of a decade.
            assert float(median) == pytest.approx(np.median(of), rel=0.02)
            low, high = map(float, band.split(" to "))
            assert low == pytest.approx(np.quantile(of, 0.1), rel=0.02)
            assert high == pytest.approx(np.quantile(of, 0.9), rel=0.02)
            assert low < float(median) < high
    assert tab.console == []


def test_the_mark_of_a_group_is_the_median_of_its_suggestions_with_one_optimizer(tab, seeds_server):
    choose(tab, "Group by", "Model")
    dots = tab.by("loss-card").get_by_test_id("suggestion-dot")
    tab.frame.wait_for_function("document.querySelectorAll('[data-testid=suggestion-dot]').length === 6")
    runs = seeds_server.plugin("runs").json()["runs"]
    chart = tab.by("loss-chart")
    low, high = json.loads(chart.get_attribute("data-x-domain"))
    left, right = json.loads(chart.get_attribute("data-x-range"))
    for dot in dots.all():
        model, _, optimizer = dot.get_attribute("data-series").removeprefix("//").partition(" · ")
        logs = [
            math.log10(r["suggestion"]["learning_rate"])
            for r in runs
            if r["model"] == model and r["optimizer"] == (optimizer or r["optimizer"])
        ]
        x = left + (right - left) * (np.median(logs) - math.log10(low)) / math.log10(high / low)
        assert float(dot.get_attribute("cx")) == pytest.approx(x, abs=1)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("Optimizer", ["Adam", "SGD"]),
        ("Model", ["convnet", "mlp"]),
        ("Batch size", ["batch 32"]),
        ("Folder", ["convnet/", "mlp/"]),
    ],
)
def test_colors_by_what_runs_have_in_common(tab, option, values):
    choose(tab, "Color by", option)
    assert legend(tab) == values
    boxes = tab.frame.locator(".rows input[type=checkbox]")
    colors = {box.evaluate("box => box.style.accentColor") for box in boxes.all()}
    assert len(colors) == len(values)


def test_models_of_unlike_losses_compare_relative_to_their_start(tab):
    note = tab.by("loss-card").get_by_text("differ by a factor of up to")
    note.wait_for()
    tab.frame.get_by_role("button", name="Show losses relative to their start").click()
    note.wait_for(state="detached")
    choose(tab, "Group by", "Configuration")
    medians = [float(row[0]) for row in read_curve(tab, 2e-6).values()]
    assert medians == pytest.approx([1.0] * len(CONFIGURATIONS), abs=0.02)


def test_a_run_in_focus_stands_beside_the_groups(tab):
    choose(tab, "Group by", "Configuration")
    tab.frame.locator(".rows").get_by_text("adam-2", exact=True).first.click()
    tab.by("suggested-lr").wait_for()
    rows = read_curve(tab, 1e-4)
    assert rows["convnet/adam-2"][1] == "one sweep"
    assert len(rows) == len(CONFIGURATIONS) + 1


def test_the_svg_has_the_bands_and_names_the_groups(tab):
    choose(tab, "Group by", "Optimizer")
    tab.frame.get_by_role("button", name="Export loss", exact=True).click()
    with tab.page.expect_download() as download:
        tab.frame.locator(".menu-list").get_by_text("Picture as SVG").click()
    picture = Path(download.value.path()).read_text()
    assert picture.count('fill-opacity="0.18"') == 2
    assert ">Adam<" in picture
    assert ">SGD<" in picture


def test_the_link_brings_groups_and_colors_back(tab, open_tab, seeds_server):
    choose(tab, "Group by", "Optimizer")
    choose(tab, "Color by", "Model")
    tab.page.wait_for_url(lambda url: "group=optimizer" in url and "color=model" in url)
    again = open_tab(seeds_server, fragment=tab.page.url.partition("#")[2])
    again.by("loss-card").get_by_label("Colors").wait_for()
    again.open_settings()
    assert again.frame.get_by_label("Group by").input_value() == "optimizer"
    assert legend(again) == ["convnet", "mlp"]


def test_a_click_on_a_group_focuses_its_typical_sweep(tab, seeds_server):
    choose(tab, "Group by", "Configuration")
    runs = [
        run for run in seeds_server.plugin("runs").json()["runs"] if run["run"].startswith("convnet/adam")
    ]
    logs = {run["run"]: math.log10(run["suggestion"]["learning_rate"]) for run in runs}
    typical = min(logs, key=lambda run: abs(logs[run] - np.median(list(logs.values()))))
    chart = tab.by("loss-chart")
    row = next(row for name, row in read_curve(tab, 1e-3).items() if name.startswith("Adam · convnet"))
    low, high = json.loads(chart.get_attribute("data-y-domain"))
    bottom, top = json.loads(chart.get_attribute("data-y-range"))
    y = bottom + (top - bottom) * (float(row[0]) - low) / (high - low)
    left, right = json.loads(chart.get_attribute("data-x-range"))
    first, last = json.loads(chart.get_attribute("data-x-domain"))
    x = left + (right - left) * math.log(1e-3 / first) / math.log(last / first)
    chart.click(position={"x": x, "y": y}, force=True)
    tab.by("suggested-lr").wait_for()
    assert tab.by("selected-run").locator(".of").get_attribute("title") == typical
