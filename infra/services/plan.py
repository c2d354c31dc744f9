"""What a keeper is told, and what it tells: two JSON files in the folder of a deployment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from infra.durable import replace_file

MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""For what runs for months: glibc then gives freed memory back, and keeps no arena for each thread that ever allocated."""

FOLDER = "services"
PLAN, STATE = "plan.json", "state.json"

Condition = Literal["waiting", "starting", "running", "ended", "stopped"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One service. It is ready when it says so (notify.py) or, with a `probe`, when that address answers with 200.

    `after` names services that must have been ready once before it is started.
    """

    name: str
    argv: list[str]
    environment: dict[str, str]
    address: str = ""
    probe: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`broker`: the folder of a local broker that is started again when it dies; None where another cluster is used."""

    services: tuple[Planned, ...]
    broker: str | None = None


@dataclass(slots=True)
class Kept:
    """One service as its keeper sees it. `since`: Unix seconds. `ended`: the last exit code, negative for a signal."""

    name: str
    condition: Condition = "waiting"
    pid: int | None = None
    since: int = 0
    restarts: int = 0
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The keeper itself, by pid and birth (infra.kafka.process), and its services."""

    pid: int
    began: str
    services: list[Kept]


def write_plan(folder: Path, plan: Plan) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder / PLAN, json.dumps(asdict(plan)).encode())
    (folder / PLAN).chmod(0o600)  # what services find in their environment may be secret


def read_plan(folder: Path) -> Plan:
    document = json.loads((folder / PLAN).read_bytes())
    rows = [Planned(**{**row, "after": tuple(row["after"])}) for row in document["services"]]
    return Plan(tuple(rows), document["broker"])


def write_state(folder: Path, pid: int, began: str, services: Sequence[Kept]) -> None:
    replace_file(folder / STATE, json.dumps(asdict(State(pid, began, list(services)))).encode())


def read_state(folder: Path) -> State | None:
    """What the last keeper told; it may have ended since, its services too."""
    try:
        document = json.loads((folder / STATE).read_bytes())
    except FileNotFoundError:
        return None
    return State(document["pid"], document["began"], [Kept(**row) for row in document["services"]])
