"""What TensorBoard takes to load and serve many sweeps, and very long ones.

    python benchmarks/scale.py
    python benchmarks/scale.py --runs 3000 --keep-logs /tmp/scale

Writes log directories with the project's own writer: runs of 1,000 steps, and one run of a million. Serves
each with a TensorBoard of its own (without TensorFlow, as a viewer's), with the fast (Rust) and the slow
(Python) loader, and beside it the same runs without our data: their three plain scalars alone, as any
training writes them. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tb_lrfinder.storage.writer import SweepWriter

STEPS = 1_000
LONG = 1_000_000
LONGEST_ADDRESS = 60_000  # TensorBoard takes 65 KB
LOADERS = {"Rust": "--load_fast=true", "Python": "--load_fast=false"}
# TensorBoard as it is where TensorFlow is not installed; the module is its own way to be told.
VIEWER = """
import sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.main import run_main
run_main()
"""
WITHOUT_PLUGINS = """
import importlib.metadata
entry_points = importlib.metadata.entry_points
importlib.metadata.entry_points = lambda **of: (
    [] if "tensorboard_plugins" in of.values() else entry_points(**of)
)
"""
AS_THE_PAGE = "&encoding=base64&columns=step,learning_rate,smoothed_loss,loss_delta&buckets=500"


@dataclass
class Served:
    """A running TensorBoard.

    Args:
        url: Ends with a slash.
        pid: Of TensorBoard itself; the fast loader is a child of it.
        started: When, by the monotonic clock.
    """

    url: str
    pid: int
    started: float

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        with urllib.request.urlopen(self.url + path, timeout=600) as answer:
            return bytes(answer.read())

    def tree(self) -> list[int]:
        """TensorBoard's process and those that it started."""
        pids = [self.pid]
        for pid in pids:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            pids += [int(child) for child in children.read_text().split()]
        return pids

    def megabytes(self) -> float:
        """Resident memory of the tree."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.tree())
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_seconds(self) -> float:
        """CPU time of the tree so far."""
        ticks = 0
        for pid in self.tree():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(log_dir: Path, *options: str) -> Iterator[Served]:
    """A TensorBoard on loopback."""
    command = [sys.executable, "-c", VIEWER, "--logdir", str(log_dir), "--host", "127.0.0.1", "--port", "0"]
    command += ["--reload_multifile=false", *options]
    with tempfile.TemporaryFile("w+") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while True:
                log.seek(0)
                found = re.search(r"at (http://\S+?/?) \(Press", log.read())
                if found:
                    break
                time.sleep(0.05)
            yield Served(found[1].rstrip("/") + "/", process.pid, started)
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    """Measure everything and print the tables."""
    arguments = _arguments()
    print(f"{os.cpu_count()} cores, load average before: {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as scratch:
        root = arguments.keep_logs or Path(scratch)
        print(
            "| runs x steps | loader | bytes a step (scalars alone) | loaded after, s (alone) "
            "| memory, MB (alone) | `runs`, ms | all `sweeps`, ms | one, ms |"
        )
        print("|---|---|---:|---:|---:|---:|---:|---:|")
        for runs, steps in [*((runs, STEPS) for runs in arguments.runs), (1, arguments.long)]:
            ours, alone = root / f"{runs}x{steps}", root / f"{runs}x{steps}_scalars"
            _write_all(ours, runs, steps)
            _write_all(alone, runs, steps, scalars_alone=True)
            for loader, option in LOADERS.items():
                print(_row(ours, alone, runs, steps, loader, option), flush=True)
        print(f"\nStart of TensorBoard: {_start_up()}")
        print(f"Idle, 20 s: {_idle(root / f'{arguments.runs[0]}x{STEPS}')}")
    print(f"\nload average after: {os.getloadavg()[0]:.1f}; a busy machine makes every time longer")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure TensorBoard with many sweeps.")
    parser.add_argument(
        "--runs", type=int, nargs="+", default=[10, 100, 1_000], help="how many, of 1,000 steps"
    )
    parser.add_argument("--long", type=int, default=LONG, help="steps of the one long run")
    parser.add_argument("--keep-logs", type=Path, help="a directory whose logs are made once and used again")
    return parser.parse_args()


def _row(ours: Path, alone: Path, runs: int, steps: int, loader: str, option: str) -> str:
    with served(alone, option) as server:
        alone_loaded = _until(server, lambda: _runs_with_scalars(server) >= runs)
        alone_megabytes = server.megabytes()
    with served(ours, option) as server:
        listing = "data/plugin/lr_finder/runs"
        want = f'"steps": {steps}'.encode()
        loaded = _until(server, lambda: server.get(listing).count(want) >= runs)
        megabytes = server.megabytes()
        list_ms = statistics.median(_milliseconds(server, [listing]) for _ in range(3))
        names = re.findall(r'"run": "([^"]+)"', server.get(listing).decode())
        all_ms = _milliseconds(server, [*_requests(names)])
        one_ms = statistics.median(_milliseconds(server, [*_requests(names[:1])]) for _ in range(3))
    per_step = _size(ours) / (runs * steps)
    scalars = _size(alone) / (runs * steps)
    return (
        f"| {runs:,} x {steps:,} | {loader} | {per_step:.0f} ({scalars:.0f}) "
        f"| {loaded:.1f} ({alone_loaded:.1f}) | {megabytes:.0f} ({alone_megabytes:.0f}) "
        f"| {list_ms:.0f} | {all_ms:.0f} | {one_ms:.0f} |"
    )


def _runs_with_scalars(server: Served) -> int:
    """Those that are loaded; 0 while the loader is still at work, as it shows a run that it has begun."""
    before = server.cpu_seconds()
    time.sleep(0.3)
    if server.cpu_seconds() - before > 0.1:
        return 0
    return len(json.loads(server.get("data/plugin/scalars/tags")))


def _until(server: Served, ready: Callable[[], bool]) -> float:
    while not ready():
        time.sleep(0.1)
    return time.monotonic() - server.started


def _milliseconds(server: Served, paths: list[str]) -> float:
    start = time.perf_counter()
    for path in paths:
        server.get(path)
    return (time.perf_counter() - start) * 1e3


def _requests(names: list[str]) -> Iterator[str]:
    """As the page asks: as many runs in one request as its address holds."""
    rest = [f"&run={quote(name, safe='')}" for name in names]
    while rest:
        length, count = 0, 0
        while count < len(rest) and length + len(rest[count]) < LONGEST_ADDRESS:
            length += len(rest[count])
            count += 1
        yield "data/plugin/lr_finder/sweeps?" + (AS_THE_PAGE + "".join(rest[:count]))[1:]
        rest = rest[count:]


def _size(log_dir: Path) -> float:
    return sum(path.stat().st_size for path in log_dir.rglob("*tfevents*"))


def _write_all(root: Path, runs: int, steps: int, *, scalars_alone: bool = False) -> None:
    if (root / "done").exists():
        return
    jobs = [(str(root / f"run{number:05}"), steps, number, scalars_alone) for number in range(runs)]
    with multiprocessing.get_context("spawn").Pool(2 if runs > 20 else 1) as pool:
        for number, _ in enumerate(pool.imap_unordered(_write, jobs), 1):
            if runs >= 100 and number % (runs // 10) == 0:
                print(f"writing {root.name}: {number} of {runs}", file=sys.stderr)
    (root / "done").touch()


def _write(job: tuple[str, int, int, bool]) -> None:
    log_dir, steps, seed, scalars_alone = job
    rates = np.geomspace(1e-7, 10, steps)
    noise = np.random.default_rng(seed).normal(0, 0.03, steps)
    losses = 2.3 - 1.5 / (1 + np.exp(-3 * (np.log10(rates) + 3))) + np.minimum(rates**2, 30) + noise
    if scalars_alone:
        _write_scalars(log_dir, rates, losses)
        return
    writer = SweepWriter(log_dir, {"id": f"{seed:016x}", "num_steps": steps})
    for step, (rate, loss) in enumerate(zip(rates.tolist(), losses.tolist(), strict=True)):
        writer.add(step, rate, loss, 0.0)
        if step % 20_000 == 19_999:
            writer.flush()
    writer.close({"stop_reason": "completed", "steps": steps})


def _write_scalars(log_dir: str, rates: np.ndarray, losses: np.ndarray) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    events = EventFileWriter(log_dir)
    for step, (rate, loss) in enumerate(zip(rates.tolist(), losses.tolist(), strict=True)):
        named = {"learning_rate": rate, "loss": loss, "loss_delta": 0.0}
        values = [Summary.Value(tag=f"lr_finder/{name}", simple_value=value) for name, value in named.items()]
        events.add_event(Event(wall_time=1.79e9 + step, step=step, summary=Summary(value=values)))
    events.close()


def _start_up() -> str:
    """What the plugin's module takes on top of what TensorBoard loads anyway."""
    code = "import tensorboard.main, tensorboard.plugin_util, tensorboard.backend.http_util\n"
    code += "import tb_lrfinder.plugin.plugin"
    took, heavy = [], set()
    for _ in range(5):
        command = [sys.executable, "-X", "importtime", "-c", code]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
        (plugin,) = (line for line in lines if line.endswith(" tb_lrfinder.plugin.plugin"))
        took.append(int(plugin.split("|")[1]) / 1e3)
        heavy |= {line.rpartition("|")[2].strip() for line in lines} & {"keras", "tensorflow", "jax", "torch"}
    loaded = ", ".join(sorted(heavy)) or "no keras and no tensorflow"
    return f"{statistics.median(took):.0f} ms for the plugin, which loads {loaded}"


def _idle(log_dir: Path) -> str:
    with served(log_dir) as server:
        _until(server, lambda: server.get("data/plugin/lr_finder/runs").count(b'"run"') > 0)
        time.sleep(6)
        before = server.cpu_seconds()
        time.sleep(20)
        ours = server.cpu_seconds() - before
    command = [sys.executable, "-c", WITHOUT_PLUGINS + VIEWER, "--logdir", str(log_dir)]
    command += ["--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bare = Served("", process.pid, 0.0)
    time.sleep(12)
    before = bare.cpu_seconds()
    time.sleep(20)
    theirs = bare.cpu_seconds() - before
    process.terminate()
    process.wait()
    return f"{ours:.2f} s of CPU with the plugin, {theirs:.2f} s without"


if __name__ == "__main__":
    main()
