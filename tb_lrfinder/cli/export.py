"""`tb-lrfinder export`: every row of every sweep and trial, as CSV or JSON."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir
from tb_lrfinder.cli.terminal import counted, say

if TYPE_CHECKING:
    from tb_lrfinder.reader import Recorded


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "export",
        run,
        help="every row of every sweep and trial, as CSV or JSON",
        description="Every row of the sweeps and trials below a log directory at full precision.\n"
        "CSV: one line for each step or epoch, with the run's name and kind first; columns that a kind does\n"
        "not have are empty. What is not finite is nan, inf or -inf.\n"
        "JSON: for each run its settings, its result and its columns, named as in `finder.sweep`;\n"
        'what is not finite is "NaN", "Infinity" or "-Infinity".',
        examples="""\
  tb-lrfinder export logs > sweeps.csv
  tb-lrfinder export logs --format json --output sweeps.json
  tb-lrfinder export logs --run adam --run sgd -o two.csv
  tb-lrfinder export logs --kind trial -o trials.csv
  python -c "import pandas; print(pandas.read_csv('sweeps.csv').groupby('run').loss.min())\"""",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--format", choices=("csv", "json"), help="default: as the name of the output ends, else csv"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="where to write (default: -, standard output)"
    )
    parser.add_argument("--kind", choices=("sweep", "trial"), help="only these (default: both)")
    parser.add_argument(
        "--run", action="append", metavar="NAME", help="only this run; can be given several times"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the rows."""
    from tb_lrfinder.cli import log_dir

    as_json = (arguments.format or Path(arguments.output).suffix.lstrip(".").lower()) == "json"
    recorded = _chosen(log_dir.read(arguments.log_dir), arguments.run, arguments.kind)
    with _opened(arguments.output) as stream:
        (_write_json if as_json else _write_csv)(recorded, stream)
    if arguments.output != "-":
        rows = sum(one.steps for one in recorded)
        say(f"Wrote {counted(rows, 'row')} of {counted(len(recorded), 'run')} to {arguments.output}.")
    return 0


def _chosen(recorded: Sequence[Recorded], names: Sequence[str] | None, kind: str | None) -> list[Recorded]:
    found = {one.run: one for one in recorded if kind in (None, one.kind)}
    if not found:
        raise ValueError(f"There is no {kind} in the log directory. Leave --kind out to get everything.")
    missing = [name for name in names or () if name not in found]
    if missing:
        raise ValueError(
            f"There is no {kind or 'sweep or trial'} in the run {missing[0]!r}. "
            f"There is one in {', '.join(map(repr, found))}."
        )
    return [found[name] for name in dict.fromkeys(names or found)]


@contextlib.contextmanager
def _opened(output: str) -> Iterator[TextIO]:
    if output == "-":
        yield sys.stdout
    else:
        with Path(output).open("w", encoding="utf-8", newline="") as stream:
            yield stream


def _write_csv(recorded: Sequence[Recorded], stream: TextIO) -> None:
    tables = [list(csv.reader(io.StringIO(_download(one, "csv")))) for one in recorded]
    names = list(dict.fromkeys(name for header, *_ in tables for name in header))
    writer = csv.DictWriter(stream, ["run", "kind", *names], lineterminator="\n")
    writer.writeheader()
    for one, (header, *rows) in zip(recorded, tables, strict=True):
        whose = {"run": one.run, "kind": one.kind}
        writer.writerows(whose | dict(zip(header, row, strict=True)) for row in rows)


def _write_json(recorded: Sequence[Recorded], stream: TextIO) -> None:
    by_kind: dict[str, list[Any]] = {"sweeps": [], "trials": []}
    for one in recorded:
        by_kind[f"{one.kind}s"].append(json.loads(_download(one, "json")))
    json.dump(by_kind, stream, allow_nan=False)
    stream.write("\n")


def _download(recorded: Recorded, form: str) -> str:
    """The very file that the tab's download button gives."""
    from tb_lrfinder import answers
    from tb_lrfinder.queries import DownloadQuery

    return answers.download(recorded, DownloadQuery(recorded.run, form)).text  # type: ignore[arg-type]
