"""Runs TensorBoard as a child process that listens on localhost only."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import IO, Final

from tb_lrfinder.storage import schema

HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 120.0  # importing TensorFlow can take half a minute
_END_SECONDS: Final = 10.0
_MAX_OUTPUT_CHARACTERS: Final = 3000  # of TensorBoard in an error message
_ROUTES: Final = ("/", f"/data/plugin/{schema.PLUGIN_NAME}/runs")


def free_port(port: int) -> int:
    """Return the port if it is free, or a free port if it is 0.

    Raises:
        OSError: If the port cannot be used; the message says how to choose another one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # where the option allows ports that are in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as TensorBoard does
        try:
            probe.bind((HOST, port))
            # With this option, Linux lets two sockets bind to one port, but only one of them listen.
            probe.listen()
        except OSError as error:
            raise OSError(
                f"--port {port} cannot be used on {HOST}: {error}. Choose another port, such as --port "
                f"{port + 1 if 0 < port < 65535 else 6006}, or --port 0 for a free one."
            ) from None
        return int(probe.getsockname()[1])


def serve(log_dir: str, port: int) -> None:
    """Serve `log_dir` until Ctrl-C or SIGTERM, which also terminate TensorBoard.

    Prints the address of the LR Finder tab as the last line, once TensorBoard and the tab respond.

    Raises:
        OSError: If TensorBoard does not start, or exits; the message contains its output.
        KeyboardInterrupt: On Ctrl-C.
        SystemExit: On SIGTERM.
    """
    # The output of TensorBoard goes to a file, so that the address stays the last line.
    with (
        tempfile.TemporaryFile() as output,
        _sigterm_raises(),
        _tensorboard(log_dir, port, output) as process,
    ):
        _wait_until_ready(process, port, output)
        print("TensorBoard serves the sweeps until Ctrl-C. Open the LR Finder tab:")
        print(f"http://{HOST}:{port}/#{schema.PLUGIN_NAME}", flush=True)
        code = process.wait()
        raise OSError(f"TensorBoard exited with code {code}.{_output_text(output)}")


@contextlib.contextmanager
def _tensorboard(log_dir: str, port: int, output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", log_dir]
    command += ["--host", HOST, "--port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Make SIGTERM raise an exception, as Ctrl-C does, so that TensorBoard is terminated."""

    def exit_(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # handlers can only be set there
        yield
        return
    before = signal.signal(signal.SIGTERM, exit_)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, output: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not all(_responds(port, route) for route in _ROUTES):
        if process.poll() is not None:
            raise OSError(
                f"TensorBoard did not start; its exit code is {process.returncode}.{_output_text(output)}"
            )
        if time.monotonic() > deadline:
            raise OSError(
                f"TensorBoard did not respond on {HOST}:{port} within {_START_SECONDS:g} seconds."
                f"{_output_text(output)}"
            )
        time.sleep(0.2)


def _responds(port: int, route: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", route)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _output_text(output: IO[bytes]) -> str:
    output.seek(0)
    text = output.read().decode(errors="replace").strip()
    return f" Its output:\n{text[-_MAX_OUTPUT_CHARACTERS:]}" if text else " It printed nothing."
