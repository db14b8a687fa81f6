"""`tb-lrfinder demo`: run range tests of a small network."""

from __future__ import annotations

import argparse

from tb_lrfinder import demo
from tb_lrfinder.checks import check_integer
from tb_lrfinder.cli.arguments import Commands, add_command, checked
from tb_lrfinder.cli.terminal import print_stderr

_DEFAULT_PORT = 6006  # as in TensorBoard


def add_to(commands: Commands) -> None:
    """Add the subcommand to the parser."""
    parser = add_command(
        commands,
        "demo",
        run,
        help="run range tests of a small ConvNet",
        description="Run range tests of a small ConvNet on handwritten digits, with SGD and Adam.\n"
        "Requires Keras and scikit-learn (for the digits): pip install 'tb_lrfinder[tensorflow,demo]'",
        examples="""\
  tb-lrfinder demo --serve                  and open the printed address
  tb-lrfinder demo && tensorboard --logdir logs
  tb-lrfinder demo --dataset mnist --num-steps 300 --log-dir /tmp/demo""",
    )
    parser.add_argument(
        "--log-dir", default="logs", metavar="DIR", help="directory for the event files (default: logs)"
    )
    parser.add_argument(
        "--dataset",
        choices=demo.DATASETS,
        default="digits",
        help="digits is included in scikit-learn, mnist is downloaded by Keras (default: digits)",
    )
    parser.add_argument(
        "--num-steps",
        type=checked(check_integer, "--num-steps", at_least=2),
        default=100,
        metavar="N",
        help="number of steps of a sweep (default: 100)",
    )
    parser.add_argument(
        "--serve", action="store_true", help="serve the sweeps with TensorBoard on localhost until Ctrl-C"
    )
    parser.add_argument(
        "--port",
        type=checked(check_integer, "--port", at_least=0, at_most=65535),
        metavar="PORT",
        help=f"port of TensorBoard with --serve; 0 chooses a free port (default: {_DEFAULT_PORT})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the sweeps, and serve them with `--serve`."""
    from tb_lrfinder.cli import serving

    if arguments.port is not None and not arguments.serve:
        raise ValueError(f"--port requires --serve. Received: --port {arguments.port}. Add --serve.")
    if arguments.serve:  # checked before the sweeps, which take a while
        port = serving.free_port(_DEFAULT_PORT if arguments.port is None else arguments.port)
    print_stderr("Loading Keras and running range tests with SGD and Adam; this takes about ten seconds ...")
    demo.run(arguments.log_dir, arguments.dataset, arguments.num_steps)
    if arguments.serve:
        print_stderr("Starting TensorBoard ...")
        serving.serve(arguments.log_dir, port)
    else:
        print(
            f"\nTo view the sweeps, run `tensorboard --logdir {arguments.log_dir}` "
            "and open the LR Finder tab."
        )
    return 0
