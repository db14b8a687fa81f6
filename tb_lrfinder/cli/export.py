"""`tb-lrfinder export`: all rows of the sweeps and trials, as CSV or JSON."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir
from tb_lrfinder.cli.output import open_output
from tb_lrfinder.cli.terminal import pluralize, print_stderr

if TYPE_CHECKING:
    from tb_lrfinder.storage.recorded import Recorded

_LABELS: Final = ("run", "kind")  # the leading columns


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "export",
        run,
        help="export all rows of the sweeps and trials as CSV or JSON",
        description="Export all rows of the sweeps and trials in a log directory at full precision.\n"
        "CSV: one line per step or epoch, starting with the name and kind of the run; missing columns are\n"
        "empty. Non-finite values are nan, inf or -inf. Names that a spreadsheet would treat as a formula\n"
        "have an apostrophe before them; metrics named run and kind are renamed metric_run and metric_kind.\n"
        "JSON: the settings, result and columns of each run, named as in `finder.sweep`; non-finite values\n"
        'are "NaN", "Infinity" or "-Infinity".',
        examples="""\
  tb-lrfinder export logs > sweeps.csv
  tb-lrfinder export logs --format json --output sweeps.json
  tb-lrfinder export logs --run adam --run sgd -o two.csv
  tb-lrfinder export logs --kind trial -o trials.csv
  python -c "import pandas; print(pandas.read_csv('sweeps.csv').groupby('run').loss.min())\"""",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--format",
        choices=("csv", "json"),
        help="output format (default: from the extension of the output file, else csv)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="output file (default: -, standard output)"
    )
    parser.add_argument("--kind", choices=("sweep", "trial"), help="export only this kind (default: both)")
    parser.add_argument(
        "--run", action="append", metavar="NAME", help="export only this run; can be repeated"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export the rows and return the exit code."""
    from tb_lrfinder.cli import log_dir

    as_json = (arguments.format or Path(arguments.output).suffix.lstrip(".").lower()) == "json"
    recorded = _selected(log_dir.read(arguments.log_dir), arguments.run, arguments.kind)
    with open_output(arguments.output) as stream:
        (_write_json if as_json else _write_csv)(recorded, stream)
    if arguments.output != "-":
        rows = sum(one.steps for one in recorded)
        runs = pluralize(len(recorded), "run")
        print_stderr(f"Wrote {pluralize(rows, 'row')} from {runs} to {arguments.output}.")
    return 0


def _selected(recorded: Sequence[Recorded], names: Sequence[str] | None, kind: str | None) -> list[Recorded]:
    found = {one.run: one for one in recorded if kind in (None, one.kind)}
    if not found:
        raise ValueError(f"No {kind} found in the log directory. Omit --kind to export all runs.")
    missing = [name for name in names or () if name not in found]
    if missing:
        raise ValueError(
            f"No {kind or 'sweep or trial'} found in the run {missing[0]!r}. "
            f"Available runs: {', '.join(map(repr, found))}."
        )
    return [found[name] for name in dict.fromkeys(names or found)]


def _write_csv(recorded: Sequence[Recorded], stream: TextIO) -> None:
    from tb_lrfinder.plugin.csv_table import CsvTable

    table = CsvTable(stream, [name for one in recorded for name in one.columns()], _LABELS)
    for one in recorded:
        table.add(one.columns(), [one.run, one.kind])


def _write_json(recorded: Sequence[Recorded], stream: TextIO) -> None:
    """Write the same JSON for each run as the download of the tab."""
    from tb_lrfinder.plugin.json_text import RunEncoder
    from tb_lrfinder.plugin.responses import recorded_run

    for kind, start in (("sweep", '{"sweeps": ['), ("trial", '], "trials": [')):
        stream.write(start)
        separator = ""
        for one in recorded:
            if one.kind == kind:
                stream.write(separator + recorded_run(one, RunEncoder()).text)
                separator = ", "
    stream.write("]}\n")
