"""What each state of the tab looks like, in light, dark and narrow; the pictures are those of the docs, too.

    python -m pytest tests/browser/test_pictures.py --write-pictures

takes them anew after a change of the page. Look at them before they are committed.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
RECORDED = Path(__file__).parent / "pictures" / "logs"
MANY = 60

# Two machines smooth the edges of letters and lines in different ways, so both pictures are blurred first.
BLUR = 2
NOTICED = 20  # of 255, in any channel
MOST_OTHER = 0.0005  # of the pixels: a curve that has moved, or a label that is not there, is more


WINDOWS = {"wide": (1280, 900), "narrow": (700, 900)}


def sweeps(tab):
    tab.by("suggestion-dot").first.wait_for()


def focus(tab):
    sweeps(tab)
    tab.by("selected-run").wait_for()


def tooltip(tab):
    sweeps(tab)
    chart = tab.by("loss-chart")
    box = chart.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.5)
    tab.frame.locator(".tooltip").wait_for()


def unclear(tab):
    tab.by("answer-card").get_by_text("No clear suggestion").wait_for()
    tab.by("loss-canvas").wait_for()


def marker(tab):
    sweeps(tab)
    tab.by("own-marker").first.wait_for()


def trials(tab):
    tab.by("trials-card").scroll_into_view_if_needed()
    tab.by("trials-card").evaluate("node => node.scrollIntoView()")
    tab.by("epochs-chart").wait_for()


def table(tab):
    sweeps(tab)
    tab.by("epochs-chart").wait_for()  # above the table, so that nothing moves it any more
    tab.by("summary-card").evaluate("node => node.scrollIntoView({block: 'end'})")


def settings(tab):
    sweeps(tab)
    tab.open_settings()


def help_dialog(tab):
    sweeps(tab)
    tab.frame.get_by_role("button", name="Help").click()
    tab.frame.get_by_role("dialog").wait_for()


def all_hidden(tab):
    sweeps(tab)
    if tab.page.viewport_size["width"] < 720:
        tab.frame.get_by_role("button", name="Runs").click()
    tab.frame.get_by_label("Show all runs").click()
    tab.by("loss-chart").wait_for(state="detached")


# Name, what the link says, and what a person does then. The drawers are closed where a curve matters.
STATES = {
    "sweeps": ("p.lr_finder.filter=digits", sweeps),
    "focus": ("p.lr_finder.filter=digits&p.lr_finder.focus=ADAM", focus),
    "tooltip": ("p.lr_finder.filter=digits", tooltip),
    "unclear": ("p.lr_finder.filter=random&p.lr_finder.focus=RANDOM", unclear),
    "marker": ("p.lr_finder.filter=digits&p.lr_finder.marker=1e-3", marker),
    "trials": ("p.lr_finder.filter=sgd%7Ctrials&p.lr_finder.focus=SGD", trials),
    "table": ("", table),
    "settings": ("p.lr_finder.filter=digits", settings),
    "help": ("p.lr_finder.filter=digits", help_dialog),
    "all_hidden": ("p.lr_finder.filter=digits", all_hidden),
}


@pytest.fixture(scope="module")
def recorded_server():
    with tensorboard(RECORDED) as server:
        runs = server.wait_for_runs(11)
        yield server, {run["run"]: run["id"] for run in runs}


@pytest.fixture(scope="module")
def many_server(tmp_path_factory):
    """Sixty sweeps of four configurations, the same ones each time."""
    log_dir = tmp_path_factory.mktemp("many")
    random = np.random.default_rng(0)
    decades = np.linspace(-7, 1, 200)
    for number in range(MANY):
        optimizer = ("SGD", "Adam", "AdamW", "RMSprop")[number % 4]
        centre = random.normal({"SGD": -1.2, "Adam": -2.6, "AdamW": -2.9, "RMSprop": -3.4}[optimizer], 0.15)
        descent = 1.5 / (1 + np.exp(-3 * (decades - centre)))
        loss = 2.3 - descent + 10 ** (2 * (decades - centre - 1.6)) + random.normal(0, 0.03, len(decades))
        sweep = Sweep.from_losses(10**decades, np.minimum(loss, 30))
        config = {
            "id": f"{number:016x}",
            "start_time": 1.79e9 + number,
            "optimizer": optimizer,
            "model": ("convnet", "mlp")[number % 2],
            "batch_size": 64,
        }
        writer = SweepWriter(log_dir / optimizer.lower() / f"{number:02}", config)
        for row in zip(*sweep.columns().values(), strict=True):
            writer.add(int(row[0]), *map(float, row[1:]))
        said = analyze(sweep, stop_reason="completed", planned_steps=len(decades)).to_json()
        writer.close({"stop_reason": "completed", "steps": len(decades), **said})
    with tensorboard(log_dir) as server:
        server.wait_for_runs(MANY)
        yield server


@pytest.fixture
def check(pytestconfig):
    """Compares a picture with the one in the docs, or takes the place of that one."""

    def check(name: str, taken: bytes) -> None:
        path = PICTURES / f"{name}.webp"
        picture = Image.open(io.BytesIO(taken)).convert("RGB")
        if pytestconfig.getoption("--write-pictures"):
            PICTURES.mkdir(exist_ok=True)
            picture.save(path, lossless=True, method=6)
            return
        assert path.exists(), f"{path} is missing; take it with --write-pictures"
        other = share_that_differs(Image.open(path).convert("RGB"), picture)
        if other > MOST_OTHER:
            results = Path(__file__).parent / "test-results"
            results.mkdir(exist_ok=True)
            shutil.copy(path, results / f"{name}_before.webp")
            picture.save(results / f"{name}_now.webp", lossless=True)
            pytest.fail(f"{name}: {other:.2%} of the pixels are not as before; look at {results}")

    return check


def share_that_differs(before: Image.Image, now: Image.Image) -> float:
    if before.size != now.size:
        return 1.0
    a, b = (np.asarray(one.filter(ImageFilter.BoxBlur(BLUR)), np.int16) for one in (before, now))
    return float((np.abs(a - b).max(axis=2) > NOTICED).mean())


@pytest.fixture
def look(open_tab, check):
    """Brings the tab into a state and checks how it looks: where it is wide, in light and then in dark."""

    def look(name, server, window, act, fragment="lr_finder"):
        width, height = WINDOWS[window]
        tab = open_tab(server, fragment=fragment, width=width, height=height)
        act(tab)
        if window == "narrow":
            check(f"{name}_narrow", shoot(tab))
            return
        check(f"{name}_light", shoot(tab))
        tab.page.evaluate("document.body.classList.add('dark-mode')")  # as the host does
        tab.frame.locator("html[data-theme=dark]").wait_for()
        check(f"{name}_dark", shoot(tab))

    return look


def shoot(tab) -> bytes:
    tab.frame.evaluate("document.fonts.ready")
    tab.page.wait_for_timeout(300)  # for what comes after the curves, such as raw losses
    element = tab.page.locator("iframe[src*='plugin_entry.html?name=lr_finder']")
    return element.screenshot(animations="disabled", caret="hide")


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("state", STATES)
def test_the_tab_looks_as_it_did(recorded_server, look, state, window):
    server, ids = recorded_server
    link, act = STATES[state]
    for short, run in {"ADAM": "digits/adam", "SGD": "digits/sgd", "RANDOM": "random_labels/adam"}.items():
        link = link.replace(f"focus={short}", f"focus={ids[run]}")
    look(state, server, window, act, "&".join(filter(None, ["lr_finder", link])))


@pytest.mark.parametrize("window", WINDOWS)
def test_many_sweeps_look_as_they_did(many_server, look, window):
    look("many", many_server, window, sweeps)


@pytest.mark.parametrize("window", WINDOWS)
def test_an_empty_log_directory_looks_as_it_did(tmp_path, look, window):
    with tensorboard(tmp_path) as server:
        look("empty", server, window, lambda tab: tab.frame.get_by_text("LRFinder").first.wait_for())


@pytest.mark.parametrize("window", WINDOWS)
def test_a_server_that_is_gone_looks_as_it_did(recorded_server, look, window):
    def lose_the_server(tab):
        sweeps(tab)
        tab.page.context.set_offline(True)
        tab.frame.get_by_role("alert").first.wait_for(timeout=20_000)

    look("server_gone", recorded_server[0], window, lose_the_server, "lr_finder&p.lr_finder.filter=digits")


def test_what_a_person_would_notice_is_noticed():
    before = Image.open(PICTURES / "focus_light.webp").convert("RGB")
    assert share_that_differs(before, before) == 0
    width, height = before.size
    assert share_that_differs(before, before.resize((width + 1, height))) == 1
    further = ImageChops.offset(before, 3, 0)
    labelled = before.copy()
    ImageDraw.Draw(labelled).rectangle((600, 300, 650, 315), fill="black")
    twice = before.copy()
    ImageDraw.Draw(twice).line((400, 300, 800, 310), fill="#12b5cb", width=2)
    darker = before.point(lambda value: max(0, value - 25))
    for other in (further, labelled, twice, darker):
        assert share_that_differs(before, other) > MOST_OTHER
    # Letters that another machine draws a little softer are not.
    softer = Image.blend(before, before.filter(ImageFilter.GaussianBlur(0.6)), 0.5)
    assert share_that_differs(before, softer) <= MOST_OTHER
