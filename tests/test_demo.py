"""`make demo`: the last line of its output is the address of a tab that responds."""

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_demo_script(log_dir, port):
    """Return the commands of `make demo` after its installation."""
    venv = Path(sys.executable).parents[1]
    done = subprocess.run(
        [
            *("make", "--no-print-directory", "-n", "-o", f"{venv}/installed-demo", "demo"),
            *(f"VENV={venv}", f"LOG_DIR={log_dir}", f"PORT={port}"),
        ],
        cwd=ROOT,
        # The tests may run within `make test`, whose flags and variables must not affect this one.
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def start(script, output):
    """Start a script in its own session, so that it receives Ctrl-C; `output` may be its terminal."""

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
    """Wait until the last line is the address; fail immediately if the process exits."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        lines = read().splitlines()
        if lines and lines[-1] == f"http://127.0.0.1:{port}/#lr_finder":
            return
        assert process.poll() is None, read()
        time.sleep(0.05)
    pytest.fail(f"no address within {SECONDS} s:\n{read()}")


def check_tab_responds(port):
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


def check_all_processes_exit(process, port):
    process.wait(30)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    # No process of its session is left.
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        assert fields[3] != str(process.pid) or fields[0] == "Z", stat


@pytest.mark.parametrize("end", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_output_to_a_file(tmp_path, end):
    port, printed = free_port(), tmp_path / "output"
    with printed.open("wb") as output:
        process = start(make_demo_script(tmp_path / "logs", port), output.fileno())
    try:
        wait_for_address(process, port, printed.read_text)
        check_tab_responds(port)
        time.sleep(2)  # nothing is printed after it
        before = printed.read_text()
        assert before.splitlines()[-1] == f"http://127.0.0.1:{port}/#lr_finder"
    finally:
        # Ctrl-C reaches all processes in the foreground, SIGTERM only the addressed one.
        (os.killpg if end == signal.SIGINT else os.kill)(process.pid, end)
        check_all_processes_exit(process, port)
    assert printed.read_text() == before
    assert process.returncode == (130 if end == signal.SIGINT else 143)


def test_output_to_a_terminal(tmp_path):
    port = free_port()
    controller, terminal = pty.openpty()
    os.set_blocking(controller, False)
    printed = bytearray()

    def read():
        try:
            while part := os.read(controller, 65536):
                printed.extend(part)
        except OSError:  # no data, or closed
            pass
        return printed.decode(errors="replace").replace("\r\n", "\n")

    process = start(make_demo_script(tmp_path / "logs", port), terminal)
    os.close(terminal)
    try:
        wait_for_address(process, port, read)
        check_tab_responds(port)
    finally:
        os.write(controller, b"\x03")
        check_all_processes_exit(process, port)
    last = f"http://127.0.0.1:{port}/#lr_finder\n"
    assert re.fullmatch(r"(\^C)?\s*", read().rpartition(last)[2])
    os.close(controller)


def test_a_used_port_is_an_error_before_the_sweeps(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        began = time.monotonic()
        done = command("demo", "--serve", "--port", port, "--log-dir", tmp_path / "logs", code=2)
    assert f"--port {port} cannot be used" in done.stderr
    assert "--port 0" in done.stderr
    assert "range tests" not in done.stderr
    assert time.monotonic() - began < 20
    assert not (tmp_path / "logs").exists()
    assert "at most 65535" in command("demo", "--serve", "--port", "70000", code=2).stderr


def test_a_port_requires_serve():
    assert "Add --serve" in command("demo", "--port", "6007", code=2).stderr


def test_a_failing_tensorboard_is_shown(tmp_path):
    """The error contains its exit code and output; here the package raises an error on import."""
    broken = tmp_path / "tensorboard"
    broken.mkdir()
    (broken / "__init__.py").write_text("")
    (broken / "main.py").write_text("raise SystemExit('broken TensorBoard')")
    code = (
        "import os, sys; from tb_lrfinder.cli import serving\n"
        f"os.environ['PYTHONPATH'] = {str(tmp_path)!r}\n"
        "serving.serve('logs', serving.free_port(0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "TensorBoard did not start; its exit code is 1" in done.stderr
    assert "broken TensorBoard" in done.stderr
