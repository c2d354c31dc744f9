"""What the services take that run beside the people: the recorder, and what monitors read."""

from __future__ import annotations

import argparse

from console.key_arguments import listen


def record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="record what is there now, and stop")
    parser.add_argument(
        "--metrics", type=listen, metavar="HOST:PORT", help="serve how long records take, at /metrics there"
    )


def metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", type=listen, metavar="HOST:PORT", help="where (default PHASEGATE_METRICS)")
    parser.add_argument("--once", action="store_true", help="look once, print the metrics, and stop")
