"""What the commands take that set up a cluster: `topics`, `acls`."""

from __future__ import annotations

import argparse

from console.arguments import actions, number


def topics(parser: argparse.ArgumentParser) -> None:
    actions(parser, {"apply": ("make the topics, or change them to what they must be", _topics_apply)})


def _topics_apply(parser: argparse.ArgumentParser) -> None:
    _dry_run(parser)
    parser.add_argument(
        "--replication", type=number, metavar="N", help="copies of each topic (default: PHASEGATE_REPLICATION)"
    )
    parser.add_argument(
        "--min-insync",
        type=number,
        metavar="N",
        help="how many copies must hold a record (default: PHASEGATE_MIN_INSYNC)",
    )


def acls(parser: argparse.ArgumentParser) -> None:
    actions(
        parser,
        {
            "check": ("compare the cluster's rules with the declaration", _principals),
            "apply": ("add the rules that are missing", _acls_apply),
        },
    )


def _acls_apply(parser: argparse.ArgumentParser) -> None:
    _dry_run(parser)
    _principals(parser)
    parser.add_argument("--prune", action="store_true", help="take away the rules that are not declared")


def _principals(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--principal",
        metavar="ROLE=User:NAME",
        action="append",
        default=[],
        help="who holds a role (repeatable; default: PHASEGATE_KAFKA_PRINCIPALS)",
    )


def _dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
