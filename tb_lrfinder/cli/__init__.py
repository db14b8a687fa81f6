"""The `tb-lrfinder` command line, with one module per subcommand.

Reading and writing event files requires neither Keras nor TensorFlow; only `demo` does.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from tb_lrfinder.cli import demo, export, importing, report, suggest
from tb_lrfinder.cli.terminal import discard_unwritable_streams, prepare_streams, print_stderr
from tb_lrfinder.version import __version__

_DESCRIPTION = "Learning-rate range tests for Keras, with a tab in TensorBoard."
_EPILOG = """\
examples:
  tb-lrfinder demo                          run range tests of a small network
  tb-lrfinder report logs                   suggestions and diagnosis of all sweeps in logs/
  tb-lrfinder report logs --strict          for CI: exit code 1 if a sweep has no suggestion
  tb-lrfinder export logs -o sweeps.csv     all rows, for a spreadsheet or pandas
  tb-lrfinder suggest losses.csv            suggest a learning rate from losses of PyTorch or fastai
  tb-lrfinder import losses.csv logs        add these losses to the LR Finder tab
  tensorboard --logdir logs                 then open the LR Finder tab

exit codes:
  0    success
  1    no suggestion (suggest), or a severe finding or a failed run (report --strict)
  2    error: invalid argument, or a file cannot be read or written
  130  interrupted with Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    prepare_streams()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0  # the reader of the output has closed it, as `head` does
    except KeyboardInterrupt:
        code = 130
    except (ImportError, OSError, ValueError) as error:
        with contextlib.suppress(OSError):
            print_stderr(f"tb-lrfinder: error: {error}")
        code = 2
    finally:
        discard_unwritable_streams()
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as error:  # argparse has already printed the help or an error
        return int(error.code or 0)
    return int(arguments.command(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tb-lrfinder",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tb_lrfinder {__version__}")
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        required=True,
        description="Run tb-lrfinder COMMAND --help for details.",
    )
    for module in (demo, report, export, suggest, importing):
        module.add_to(commands)
    return parser
