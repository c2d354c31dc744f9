"""Everything local: `up` and `down`. What runs is kept by a keeper of its own (infra.services.keeper), which outlives `up`."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from console.commands.kafka import broker_home
from console.local_parts import plan, prefect_home, services_folder
from console.options import settings_of
from console.output import Report, Result
from events.errors import Unavailable
from events.values import format_instant
from infra.kafka.process import birth, spawn_daemon, stop
from infra.services.plan import Kept, Planned, State, read_plan, read_state, write_plan
from infra.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

UNAVAILABLE = 7
READY_WITHIN_S = 180.0
ENDS_WITHIN_S = 300.0
LOOK_EVERY_S = 0.2


def up(options: argparse.Namespace, report: Report) -> Result:
    """Starts what does not run, waits until everything does its work, and shows it. Run again it only shows."""
    settings = settings_of(options, report)
    state = running(settings)
    if state is None:
        prepare(settings, report)
        start(settings, report)
        state = wait_until_ready(settings, report)
    data = screen(settings, state)
    failed = [row["part"] for row in data["parts"] if row["state"] != "running"]
    problem = f"not running: {', '.join(failed)}" if failed else ""
    hint = f"the logs are in {services_folder(settings)}; phasegate down ends everything"
    return Result(data, lambda console: show(console, data), UNAVAILABLE if failed else 0, problem, hint)


def running(settings: Settings) -> State | None:
    """What the keeper of this home tells, if it lives."""
    state = read_state(services_folder(settings))
    return state if state is not None and birth(state.pid) == state.began else None


def prepare(settings: Settings, report: Report) -> None:
    """What has to be there once: keys, the broker, the tables, the database of Prefect. Keys that are missing are made."""
    from flows.prefect_server import make_home
    from infra.kafka import broker
    from infra.keys import new_key
    from infra.ledger.database import upgrade

    for path in (settings.office_key, settings.log_key, settings.intake_key):
        if not path.exists():
            key = new_key(path.parent, path.stem.replace("~", "/"))
            report.say(f"made the key {key.kid} in {path}")
    if not settings.kafka:
        broker.up(broker_home(settings), report.say)
    upgrade(settings.database)
    make_home(prefect_home(settings), settings.cache, report.say)


def start(settings: Settings, report: Report) -> None:
    """A keeper over this home."""
    folder = services_folder(settings)
    write_plan(folder, plan(settings))
    report.say("starting " + ", ".join(one.name for one in read_plan(folder).services))
    pid = spawn_daemon([sys.executable, "-m", "infra.services.keeper", str(folder)], folder / "keeper.log")
    deadline = time.monotonic() + READY_WITHIN_S
    while (state := running(settings)) is None or state.pid != pid:
        if birth(pid) is None or time.monotonic() > deadline:
            raise Unavailable("the keeper of the services ended at once", hint=f"see {folder / 'keeper.log'}")
        time.sleep(LOOK_EVERY_S)


def wait_until_ready(settings: Settings, report: Report) -> State:
    """What the keeper tells once every service runs, or when one of them keeps failing, or at the end of our patience."""
    deadline, told = time.monotonic() + READY_WITHIN_S, set[str]()
    while (state := running(settings)) is not None:
        came = {row.name for row in state.services if row.condition == "running"}
        for name in sorted(came - told):
            report.say(f"{name} is ready")
        told |= came
        fails = any(row.restarts >= 3 and row.condition != "running" for row in state.services)
        if len(came) == len(state.services) or fails or time.monotonic() > deadline:
            return state
        time.sleep(LOOK_EVERY_S)
    raise Unavailable("the keeper has ended", hint=f"see {services_folder(settings) / 'keeper.log'}")


def screen(settings: Settings, state: State) -> dict[str, Any]:
    """Addresses and health of every part, as plain data."""
    from console.commands.setup import without_password

    planned = {one.name: one for one in read_plan(services_folder(settings)).services}
    rows = [_broker(settings), *(_row(settings, planned[kept.name], kept) for kept in state.services)]
    return {"home": str(settings.home), "ledger": without_password(settings.database), "parts": rows}


def _broker(settings: Settings) -> dict[str, Any]:
    from console.health_parts import bootstrap

    address = bootstrap(settings)
    log = "" if settings.kafka else str(broker_home(settings) / "broker.log")
    health = "running" if address else "does not answer"
    return {"part": "kafka", "state": health, "address": address or settings.kafka, "restarts": 0, "log": log}


def _row(settings: Settings, planned: Planned, kept: Kept) -> dict[str, Any]:
    return {
        "part": kept.name,
        "state": kept.condition
        if kept.ended is None or kept.condition == "running"
        else f"{kept.condition}: {kept.ended}",
        "address": planned.address,
        "since": format_instant(kept.since * 1000),
        "restarts": kept.restarts,
        "log": str(services_folder(settings) / f"{kept.name}.log"),
    }


def show(console: Console, data: dict[str, Any]) -> None:
    """The screen, for people."""
    from console.tables import table

    heads = ("part", "state", "address", "restarts", "log")
    console.print(table(heads, [tuple(str(row[head]) for head in heads) for row in data["parts"]]))
    console.print(f"ledger {data['ledger']}", soft_wrap=True)
    console.print(
        "next: phasegate announce RULEBOOK, phasegate status, phasegate doctor; phasegate down ends everything"
    )


def down(options: argparse.Namespace, report: Report) -> Result:
    """Ends the services in the reverse order of their start, then the local broker. Data, keys and logs stay."""
    from infra.kafka import broker

    settings = settings_of(options, report)
    ended = list[str]()
    if (state := running(settings)) is not None:
        report.say("ending the services; flows that run are let finish")
        stop(state.pid, state.began, ENDS_WITHIN_S)
        ended = [row.name for row in state.services]
    if not settings.kafka and broker.down(broker_home(settings)):
        ended.append("kafka")
    text = f"ended: {', '.join(ended)}; data, keys and logs stay in {settings.home}" if ended else "nothing was running"
    return Result({"ended": ended, "home": str(settings.home)}, lambda console: console.print(text, soft_wrap=True))
