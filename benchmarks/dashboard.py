"""How fast the tab is with many runs, in a real browser on a real TensorBoard.

    python benchmarks/dashboard.py
    python benchmarks/dashboard.py --repeats 5 --keep-logs /tmp/lr_logs

Makes log directories with the project's own writer, serves each with a TensorBoard of its own, opens the tab
in headless Chromium and prints what a person waits for, as medians, beside its target. TensorBoard's own
Time Series tab is timed on the same logs in the same run: it is what a page in TensorBoard takes anyway.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, Frame, Page, sync_playwright

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import TensorBoardServer, tensorboard

STEPS = 1_000
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
STATIC = Path(__file__).parents[1] / "tb_lrfinder" / "plugin" / "static" / "index.js"

# Milliseconds from now until `selector` is there and two frames have been shown since.
UNTIL_SHOWN = """async ([selector, start]) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  while (!document.querySelector(selector)) await frame();
  await frame();
  await frame();
  return Date.now() - start;
}"""

# Moves the pointer, again and again at the start of a frame: milliseconds of work in each of these frames,
# with layout and painting.
HOVER = """async (steps) => {
  const chart = document.querySelector('[data-testid="loss-chart"]').parentElement;
  const box = chart.getBoundingClientRect();
  const work = (i) => new Promise((resolve) => requestAnimationFrame(() => {
    const start = performance.now();
    const clientX = box.left + 100 + (i * 37) % (box.width - 160);
    const clientY = box.top + 60 + (i * 13) % 150;
    chart.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerId: 1, clientX, clientY }));
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(performance.now() - start);
    channel.port2.postMessage(0);
  }));
  const took = [];
  for (let i = 0; i < steps; i++) took.push(await work(i));
  return took;
}"""

# Turns the wheel with Alt held: milliseconds from each turn until its frame has been shown.
ZOOM = """async (steps) => {
  const chart = document.querySelector('[data-testid="loss-chart"]').parentElement;
  const box = chart.getBoundingClientRect();
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const took = [];
  for (let i = 0; i < steps; i++) {
    await frame();
    const start = performance.now();
    const deltaY = i < steps / 2 ? -60 : 60;
    const clientX = box.left + box.width / 2;
    chart.dispatchEvent(new WheelEvent("wheel", { cancelable: true, altKey: true, deltaY, clientX }));
    await frame();
    await frame();
    took.push(performance.now() - start);
  }
  return took;
}"""

# Scrolls by some rows in each frame: milliseconds from frame to frame.
SCROLL = """async (selector) => {
  const list = document.querySelector(selector);
  const took = [];
  await new Promise((resolve) => {
    let last = 0;
    const next = (now) => {
      if (last > 0) took.push(now - last);
      last = now;
      list.scrollTop += 300;
      if (took.length < 80) requestAnimationFrame(next);
      else resolve();
    };
    requestAnimationFrame(next);
  });
  return took;
}"""

# Sets the smoothing as a drag of the slider does; resolves when the server has answered and the curves have
# been drawn anew.
SMOOTH = """async (value) => {
  const canvas = document.querySelector('[data-testid="loss-canvas"]');
  const slider = document.querySelector('input[type="range"]');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  const before = canvas.toDataURL();
  const { fetch } = window;
  const { clip } = CanvasRenderingContext2D.prototype;
  await new Promise((resolve) => setTimeout(resolve, 300));
  let answered = false;
  window.fetch = async (...args) => {
    const response = await fetch(...args);
    if (String(args[0]).startsWith("sweeps")) answered = true;
    return response;
  };
  const drawn = new Promise((resolve) => {
    CanvasRenderingContext2D.prototype.clip = function (...args) {
      if (this.canvas === canvas && answered) {
        CanvasRenderingContext2D.prototype.clip = clip;
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
      }
      return clip.apply(this, args);
    };
  });
  const start = performance.now();
  set.call(slider, value);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const took = (await drawn) - start;
  window.fetch = fetch;
  if (canvas.toDataURL() === before) throw new Error("The curves did not change.");
  return took;
}"""


@dataclass
class Row:
    """One line of the table."""

    what: str
    target: float | None
    unit: str
    values: list[float] = field(default_factory=list)

    def line(self) -> str:
        """As it is printed."""
        value = statistics.median(self.values)
        target = "" if self.target is None else f"{self.target:g} {self.unit}"
        verdict = "" if self.target is None else "ok" if value <= self.target else "MISSED"
        spread = f"{min(self.values):.3g} to {max(self.values):.3g}"
        return (
            f"| {self.what:<58} | {target:>9} | {value:8.3g} {self.unit:<3} | {spread:>16} | {verdict:<6} |"
        )


@dataclass
class Table:
    """What was measured, in order."""

    rows: dict[str, Row] = field(default_factory=dict)

    def add(
        self, what: str, value: float | list[float], target: float | None = None, unit: str = "ms"
    ) -> None:
        """Add a measurement, or several of the same."""
        row = self.rows.setdefault(what, Row(what, target, unit))
        row.values += value if isinstance(value, list) else [value]

    def __str__(self) -> str:
        head = f"| {'':<58} | {'target':>9} | {'median':>12} | {'range':>16} | {'':<6} |"
        rule = f"|{'-' * 60}|{'-' * 10}:|{'-' * 13}:|{'-' * 17}:|{'-' * 8}|"
        return "\n".join([head, rule, *(row.line() for row in self.rows.values())])


def main() -> None:
    """Measure everything and print the table."""
    arguments = _arguments()
    table = Table()
    print(f"{os.cpu_count()} cores, load average before: {_load()}")
    table.add("page, gzipped, without its fonts", _page_kilobytes(), 200, "KB")
    with tempfile.TemporaryDirectory() as scratch, _browser() as browser:
        root = arguments.keep_logs or Path(scratch)
        for runs, measure in ((1, _one_run), (300, _many_runs), (1_000, _long_list), (3_000, _long_list)):
            if arguments.runs and runs not in arguments.runs:
                continue
            logs = _logs(root / str(runs), runs, STEPS if runs <= 300 else 100)
            with tensorboard(logs, "--reload_multifile=false") as server:
                server.wait_for_runs(runs, seconds=180)
                for _ in range(arguments.repeats):
                    measure(browser, server, table, runs)
                # Last, as it leaves the server busy for many seconds.
                if runs == 300:
                    with _host(browser, server) as page:
                        table.add(
                            "  TensorBoard's Time Series tab: click to its first curve", _time_series(page)
                        )
    print(f"load average after: {_load()}; a busy machine makes every time longer\n{table}")


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the tab in a browser.")
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--keep-logs", type=Path, help="a directory whose logs are made once and used again")
    parser.add_argument("--runs", type=int, nargs="*", help="only these numbers of runs: 1, 300, 1000, 3000")
    return parser.parse_args()


def _one_run(browser: Browser, server: TensorBoardServer, table: Table, runs: int) -> None:
    with _host(browser, server) as page:
        table.add("1 run: tab click to the curve", _click_tab(page)[1], 400)


def _many_runs(browser: Browser, server: TensorBoardServer, table: Table, runs: int) -> None:
    names = [run["run"] for run in server.plugin("runs").json()["runs"]]
    asked: list[str] = []
    with _host(browser, server) as page:
        page.on("request", lambda request: asked.append(request.url) if "/sweeps?" in request.url else None)
        frame, took = _click_tab(page)
        table.add(f"{runs} runs x {STEPS:,} steps: tab click to all curves", took, 1_500)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        table.add("  hover, work in a frame", frame.evaluate(HOVER, 60)[5:], 16)
        table.add("  zoom, wheel to frame", frame.evaluate(ZOOM, 24)[2:], 100)
        frame.evaluate("document.activeElement.blur()")
        frame.get_by_role("button", name="Settings", exact=True).click()
        page.wait_for_timeout(700)
        for value in ("0.1", "0.5"):
            table.add("  smoothing to redraw, server included", frame.evaluate(SMOOTH, value), 400)
            page.wait_for_timeout(700)
    first = [url.partition("/lr_finder/")[2] for url in asked if "loss_delta" in url]
    start = time.perf_counter()
    answers = [server.get(f"data/plugin/lr_finder/{url}") for url in first]
    table.add("  server's answers to the first requests", (time.perf_counter() - start) * 1e3, 300)
    table.add("  their size before gzip", sum(len(a.body) for a in answers) / 1e6, 7, "MB")
    assert sum(len(a.json()["sweeps"]) for a in answers) == len(names)


def _long_list(browser: Browser, server: TensorBoardServer, table: Table, runs: int) -> None:
    with _host(browser, server) as page:
        frame, took = _click_tab(page, ".rows li")
        table.add(f"{runs:,} runs: tab click to the list", took, 500 if runs <= 1_000 else None)
        frame.wait_for_selector("[data-testid=loss-canvas]", timeout=120_000)
        page.wait_for_timeout(1500)
        for what, selector in (("list", ".rows"), ("table", "[data-testid=summary-card] .table")):
            table.add(
                f"  {runs:,} runs: {what} scrolls, frame to frame", frame.evaluate(SCROLL, selector), 34
            )


@contextmanager
def _host(browser: Browser, server: TensorBoardServer) -> Iterator[Page]:
    """TensorBoard's page in a fresh context, on a tab that draws nothing."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    try:
        page = context.new_page()
        page.goto(f"{server.url}#hparams")
        page.get_by_role("tab", name="LR Finder").or_(page.get_by_text("LR Finder")).first.wait_for(
            timeout=60_000
        )
        page.wait_for_load_state("networkidle")
        yield page
    finally:
        context.close()


