"""The local broker: `kafka up`, `kafka down`, `kafka status`. Its data and log are in `<home>/kafka`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from console.options import settings_of
from console.output import Report, Result

if TYPE_CHECKING:
    from rich.console import Console

    from infra.kafka.broker import Running
    from infra.settings import Settings

UNAVAILABLE = 7


def broker_home(settings: Settings) -> Path:
    """Where the local broker of this deployment lives."""
    return settings.home / "kafka"


def run(options: argparse.Namespace, report: Report) -> Result:
    """`options.action` says which."""
    settings = settings_of(options, report)
    match options.action:
        case "up":
            return _up(settings, report)
        case "down":
            return _down(settings)
        case "status":
            return _status(settings)
        case never:
            assert_never(never)


def _up(settings: Settings, report: Report) -> Result:
    from infra.kafka.broker import up

    if settings.kafka:
        report.warn(f"PHASEGATE_KAFKA={settings.kafka} is what commands use; this starts a local broker beside it")
    return _running(up(broker_home(settings), report.say), settings)


def _down(settings: Settings) -> Result:
    from infra.kafka.broker import down

    home = broker_home(settings)
    stopped = down(home)
    text = f"the broker is stopped; its data stays in {home}" if stopped else f"no broker was running in {home}"
    return Result({"stopped": stopped, "home": str(home)}, lambda console: console.print(text))


def _status(settings: Settings) -> Result:
    """Exit code 7 when nothing answers, so that scripts can wait for it."""
    from infra.kafka.broker import status

    if settings.kafka:
        return _elsewhere(settings)
    found = status(broker_home(settings))
    if found is not None:
        return _running(found, settings)
    problem = f"no broker answers in {broker_home(settings)}"
    return Result({"running": False}, _silent, UNAVAILABLE, problem, "phasegate kafka up")


def _elsewhere(settings: Settings) -> Result:
    """Each address is asked, as the user of the settings; of those that do not serve us the first is told."""
    from infra.kafka.knocking import reach
    from infra.kafka.security import security_of

    up, problems = reach(settings.kafka, security_of(settings))
    data = {"running": bool(up), "bootstrap": settings.kafka, "answering": up}
    if not up:
        hint = f"{problems[0].hint}, or correct PHASEGATE_KAFKA"
        return Result(data, _silent, UNAVAILABLE, f"no broker serves us: {problems[0].message}", hint)
    return Result(data, lambda console: console.print(f"Kafka answers at {', '.join(up)} (PHASEGATE_KAFKA)"))


def _running(broker: Running, settings: Settings) -> Result:
    home = broker_home(settings)
    data = {"running": True, "bootstrap": broker.bootstrap, "pid": broker.pid, "how": broker.how, "home": str(home)}

    def render(console: Console) -> None:
        console.print(f"Kafka answers at {broker.bootstrap} (pid {broker.pid}, {broker.how})", soft_wrap=True)
        console.print(f"  data and log in {home}; other programs: PHASEGATE_KAFKA={broker.bootstrap}", soft_wrap=True)

    return Result(data, render)


def _silent(_: Console) -> None:
    """What is wrong is said as a problem."""
