"""A real browser on the tab of a real TensorBoard, on logs that a real `fit` wrote."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.serving import TensorBoardServer, tensorboard

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def pytest_addoption(parser):
    parser.addoption("--write-pictures", action="store_true", help="take the pictures of the tab anew")


@dataclass
class Logs:
    """A log directory, and the finders that wrote it, by run."""

    log_dir: Path
    finders: dict[str, Any]


@pytest.fixture(scope="session")
def logs(tmp_path_factory) -> Logs:
    from tb_lrfinder import demo

    log_dir = tmp_path_factory.mktemp("logs")
    finders = demo.run(str(log_dir))
    return Logs(log_dir, {Path(finder.log_dir).relative_to(log_dir).as_posix(): finder for finder in finders})


@pytest.fixture(scope="session")
def server(logs) -> Iterator[TensorBoardServer]:
    with tensorboard(logs.log_dir) as server:
        server.wait_for_runs(len(logs.finders), status="finished")
        yield server


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[BrowserContext]:
    """One profile for all tests: a new one would compile TensorBoard's page again, 2.7 s instead of 1.2."""
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, and no Chromium was found")
        pytest.skip("no Chromium was found")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],
            permissions=["clipboard-read", "clipboard-write"],
            accept_downloads=True,
        )
        yield context
        context.close()


@dataclass
class Tab:
    """The tab LR Finder, open in a page of the browser; `frame` is the tab's own document."""

    page: Page
    frame: Frame
    console: list[str]

    def by(self, test_id: str):
        return self.frame.get_by_test_id(test_id)

    def open_settings(self) -> None:
        """Open the settings, which start closed; nothing if they are open."""
        button = self.frame.get_by_role("button", name="Settings", exact=True)
        if button.get_attribute("aria-expanded") == "false":
            button.click()

    def copied_by(self, button: Any) -> str:
        """Click a button that copies, and return what it has copied, which takes a moment."""
        self.page.evaluate("navigator.clipboard.writeText('')")
        button.click()
        self.page.wait_for_function("navigator.clipboard.readText().then((text) => text !== '')")
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def open_rules(self) -> None:
        """Unfold the other rules of the answer card."""
        self.by("answer-card").get_by_text("Other rules").click()


@pytest.fixture
def new_page(browser) -> Iterator[Any]:
    """Makes empty pages, for which nothing is stored that other tests have done."""
    pages: list[Page] = []

    def new(*, dark: bool = False, width: int = 1400, height: int = 900) -> Page:
        page = browser.new_page()
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": width, "height": height})
        pages.append(page)
        return page

    yield new
    for page in pages:
        with contextlib.suppress(PlaywrightError):  # closed by the test
            origin = page.evaluate("location.origin")
            session = browser.new_cdp_session(page)
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
            page.close()
    browser.clear_cookies()
    browser.set_offline(False)


@pytest.fixture
def open_tab(new_page) -> Any:
    """Opens the tab as a person does, through TensorBoard's own page."""

    def open_(server: TensorBoardServer, *, fragment: str = "lr_finder", **window: Any) -> Tab:
        page = new_page(**window)
        console: list[str] = []

        def hear(message: ConsoleMessage) -> None:
            # TensorBoard asks for its own fonts in the wrong place when it has a path prefix.
            if message.type == "error" and "/font-roboto/" not in message.location["url"]:
                console.append(f"{message.text} {message.location['url']}")

        page.on("console", hear)
        page.on("pageerror", lambda error: console.append(str(error)))
        page.goto(f"{server.url}#{fragment}")
        element = page.wait_for_selector("iframe[src*='plugin_entry.html?name=lr_finder']", timeout=60_000)
        frame = element.content_frame()
        frame.wait_for_selector("#root > *", timeout=60_000)
        return Tab(page, frame, console)

    return open_
