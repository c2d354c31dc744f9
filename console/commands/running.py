"""`run`: a scenario played over the real parts; `demo`: the K-AI programme, played and then replayed."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result
from events.errors import Conflict, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from events.bus import Bus
    from flows.play import Played
    from flows.scenario import Scenario
    from infra.ledger import Ledger
    from infra.settings import Settings

UNEXPECTED_FIGURES, DIFFERENT = 3, 4
DEMO = Path("examples") / "k-ai-2026"


def run(options: argparse.Namespace, report: Report) -> Result:
    """Plays a scenario and checks what came of it against the figures that it expects."""
    began = time.perf_counter()
    settings = settings_of(options, report)
    played, scenario, settings = play(options, settings, report)
    data = result_data(scenario, played, settings)
    data["seconds"] = {name: round(spent, 2) for name, spent in played.seconds.items()} | {
        "total": round(time.perf_counter() - began, 2)
    }
    unmet = data["unexpected"]
    problem = (
        f"{len(unmet)} figures are not as {scenario.folder}/scenario.yaml expects them, first {unmet[0]}"
        if unmet
        else ""
    )
    from console.commands.showing import show_run

    def render(console: Console) -> None:
        show_run(console, scenario, data)

    return Result(data, render, UNEXPECTED_FIGURES if unmet else 0, problem, "phasegate log shows what was recorded")


def play(options: argparse.Namespace, settings: Settings, report: Report) -> tuple[Played, Scenario, Settings]:
    """Brings up what is needed, all at once, and plays. Prefect is slowest, so it is started first and awaited last."""
    from events.values import parse_instant
    from flows.play import Player
    from flows.prefect_server import PrefectServer
    from flows.scenario import read_scenario
    from flows.wiring import assemble
    from infra.settings import remember

    scenario = read_scenario(options.scenario)
    until_ms = parse_instant(options.until) if options.until else None
    with ExitStack() as stack:
        prefect = stack.enter_context(PrefectServer(settings.cache, report.say))
        settings = _settle(settings, scenario, options.database is not None)
        ledger = stack.enter_context(_ledger(settings))
        bus = stack.enter_context(_bus(options.bus, settings, scenario, ledger, report))
        office_key, log_key = _keys(settings)
        parts = assemble(bus, ledger, settings.origin, office_key, log_key, settings.office_vkeys)
        played = Player(scenario, parts, prefect, report.say, until_ms).play()
    remember(settings.home, database=settings.database, office_key=settings.office_key, log_key=settings.log_key)
    return played, scenario, settings


def _settle(settings: Settings, scenario: Scenario, is_given: bool) -> Settings:
    """A ledger of its own for the run, unless one was named."""
    from flows.play import scenario_home
    from infra.clock import now_ms
    from infra.settings import Settings, sources

    if is_given or sources(settings)["database"] == "environment":
        return settings
    home = scenario_home(settings.home, scenario.programme, now_ms())
    home.mkdir(parents=True, exist_ok=True)
    return Settings.load(home=settings.home, database=f"sqlite:///{home / 'ledger.sqlite'}")


@contextmanager
def _ledger(settings: Settings) -> Iterator[Ledger]:
    from infra.ledger import Ledger
    from infra.ledger.database import upgrade

    upgrade(settings.database)
    with Ledger.open(settings.database) as ledger:
        yield ledger


def _keys(settings: Settings) -> tuple[Any, Any]:
    """The office's key and the log's; made where they are not there yet."""
    from infra.keys import load_key, new_key

    for path in (settings.office_key, settings.log_key):
        if not path.exists():
            new_key(path.parent, path.stem)
    return load_key(settings.office_key), load_key(settings.log_key)


@contextmanager
def _bus(kind: str, settings: Settings, scenario: Scenario, ledger: Ledger, report: Report) -> Iterator[Bus]:
    """The bus of this run: topics of its own on Kafka, stamped by the scenario's time; or one in memory."""
    if ledger.head(scenario.programme) is not None:
        raise Refused(
            f"{settings.database} holds a log of {scenario.programme} already; a scenario is played once into a ledger",
            hint="name another database, or leave --database out",
        )
    stream = ledger.stream()
    prefix = stream.prefix if stream is not None else f"run-{scenario.programme}-{secrets.token_hex(4)}"
    partitions = stream.partitions if stream is not None else settings.partitions
    if kind == "memory":
        from infra.memory_bus import MemoryBus

        if stream is not None:
            raise Conflict(
                f"{settings.database} records the bus {prefix!r}; what was in memory is gone", hint="name another"
            )
        yield MemoryBus(f"memory-{prefix}", partitions, "scenario", lambda: 0)
        return
    from infra.kafka.broker import temporary_broker
    from infra.kafka.bus import KafkaBus
    from infra.kafka.security import security_of

    with ExitStack() as stack:
        bootstrap = settings.kafka
        if not bootstrap:
            bootstrap = stack.enter_context(temporary_broker(report.say)).bootstrap
        bus = KafkaBus(bootstrap, prefix, partitions, "scenario", security=security_of(settings))
        stack.callback(bus.close)
        bus.ensure_topics()
        report.say(f"Kafka at {bootstrap}, topics {prefix}.*, {partitions} partitions each")
        yield bus


def result_data(scenario: Scenario, played: Played, settings: Settings) -> dict[str, Any]:
    """What INTERFACE says `run --json` gives, and how it compares with what the scenario expects."""
    from flows.comparison import finalists, unmet
    from handlers.views import phases_view

    expected, lines = unmet(scenario.about, played.state)
    return {
        "programme": scenario.programme,
        "phases": phases_view(played.state),
        "finalists": finalists(played.state),
        "size": played.state.size,
        "transitions": played.transitions,
        "database": settings.database,
        "expected": expected,
        "unexpected": lines,
    }


def demo(options: argparse.Namespace, report: Report) -> Result:
    """The K-AI programme, played, and then every verdict and decision of it made again from the ledger."""
    from console.commands.replaying import replay_programme, show_replay
    from infra.settings import Settings

    options.scenario, options.until = options.scenario or DEMO, None
    played = run(options, report)
    report.say("replaying every verdict and decision from the ledger")
    began = time.perf_counter()
    settings = Settings.load(home=options.home, database=played.data["database"])
    replayed = replay_programme(settings, played.data["programme"])
    seconds = round(time.perf_counter() - began, 2)

    def render(console: Console) -> None:
        played.render(console)
        show_replay(console, replayed)
        show_next(console, played.data, settings)

    data = {**played.data, "replay": {**replayed, "seconds": seconds}}
    if played.exit_code:
        return Result(data, render, played.exit_code, played.problem, played.hint)
    differs = replayed["verdicts"]["different"] + replayed["decisions"]["different"]
    problem = f"{differs} of what was replayed came out differently" if differs else ""
    return Result(data, render, DIFFERENT if differs else 0, problem, "phasegate replay names the first difference")


def show_next(console: Console, data: Mapping[str, Any], settings: Settings) -> None:
    """Where to look next."""
    programme = data["programme"]
    console.print(f"Look on: phasegate log {programme}        every entry, with verdict and reason")
    console.print(f"         phasegate decisions {programme}  the decision, with every criterion")
    console.print(f"         phasegate replay {programme}     the replay alone")
    console.print(f"Ledger:  {settings.database}")
