"""CPU time of the command line for long CSV files: `python benchmarks/long_csv.py`.

The baseline is NumPy reading the same CSV file in a process of its own, so that the ratios are comparable
between machines. CPU time (user and system, including all threads and the start of Python) depends less on
other processes than wall time. Prints a Markdown table with the minimum of three runs.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

_NUMPY = "import sys, numpy; numpy.loadtxt(sys.argv[1], delimiter=',', skiprows=1)"
_RUNS = 3


def main() -> None:
    """Measure all commands and print the table."""
    parser = argparse.ArgumentParser(
        description="Measure the CPU time of the command line for long CSV files."
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    print("| rows | NumPy, CPU s | import, CPU s | ratio | report, CPU s | ratio | export, CPU s | ratio |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for rows in parser.parse_args().rows:
        print(_row(rows), flush=True)


def _row(rows: int) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        file, logs = Path(scratch, "losses.csv"), Path(scratch, "logs")
        _write(file, rows)
        base = _cpu_seconds([sys.executable, "-c", _NUMPY, str(file)])
        command = [sys.executable, "-m", "tb_lrfinder.cli"]
        times = [_cpu_seconds([*command, "import", str(file), str(logs), "--run", "{run}"])]
        for number in range(1, _RUNS):  # only one run is read
            shutil.rmtree(logs / str(number))
        times.append(_cpu_seconds([*command, "report", str(logs)]))
        times.append(_cpu_seconds([*command, "export", str(logs), "-o", str(Path(scratch, "out.csv"))]))
    return f"| {rows:,} | {base:.2f} |" + "".join(
        f" {seconds:.2f} | {seconds / base:.1f} |" for seconds in times
    )


def _write(file: Path, rows: int) -> None:
    rates = np.geomspace(1e-7, 10, rows)
    noise = np.random.default_rng(0).normal(0, 0.05, rows)
    losses = 2.3 - 1.5 / (1 + (1e-3 / rates) ** 1.5) + np.minimum(rates, 3) ** 2 + noise
    with file.open("w") as stream:
        stream.write("lr,loss\n")
        stream.writelines(
            f"{rate!r},{loss!r}\n" for rate, loss in zip(rates.tolist(), losses.tolist(), strict=True)
        )


def _cpu_seconds(command: list[str]) -> float:
    times = []
    for number in range(_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [part.replace("{run}", str(number)) for part in command],
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(times)


if __name__ == "__main__":
    main()
