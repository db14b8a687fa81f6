"""The tab while a sweep runs, when it was killed, when nobody looks, and where it may stand."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import TensorBoardServer, tensorboard

pytestmark = pytest.mark.xdist_group("browser")


def add_rows(writer, first, last):
    for step in range(first, last):
        writer.add(step, 1e-5 * 1.1**step, 2.3 - 0.01 * step, -0.01)
    writer.flush()


def wait_for_steps(tab, steps):
    tab.frame.wait_for_function(
        "steps => document.querySelector('[data-testid=summary-card] tbody')?.textContent.includes(steps)",
        arg=str(steps),
        timeout=20_000,
    )


def test_a_running_sweep_grows_and_ends_without_a_reload(open_tab, tmp_path):
    writer = SweepWriter(tmp_path / "sweep", {"num_steps": 90, "end_lr": 0.1, "optimizer": "Adam"})
    add_rows(writer, 0, 31)
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, steps=31)
        tab = open_tab(server)
        wait_for_steps(tab, 31)
        assert "1 sweep running" in tab.frame.get_by_role("status").first.inner_text()
        before = tab.by("loss-chart").get_attribute("data-y-domain")
        add_rows(writer, 31, 67)
        wait_for_steps(tab, 67)
        tab.frame.wait_for_function(
            "before => document.querySelector('[data-testid=loss-chart]').dataset.yDomain !== before",
            arg=before,
            timeout=20_000,
        )
        add_rows(writer, 67, 90)
        writer.close({"stop_reason": "completed"})
        tab.frame.get_by_text("completed", exact=True).first.wait_for(timeout=20_000)
        assert "running" not in tab.frame.get_by_role("status").first.inner_text()
        assert tab.console == []


KILLED = """
import os, sys, time
real = time.time
time.time = lambda: real() - 3600  # an hour ago
from tb_lrfinder.storage.writer import SweepWriter
writer = SweepWriter(sys.argv[1], {"num_steps": 90})
for step in range(25):
    writer.add(step, 1e-5 * 1.1**step, 2.3 - 0.01 * step, -0.01)
writer.flush()
os._exit(9)
"""


def test_a_sweep_that_was_killed_shows_as_interrupted(open_tab, tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed")], check=False)
    assert killed.returncode == 9
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, status="interrupted", steps=25)
        tab = open_tab(server)
        wait_for_steps(tab, 25)
        assert "no heartbeat for a minute" in tab.by("summary-card").inner_text()
        assert tab.frame.get_by_role("status").first.inner_text().strip() == ""


def test_nothing_is_asked_while_nobody_looks(open_tab, server):
    tab = open_tab(server)
    tab.by("loss-chart").wait_for()
    asked = []
    tab.page.on("request", lambda request: asked.append(request.url))

    def polls():
        return [url for url in asked if url.endswith("/lr_finder/runs")]

    with tab.page.expect_request(lambda request: request.url.endswith("/lr_finder/runs"), timeout=20_000):
        pass
    tab.page.get_by_role("tab", name="Time Series").click()
    tab.page.wait_for_timeout(1_000)
    asked.clear()
    tab.page.wait_for_timeout(8_000)
    assert polls() == []
    tab.page.get_by_role("tab", name="LR Finder").click()
    with tab.page.expect_request(lambda request: request.url.endswith("/lr_finder/runs"), timeout=20_000):
        pass


def test_a_machine_without_a_network_still_sees_its_own_tensorboard(open_tab, tmp_path):
    writer = SweepWriter(tmp_path / "sweep", {"num_steps": 90})
    add_rows(writer, 0, 31)
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, steps=31)
        tab = open_tab(server)
        wait_for_steps(tab, 31)
        tab.frame.evaluate("window.dispatchEvent(new Event('offline'))")
        add_rows(writer, 31, 67)
        wait_for_steps(tab, 67)
    writer.close({"stop_reason": "completed"})


def test_the_suggestion_is_copied_where_there_is_no_clipboard(new_page, server, logs):
    page = new_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(f"{server.url}#lr_finder")
    frame = page.wait_for_selector("iframe[src*='plugin_entry.html?name=lr_finder']").content_frame()
    frame.get_by_role("button", name="digits/adam").first.click()
    frame.get_by_role("button", name="Copy", exact=True).click()
    field = frame.get_by_label("Filter runs by a regular expression")
    field.focus()
    page.keyboard.press("Control+V")
    suggested = logs.finders["digits/adam"].suggestion.learning_rate
    assert float(field.input_value()) == pytest.approx(suggested, rel=0.05)


@contextlib.contextmanager
def serving(answer) -> Iterator[str]:
    """A server on loopback that has `answer(path)` say content type and body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, content_type, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}/"
        proxy.shutdown()


def test_behind_a_proxy_that_takes_its_own_prefix_away(open_tab, server):
    def answer(path):
        if not path.startswith("/team/board/"):
            return 404, "text/plain", b"elsewhere"
        try:
            with urllib.request.urlopen(server.url + path[len("/team/board/") :]) as response:
                body, kind = response.read(), response.headers["Content-Type"]
                if response.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                return response.status, kind, body
        except urllib.error.HTTPError as error:
            return error.code, "text/plain", error.read()

    with serving(answer) as url:
        tab = open_tab(TensorBoardServer(url + "team/board/", server.log))
        tab.by("loss-chart").wait_for()
        assert tab.frame.locator(".rows li").count() == 2


def test_inside_a_notebook_where_another_page_frames_it(new_page, server):
    framing = f'<iframe src="{server.url}#lr_finder" width="1000" height="800"></iframe>'.encode()
    with serving(lambda path: (200, "text/html", framing)) as url:
        assert urlsplit(url).port != urlsplit(server.url).port
        page = new_page()
        page.goto(url)
        board = page.wait_for_selector("iframe").content_frame()
        tab = board.wait_for_selector("iframe[src*='plugin_entry.html?name=lr_finder']").content_frame()
        tab.wait_for_selector("[data-testid=loss-chart]")
        tab.get_by_role("button", name="digits/sgd").first.click()
        tab.wait_for_selector("[data-testid=suggestion-marker]")
