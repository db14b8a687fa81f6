"""How long the commands take for long files: `python benchmarks/long_csv.py`.

The baseline is reading the same CSV with NumPy, in a process of its own as the commands are, so that the
ratio means the same on another machine. Prints a Markdown table, the fastest of three tries each.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

_NUMPY = "import sys, numpy; numpy.loadtxt(sys.argv[1], delimiter=',', skiprows=1)"
_TRIES = 3


def main() -> None:
    """Measure every command and print the table."""
    parser = argparse.ArgumentParser(description="Measure the commands with long files of losses.")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    print("| rows | NumPy reads it, s | import, s | ratio | report, s | ratio | export, s | ratio |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for rows in parser.parse_args().rows:
        print(_row(rows), flush=True)


def _row(rows: int) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        file, logs = Path(scratch, "losses.csv"), Path(scratch, "logs")
        _write(file, rows)
        base = _fastest([sys.executable, "-c", _NUMPY, str(file)])
        command = [sys.executable, "-m", "tb_lrfinder.cli"]
        times = [_fastest([*command, "import", str(file), str(logs), "--run", "{try}"])]
        for number in range(1, _TRIES):  # one run is to be read
            shutil.rmtree(logs / str(number))
        times.append(_fastest([*command, "report", str(logs)]))
        times.append(_fastest([*command, "export", str(logs), "-o", str(Path(scratch, "out.csv"))]))
    return f"| {rows:,} | {base:.2f} |" + "".join(f" {took:.2f} | {took / base:.1f} |" for took in times)


def _write(file: Path, rows: int) -> None:
    rates = np.geomspace(1e-7, 10, rows)
    noise = np.random.default_rng(0).normal(0, 0.05, rows)
    losses = 2.3 - 1.5 / (1 + (1e-3 / rates) ** 1.5) + np.minimum(rates, 3) ** 2 + noise
    with file.open("w") as stream:
        stream.write("lr,loss\n")
        stream.writelines(
            f"{rate!r},{loss!r}\n" for rate, loss in zip(rates.tolist(), losses.tolist(), strict=True)
        )


def _fastest(command: list[str]) -> float:
    took = []
    for number in range(_TRIES):
        start = time.perf_counter()
        subprocess.run(
            [part.replace("{try}", str(number)) for part in command],
            check=True,
            capture_output=True,
        )
        took.append(time.perf_counter() - start)
    return min(took)


if __name__ == "__main__":
    main()
