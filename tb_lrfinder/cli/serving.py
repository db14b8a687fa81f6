"""TensorBoard as a child process of a command, on this machine only."""

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
_START_SECONDS: Final = 120.0  # on a busy machine TensorFlow alone takes half a minute to import
_END_SECONDS: Final = 10.0
_SHOWN_CHARACTERS: Final = 3000  # of what TensorBoard said before it failed
_ROUTES: Final = ("/", f"/data/plugin/{schema.PLUGIN_NAME}/runs")


def free_port(port: int) -> int:
    """The port, if it can be listened on; for 0 any that can.

    Raises:
        OSError: If it cannot; says how to choose another.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it would allow what is taken
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as TensorBoard does
        try:
            probe.bind((HOST, port))
            # On Linux two may bind to one port with this option; only one of them may listen.
            probe.listen()
        except (OSError, OverflowError) as error:
            raise OSError(
                f"--port {port} cannot be used on {HOST}: {error}. Choose another one, such as --port "
                f"{port + 1 if 0 < port < 65535 else 6006}, or --port 0 for any that is free."
            ) from None
        return int(probe.getsockname()[1])


def serve(log_dir: str, port: int) -> None:
    """Serve `log_dir` until Ctrl-C or SIGTERM, which end TensorBoard too.

    Prints the address of the tab, as the last line of all, once both TensorBoard and the tab answer there.

    Raises:
        OSError: If TensorBoard does not start, or ends by itself; has what it said.
        KeyboardInterrupt: At Ctrl-C.
        SystemExit: At SIGTERM.
    """
    # What it says goes to a file, so that nothing comes after the address.
    with tempfile.TemporaryFile() as said, _sigterm_raises(), _tensorboard(log_dir, port, said) as process:
        _wait_until_it_answers(process, port, said)
        print("TensorBoard serves the sweeps until Ctrl-C. The tab LR Finder:")
        print(f"http://{HOST}:{port}/#{schema.PLUGIN_NAME}", flush=True)
        code = process.wait()
        raise OSError(f"TensorBoard has ended with exit code {code}.{_quoted(said)}")


@contextlib.contextmanager
def _tensorboard(log_dir: str, port: int, said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", log_dir]
    command += ["--host", HOST, "--port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
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
    """Have SIGTERM unwind the stack, as Ctrl-C does, so that TensorBoard is not left behind."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, said: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not all(_answers(port, route) for route in _ROUTES):
        if process.poll() is not None:
            raise OSError(f"TensorBoard did not start; its exit code is {process.returncode}.{_quoted(said)}")
        if time.monotonic() > deadline:
            raise OSError(
                f"TensorBoard did not answer on {HOST}:{port} within {_START_SECONDS:g} seconds."
                f"{_quoted(said)}"
            )
        time.sleep(0.2)


def _answers(port: int, route: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", route)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _quoted(said: IO[bytes]) -> str:
    said.seek(0)
    text = said.read().decode(errors="replace").strip()
    return f" It said:\n{text[-_SHOWN_CHARACTERS:]}" if text else " It said nothing."
