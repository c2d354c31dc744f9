"""Everything local, as services: what `up` starts, in which order, and with which addresses."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from console.commands.kafka import broker_home
from infra.kafka.process import HOST, free_ports, is_free
from infra.services.plan import MALLOC, Plan, Planned
from infra.settings import Settings, variable

PREFECT_PORT, CONSOLE_PORT, RECORDER_PORT = 4200, 8000, 9465
NEEDS_PREFECT = "serve"


def services_folder(settings: Settings) -> Path:
    """Where the keeper's plan and state and the services' logs are."""
    return settings.home.absolute() / "services"


def prefect_home(settings: Settings) -> Path:
    return settings.home.absolute() / "prefect"


def plan(settings: Settings) -> Plan:
    """The services of this deployment, with the addresses that they are given now."""
    environment = _environment(settings)
    prefect = _prefect(settings, environment)
    if prefect is not None:
        environment["PREFECT_API_URL"] = f"{prefect.address}/api"
        environment["PREFECT_HOME"] = str(prefect_home(settings))
    rows = [
        prefect,
        _record(environment),
        _ours(NEEDS_PREFECT, environment, after=("record",) if prefect is None else ("prefect", "record")),
        _metrics(settings, environment),
        _console(environment),
    ]
    broker = None if settings.kafka else str(broker_home(settings).absolute())
    return Plan(tuple(row for row in rows if row is not None), broker)


def _environment(settings: Settings) -> dict[str, str]:
    """That of this process. What options said is handed down with it."""
    own = {variable("home"): str(settings.home.absolute()), variable("database"): settings.database}
    return {**MALLOC, **os.environ, **own, "PYTHONUNBUFFERED": "1"}


def _ours(
    name: str, environment: dict[str, str], *more: str, address: str = "", after: tuple[str, ...] = ()
) -> Planned:
    return Planned(name, [sys.executable, "-m", "console", name, *more], environment, address, after=after)


def _prefect(settings: Settings, inherited: dict[str, str]) -> Planned | None:
    """A server of our own, unless PREFECT_API_URL names another."""
    if inherited.get("PREFECT_API_URL"):
        return None
    from flows.prefect_server import command, environment

    port = _port(PREFECT_PORT)
    address = f"http://{HOST}:{port}"
    own = environment(prefect_home(settings)) | {"PREFECT_UI_API_URL": f"{address}/api", "PYTHONUNBUFFERED": "1"}
    return Planned("prefect", command(port), own, address, probe=f"{address}/api/health")


def _record(environment: dict[str, str]) -> Planned:
    """With what it alone can measure at an address of its own."""
    listen = f"{HOST}:{_port(RECORDER_PORT)}"
    return _ours("record", environment, "--metrics", listen, address=f"http://{listen}/metrics")


def _metrics(settings: Settings, environment: dict[str, str]) -> Planned:
    """Where the settings say: monitors have been told that address."""
    return _ours("metrics", environment, address=f"http://{settings.metrics}/metrics")


def _console(environment: dict[str, str]) -> Planned:
    listen = f"{HOST}:{_port(CONSOLE_PORT)}"
    return _ours("console", environment, "--listen", listen, address=f"http://{listen}")


def _port(wanted: int) -> int:
    """The usual port, or another where that one is taken."""
    return wanted if is_free(wanted) else free_ports(1)[0]