def _click_tab(page: Page, selector: str = "[data-testid=suggestion-dot]") -> tuple[Frame, float]:
    """Open the tab; returns its document and the milliseconds until `selector` has been painted."""
    start = time.time() * 1e3
    page.get_by_text("LR Finder").first.click()
    element = page.wait_for_selector("iframe[src*='plugin_entry.html?name=lr_finder']", timeout=60_000)
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_function("document.querySelector('#root') !== null", polling="raf", timeout=60_000)
    return frame, frame.evaluate(UNTIL_SHOWN, [selector, start])


def _time_series(page: Page) -> float:
    start = time.time() * 1e3
    page.get_by_text("Time Series", exact=False).first.click()
    return float(page.evaluate(UNTIL_SHOWN, ["line-chart canvas, line-chart svg path", start]))


@contextmanager
def _browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        print("No Chromium was found, so nothing was measured: set CHROMIUM=/path/to/one.")
        sys.exit(0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], headless=True
        )
        yield browser
        browser.close()


def _page_kilobytes() -> float:
    without_fonts = re.sub(rb"data:font/woff2;base64,[A-Za-z0-9+/=]+", b"", STATIC.read_bytes())
    return len(gzip.compress(without_fonts, 9)) / 1e3


def _logs(root: Path, runs: int, steps: int) -> Path:
    """Sweeps as those of `runs` trainings, of four optimizers and three models, each with its own noise."""
    if (root / "done").exists():
        return root
    random = np.random.default_rng(0)
    decades = np.linspace(-7, 1, steps)
    for number in range(runs):
        centre = random.normal(-3, 0.6)
        loss = (
            2.3
            - 1.5 / (1 + np.exp(-3 * (decades - centre)))
            + 10 ** (2 * (decades - centre - 1.6))
            + random.normal(0, 0.03, steps)
        )
        sweep = Sweep.from_losses(10**decades, np.minimum(loss, 30))
        optimizer, model = (
            ("SGD", "Adam", "AdamW", "RMSprop")[number % 4],
            ("convnet", "mlp", "resnet")[number % 3],
        )
        config: dict[str, Any] = {
            "id": f"{number:016x}",
            "start_time": 1.79e9 + number,
            "optimizer": optimizer,
            "model": model,
            "batch_size": 64,
            "parameters": 18_410,
            "start_lr": 1e-7,
            "end_lr": 10.0,
            "num_steps": steps,
            "smoothing": 0.3,
            "delta_window": 20,
        }
        writer = SweepWriter(root / model / f"{optimizer.lower()}-{number:04}", config)  # type: ignore[arg-type]
        for row in zip(*sweep.columns().values(), strict=True):
            writer.add(int(row[0]), *map(float, row[1:]))
        said = analyze(sweep, stop_reason="completed", planned_steps=steps).to_json()
        writer.close({"stop_reason": "completed", "steps": steps, **said})  # type: ignore[typeddict-item]
    (root / "done").touch()
    return root


if __name__ == "__main__":
    main()
