"""Takes a screenshot of the LR Finder tab with a headless browser."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def screenshot(log_dir: Path, *, dark: bool = False) -> Path | None:
    """Serve `log_dir` with TensorBoard and save a screenshot of the tab as `log_dir/tab.png`.

    Args:
        log_dir: Path. The log directory.
        dark: Boolean. Whether to use dark mode.

    Returns:
        The path of the screenshot, or None if playwright or Chromium is missing.
    """
    found = [os.environ.get("CHROMIUM") or None, *map(shutil.which, CHROMIUM)]
    chromium = next(filter(None, found), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print(f"To view the tab, run: tensorboard --logdir {log_dir}")
        return None

    from tensorboard import program

    server = program.TensorBoard()
    # The log directory is complete, so it is only loaded once.
    arguments = ["--logdir", str(log_dir), "--host", "127.0.0.1", "--port", "0"]
    arguments += ["--load_fast=false", "--reload_interval=0"]
    server.configure(argv=["tensorboard", *arguments])
    url = server.launch()
    path = log_dir / "tab.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            color_scheme="dark" if dark else "light", viewport={"width": 1400, "height": 1400}
        )
        _wait_for_runs(page, url)
        page.goto(f"{url}#lr_finder")
        element = page.wait_for_selector("iframe[src*='plugin_entry.html?name=lr_finder']", timeout=60_000)
        tab = element.content_frame()
        tab.wait_for_selector("svg, canvas", timeout=60_000)
        tab.wait_for_selector("[aria-busy='true']", state="detached", timeout=60_000)
        page.wait_for_timeout(1500)  # wait for the end of animations
        page.screenshot(path=path)
        browser.close()
    print(f"Screenshot of the tab: {path}")
    return path


def _wait_for_runs(page, url: str) -> None:
    """Wait until TensorBoard, which loads the log directory in the background, has loaded all runs."""
    for _ in range(120):
        response = page.request.get(f"{url}data/plugin/lr_finder/runs")
        runs = response.json()["runs"] if response.ok else []
        if runs and all(run["status"] != "running" for run in runs):
            return
        time.sleep(0.5)
