"""`tb-lrfinder export`: every row of every sweep and trial, as CSV or JSON."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir
from tb_lrfinder.cli.output import open_output
from tb_lrfinder.cli.terminal import pluralize, print_stderr
from tb_lrfinder.plugin.csv_cells import text_cell

if TYPE_CHECKING:
    from tb_lrfinder.storage.reader import Recorded

_OURS: Final = ("run", "kind")  # the columns that say whose row it is
_ROWS_AT_ONCE: Final = 10_000


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "export",
        run,
        help="every row of every sweep and trial, as CSV or JSON",
        description="Every row of the sweeps and trials below a log directory at full precision.\n"
        "CSV: one line for each step or epoch, with the run's name and kind first; columns that a kind does\n"
        "not have are empty. What is not finite is nan, inf or -inf. A name that a spreadsheet takes for a\n"
        "formula has an apostrophe before it; metrics called run and kind are metric_run and metric_kind.\n"
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
    with open_output(arguments.output) as stream:
        (_write_json if as_json else _write_csv)(recorded, stream)
    if arguments.output != "-":
        rows = sum(one.steps for one in recorded)
        print_stderr(
            f"Wrote {pluralize(rows, 'row')} of {pluralize(len(recorded), 'run')} to {arguments.output}."
        )
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


def _write_csv(recorded: Sequence[Recorded], stream: TextIO) -> None:
    tables = [one.columns() for one in recorded]
    places: dict[str, int] = {}
    for table in tables:
        for name in table:
            places.setdefault(name, len(places))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_OURS, *(text_cell(name) for name in _distinct(places))])
    for one, table in zip(recorded, tables, strict=True):
        whose = [text_cell(one.run), one.kind]
        empty = itertools.repeat("")
        by_place = {places[name]: column for name, column in table.items()}
        for start in range(0, one.steps, _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            cells = [by_place[p][part].tolist() if p in by_place else empty for p in range(len(places))]
            rows = zip(*cells, strict=False) if table else ()
            writer.writerows([*whose, *row] for row in rows)


def _distinct(names: Iterable[str]) -> list[str]:
    """The names of the columns; a metric that is called as one of ours is `metric_run`."""
    taken = {*_OURS, *names}
    distinct = []
    for name in names:
        if name in _OURS:
            name = f"metric_{name}"
            while name in taken:
                name = f"metric_{name}"
            taken.add(name)
        distinct.append(name)
    return distinct


def _write_json(recorded: Sequence[Recorded], stream: TextIO) -> None:
    by_kind: dict[str, list[Any]] = {"sweeps": [], "trials": []}
    for one in recorded:
        by_kind[f"{one.kind}s"].append(json.loads(_download(one)))
    json.dump(by_kind, stream, allow_nan=False)
    stream.write("\n")


def _download(recorded: Recorded) -> str:
    """The very file that the tab's download button gives."""
    from tb_lrfinder.plugin import responses
    from tb_lrfinder.plugin.request_params import DownloadQuery

    return responses.download(recorded, DownloadQuery(recorded.run, "json")).text
