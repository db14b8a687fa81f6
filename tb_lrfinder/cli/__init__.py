"""The command `tb-lrfinder`: one module for each of its commands, which says what it takes and does it.

Reading and writing event files needs neither Keras nor TensorFlow; only `demo` does.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from tb_lrfinder.cli import demo, export, importing, report, suggest
from tb_lrfinder.cli.terminal import abandon_streams, prepare_streams, say
from tb_lrfinder.version import __version__

_DESCRIPTION = "Learning-rate range tests, shown in TensorBoard."
_EPILOG = """\
examples:
  tb-lrfinder demo                          run real range tests of a small network
  tb-lrfinder report logs                   what every sweep below logs/ says
  tb-lrfinder report logs --strict          the same, for CI: exit code 1 where a sweep gives no answer
  tb-lrfinder export logs -o sweeps.csv     every row, for a spreadsheet or pandas
  tb-lrfinder suggest losses.csv            a suggestion for losses that PyTorch or fastai recorded
  tb-lrfinder import losses.csv logs        show them in the tab, too
  tensorboard --logdir logs                 then open the tab LR Finder

exit codes:
  0  done
  1  done, and there is no answer: `suggest` has no learning rate, or `report --strict` found a severe problem
  2  not done: a wrong argument, or a file that cannot be read or written; the message says what to do
  130  stopped with Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    prepare_streams()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0  # whoever reads our output has seen enough, as `head` does
    except KeyboardInterrupt:
        code = 130
    except (ImportError, OSError, ValueError) as error:
        with contextlib.suppress(OSError):
            say(f"tb-lrfinder: error: {error}")
        code = 2
    finally:
        abandon_streams()
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as done:  # argparse has printed the help or what is wrong with an argument
        return int(done.code or 0)
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
        description="tb-lrfinder COMMAND --help explains each.",
    )
    for module in (demo, report, export, suggest, importing):
        module.add_to(commands)
    return parser
