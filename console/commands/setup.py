"""Setting up a machine: `config`, `version`."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import TYPE_CHECKING

from console.options import settings_of
from console.output import Report, Result
from infra.settings import Settings, sources, variable

if TYPE_CHECKING:
    from rich.console import Console

PARTS = ("prefect", "kafka-python", "pydantic", "sqlalchemy", "alembic", "psycopg", "cryptography", "orjson", "rfc8785")


def config(options: argparse.Namespace, report: Report) -> Result:
    """Each setting, its value, and where that came from. Passwords in the database's URL are not shown."""
    settings = settings_of(options, report)
    origins = sources(settings)
    values = {name: shown(settings, name) for name in Settings.model_fields}
    rows = {name: {"value": values[name], "source": origins[name], "variable": variable(name)} for name in values}

    def render(console: Console) -> None:
        from console.tables import table

        lines = [(name, _as_line(values[name]), origins[name], variable(name)) for name in values]
        console.print(table(("setting", "value", "from", "variable"), lines))

    return Result({"settings": rows}, render)


def shown(settings: Settings, name: str) -> str | int | list[str] | None:
    """A setting as it may be shown to anybody who sees the screen."""
    value = getattr(settings, name)
    if name == "database":
        return without_password(value)
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, int) else str(value)


def _as_line(value: str | int | list[str] | None) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def without_password(url: str) -> str:
    """A database URL with `***` for its password, also where it stands in the query."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "(not a database URL)"
    secret = {key: "***" for key in parsed.query if "password" in key.lower()}
    return parsed.update_query_dict(secret).render_as_string(hide_password=True)


def version(options: argparse.Namespace, report: Report) -> Result:
    """The versions of phasegate, Python and the packages that a decision passes through."""
    del options, report
    found = {"phasegate": _version("phasegate"), "python": platform.python_version()}
    found |= {name: _version(name) for name in PARTS}

    def render(console: Console) -> None:
        for name, text in found.items():
            console.print(f"{name} {text or 'is not installed'}")

    return Result({"versions": found}, render)


def _version(name: str) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:
        return None
