"""The first command that anybody runs: what it prints last is the address of a tab that answers."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.request
from pathlib import Path

import pytest

from tests.command_line import ENVIRON, command

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 240
PROXYLESS = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def any_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def of_the_make_target(log_dir, port):
    """What `make demo` runs once everything is installed, as the Makefile has it."""
    venv = Path(sys.executable).parents[1]
    told = subprocess.run(
        [
            *("make", "--no-print-directory", "-n", "-o", f"{venv}/installed-demo", "demo"),
            *(f"VENV={venv}", f"LOG_DIR={log_dir}", f"PORT={port}"),
        ],
        cwd=ROOT,
        # These tests often run within a make of their own, whose flags and variables are not for this one.
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout


def start(script, output):
    """As a shell starts it whose Ctrl-C reaches it; `output` is its terminal, if it is one."""

    def own_the_terminal():
        os.setsid()
        if os.isatty(output):
            fcntl.ioctl(output, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    environ = ENVIRON | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(
        ["bash", "-c", script],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environ,
        preexec_fn=own_the_terminal,  # noqa: PLW1509 - no threads that hold locks
    )


def wait_for_address(process, port, read):
    """Wait until the last line is the address; fail at once if the process ends before."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        lines = read().splitlines()
        if lines and lines[-1] == f"http://127.0.0.1:{port}/#lr_finder":
            return
        assert process.poll() is None, read()
        time.sleep(0.05)
    pytest.fail(f"no address within {SECONDS} s:\n{read()}")


def check_it_answers(port):
    address = f"http://127.0.0.1:{port}/"
    assert b"TensorBoard" in PROXYLESS.open(address).read()
    with PROXYLESS.open(f"{address}data/plugin/lr_finder/runs") as answer:
        assert answer.status == 200
    deadline = time.monotonic() + 30
    runs = []
    while time.monotonic() < deadline and len(runs) < 2:
        runs = json.load(PROXYLESS.open(f"{address}data/plugin/lr_finder/runs"))["runs"]
        time.sleep(0.2)
    assert [run["run"] for run in runs] == ["digits/adam", "digits/sgd"]


def check_nothing_is_left(process, port):
    process.wait(30)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    # Its session was its own: nobody of it lives on.
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        assert fields[3] != str(process.pid) or fields[0] == "Z", stat


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_make_demo_into_a_file(tmp_path, end):
    port, said = any_free_port(), tmp_path / "said"
    with said.open("wb") as output:
        process = start(of_the_make_target(tmp_path / "logs", port), output.fileno())
    try:
        wait_for_address(process, port, said.read_text)
        check_it_answers(port)
        time.sleep(2)  # nothing comes after it
        before = said.read_text()
        assert before.splitlines()[-1] == f"http://127.0.0.1:{port}/#lr_finder"
    finally:
        # Ctrl-C reaches everybody who runs in the foreground, SIGTERM the one that it is sent to.
        (os.killpg if end == signal.SIGINT else os.kill)(process.pid, end)
        check_nothing_is_left(process, port)
    assert said.read_text() == before
    assert process.returncode == (130 if end == signal.SIGINT else 143)


def test_make_demo_in_a_terminal(tmp_path):
    port = any_free_port()
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    said = bytearray()

    def read():
        try:
            while part := os.read(ours, 65536):
                said.extend(part)
        except OSError:  # nothing more for now, or for good
            pass
        return said.decode(errors="replace").replace("\r\n", "\n")

    process = start(of_the_make_target(tmp_path / "logs", port), theirs)
    os.close(theirs)
    try:
        wait_for_address(process, port, read)
        check_it_answers(port)
    finally:
        os.write(ours, b"\x03")
        check_nothing_is_left(process, port)
    last = f"http://127.0.0.1:{port}/#lr_finder\n"
    assert re.fullmatch(r"(\^C)?\s*", read().rpartition(last)[2])
    os.close(ours)


def test_a_port_that_is_taken_is_said_before_the_sweeps(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        began = time.monotonic()
        said = command("demo", "--serve", "--port", port, "--log-dir", tmp_path / "logs", code=2)
    assert f"--port {port} cannot be used" in said.stderr
    assert "--port 0" in said.stderr
    assert "sweeping" not in said.stderr
    assert time.monotonic() - began < 20
    assert not (tmp_path / "logs").exists()
    assert "cannot be used" in command("demo", "--serve", "--port", "70000", code=2).stderr


def test_a_port_without_serve_is_said():
    assert "Add --serve" in command("demo", "--port", "6007", code=2).stderr


def test_a_tensorboard_that_does_not_start_is_shown(tmp_path):
    """Its own words are, with its exit code: here it is a package that cannot be imported."""
    broken = tmp_path / "tensorboard"
    broken.mkdir()
    (broken / "__init__.py").write_text("")
    (broken / "main.py").write_text("raise SystemExit('the tensorboard of this test is broken')")
    code = (
        "import os, sys; from tb_lrfinder.cli import serving\n"
        f"os.environ['PYTHONPATH'] = {str(tmp_path)!r}\n"
        "serving.serve('logs', serving.free_port(0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "TensorBoard did not start; its exit code is 1" in done.stderr
    assert "the tensorboard of this test is broken" in done.stderr
