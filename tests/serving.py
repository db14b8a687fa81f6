"""A real TensorBoard on loopback, for tests."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
from tensorboard.main import run_main
run_main()
"""


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class TensorBoardServer:
    """A running TensorBoard; `url` ends with a slash and includes the path prefix."""

    url: str
    log: Path
    pid: int = 0

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        request = urllib.request.Request(self.url + path, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                status, answered, body = response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            status, answered, body = error.code, dict(error.headers), error.read()
        if answered.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(status, answered, body)

    def plugin(self, route: str, **parameters: Any) -> Answer:
        query = "?" + urlencode(parameters, doseq=True) if parameters else ""
        return self.get(f"data/plugin/lr_finder/{route}{query}")

    def wait_for_runs(self, count: int, seconds: float = 60, **fields: Any) -> list[dict[str, Any]]:
        """Wait until that many runs with these fields are listed, and return all runs."""
        deadline = time.monotonic() + seconds
        while True:
            runs: list[dict[str, Any]] = self.plugin("runs").json()["runs"]
            if sum(all(run[key] == value for key, value in fields.items()) for run in runs) >= count:
                return runs
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} runs with {fields} wanted, {runs} found\n{self.log.read_text()}")
            time.sleep(0.2)


@contextlib.contextmanager
def tensorboard(
    log_dir: str | os.PathLike[str],
    *options: str,
    python: str = sys.executable,
    tensorflow: bool | None = None,
) -> Iterator[TensorBoardServer]:
    """Serve `log_dir` with a TensorBoard of its own process until the block ends.

    Args:
        log_dir: What to serve.
        *options: Of TensorBoard's command line.
        python: The interpreter that has TensorBoard.
        tensorflow: Whether TensorBoard may import TensorFlow. It starts in a sixth of the time without. None:
            only if it reads the event files itself, with `--load_fast=false`, which it does with TensorFlow.
    """
    if tensorflow is None:
        tensorflow = "--load_fast=false" in options
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "tensorboard.log"
        start = ["-m", "tensorboard.main"] if tensorflow else ["-c", WITHOUT_TENSORFLOW]
        command = [python, *start, "--logdir", os.fspath(log_dir), "--host", "127.0.0.1"]
        command += ["--port", "0", "--reload_interval", "1", *options]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        try:
            yield TensorBoardServer(_wait_for_url(process, log), log, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = re.search(r"at (http://\S+?) \(Press", log.read_text())
        if found:
            return found[1] if found[1].endswith("/") else found[1] + "/"
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"TensorBoard did not start:\n{log.read_text()}")
