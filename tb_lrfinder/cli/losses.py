"""The CSV file argument of `tb-lrfinder suggest` and `tb-lrfinder import`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.cli.losses_file import parse_losses

FORMAT = """\
file format, with or without a header:
  learning_rate,loss
  1e-07,2.31
  1.2e-07,2.30

how to write it with pandas:
  pytorch-lr-finder   DataFrame(lr_finder.history)[["lr", "loss"]].to_csv("losses.csv")
                      (smoothed, unless created with range_test(..., smooth_f=0))
  fastai              r = learn.recorder
                      DataFrame({"lr": r.lrs, "loss": [x.item() for x in r.losses]}).to_csv("losses.csv")
  Lightning           DataFrame(lr_finder.results).to_csv("losses.csv")
"""


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument FILE.csv."""
    parser.add_argument(
        "file",
        metavar="FILE.csv",
        help="CSV file with the columns learning_rate (or lr) and loss; - for standard input",
    )


def file_name(file: str) -> str:
    """Return the name of the file without its directory."""
    return "stdin" if file == "-" else Path(file).name


def read(file: str) -> Sweep:
    """Read the sweep from the file.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is not a sweep; the message names the line and what to change.
    """
    if file == "-" and sys.stdin is None:
        raise ValueError("Standard input is closed. Pass the name of a file.")
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        # "Unicode Text" of Excel is UTF-16.
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(f"No such file: {file!r}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not a text file: {error}. Save it as CSV in UTF-8.") from error
    losses = parse_losses(text, file_name(file))
    return Sweep.from_losses(losses.learning_rate, losses.loss, losses.validation_loss)
