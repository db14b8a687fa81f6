"""`tb-lrfinder demo`: real range tests of a small network."""

from __future__ import annotations

import argparse

from tb_lrfinder.cli.arguments import Commands, add_command, positive, whole
from tb_lrfinder.cli.terminal import say

_DEFAULT_PORT = 6006  # TensorBoard's own


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    demo = add_command(
        commands,
        "demo",
        run,
        help="run real range tests of a small ConvNet",
        description="Sweep the learning rate of a small ConvNet on handwritten digits, with SGD and Adam.\n"
        "Needs Keras and, for the digits, scikit-learn: pip install 'tb_lrfinder[tensorflow,demo]'",
        examples="""\
  tb-lrfinder demo --serve                  and open the address that it prints at the end
  tb-lrfinder demo && tensorboard --logdir logs
  tb-lrfinder demo --dataset mnist --num-steps 300 --log-dir /tmp/demo""",
    )
    demo.add_argument(
        "--log-dir", default="logs", metavar="DIR", help="where the event files go (default: logs)"
    )
    demo.add_argument(
        "--dataset",
        choices=("digits", "mnist"),
        default="digits",
        help="digits comes with scikit-learn, mnist is downloaded by Keras (default: digits)",
    )
    demo.add_argument(
        "--num-steps",
        type=positive,
        default=100,
        metavar="N",
        help="learning rates in a sweep (default: 100)",
    )
    demo.add_argument(
        "--serve", action="store_true", help="then show them with TensorBoard on this machine, until Ctrl-C"
    )
    demo.add_argument(
        "--port",
        type=whole,
        metavar="PORT",
        help=f"of TensorBoard with --serve; 0 is any that is free (default: {_DEFAULT_PORT})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the sweeps, and serve them where that is asked for."""
    from tb_lrfinder import demo
    from tb_lrfinder.cli import serving

    if arguments.port is not None and not arguments.serve:
        raise ValueError(f"--port {arguments.port} is for --serve, which is not given. Add --serve.")
    if arguments.serve:  # a port that is taken is better known before the sweeps than after them
        port = serving.free_port(_DEFAULT_PORT if arguments.port is None else arguments.port)
    say("Loading Keras, and sweeping the learning rate with SGD and with Adam; some ten seconds ...")
    demo.run(arguments.log_dir, arguments.dataset, arguments.num_steps)
    if arguments.serve:
        say("Starting TensorBoard ...")
        serving.serve(arguments.log_dir, port)
    else:
        print(f"\nTo see the sweeps: tensorboard --logdir {arguments.log_dir}, and open the tab LR Finder.")
    return 0
