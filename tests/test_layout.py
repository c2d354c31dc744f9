"""The layout is the import graph: whose names these are, what imports bring in, and what the lock promises.

The contracts between packages are checked by import-linter (pyproject.toml); here is what it cannot see: what an import
really brings in, and what is really installed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("events", "handlers", "infra", "flows", "console")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

MACHINERY = {"prefect", "kafka", "sqlalchemy", "alembic", "psycopg", "fastapi", "structlog"}
PINNED = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w, -]+])?==(?P<version>[\w.!+]+)(?: ; (?P<marker>[^\\]+?))?(?= \\|$)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def modules(*packages: str) -> list[str]:
    """Every module, without migrations: alembic runs those, they are not imported."""
    paths = sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))
    dotted = (
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths if "migrations" not in path.parts
    )
    return [name.removesuffix(".__init__") for name in dotted if not name.endswith("__main__")]


def brought_in_by(*names: str) -> set[str]:
    """The top-level modules that importing these in a fresh interpreter loads."""
    script = f"import {', '.join(('sys', *names))}; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def requirements(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def locked() -> list[str]:
    """One string for every locked distribution: its pin and its hashes, without comments."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return [block for block in re.split(r"\n(?=\S)", text.strip()) if block]


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_owns_our_name(package: str) -> None:
    """PyPI's `Events` has a top-level `events` too; installed beside us it would win without a word."""
    owners = set(importlib.metadata.packages_distributions().get(package, []))
    assert owners <= {"phasegate"}, f"{package} belongs to {owners - {'phasegate'}} as well; uninstall that"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_imported_from_this_checkout(package: str) -> None:
    assert Path(str(importlib.import_module(package).__file__)).parent == ROOT / package


def test_every_folder_with_code_is_a_package() -> None:
    """Without `__init__.py` a folder is missing from the installation, and import-linter does not see it."""
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    code = {folder for folder in folders if "migrations" not in folder.parts}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(code) if not (folder / "__init__.py").exists()] == []


def test_the_package_list_is_the_layout() -> None:
    assert PROJECT["tool"]["setuptools"]["packages"]["find"]["include"] == [f"{package}*" for package in PACKAGES]
    assert PROJECT["tool"]["importlinter"]["root_packages"] == list(PACKAGES)


def test_phasegate_is_an_application() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


# --- imports ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", modules(*PACKAGES))
def test_a_module_imports(module: str) -> None:
    importlib.import_module(module)


def test_facts_and_decisions_bring_in_no_machinery() -> None:
    assert brought_in_by(*modules("events", "handlers")) & MACHINERY == set()


def test_infra_brings_in_no_prefect() -> None:
    assert brought_in_by(*modules("infra")) & {"prefect", "handlers", "flows", "console"} == set()


def test_the_command_line_starts_without_prefect_and_kafka() -> None:
    """`--help` answers at once, and a bundle can be verified where neither is installed."""
    assert brought_in_by("console.main") & {"prefect", "kafka", "sqlalchemy", "fastapi"} == set()


# --- the lock ---------------------------------------------------------------------------------------------------------


def test_the_lock_names_every_distribution_by_version_and_hash() -> None:
    assert len(locked()) > len(requirements("requirements-dev.in"))
    assert [block.splitlines()[0] for block in locked() if not (PINNED.match(block) and HASH.search(block))] == []


def test_the_lock_has_nothing_but_pins_and_hashes() -> None:
    """So no host, no option and no path of one machine can stand in it."""
    rest = (HASH.sub("", PINNED.sub("", block, count=1)).replace("\\", "").strip() for block in locked())
    assert [text for text in rest if text] == []


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_the_lock_satisfies(name: str) -> None:
    pins = {canonicalize_name(pin["name"]): pin["version"] for block in locked() if (pin := PINNED.match(block))}
    wanted = {canonicalize_name(requirement.name): requirement for requirement in requirements(name)}
    broken = [
        f"{wanted[key]}, but the lock has {pins.get(key, 'nothing')}; run `make lock`"
        for key in wanted
        if key not in pins or not wanted[key].specifier.contains(pins[key], prereleases=True)
    ]
    assert broken == []


def test_what_is_installed_is_what_is_locked() -> None:
    """A test against other versions would prove nothing about the ones that users get."""
    differing = {}
    for block in locked():
        pin = PINNED.match(block)
        assert pin is not None
        if pin["marker"] and not Marker(pin["marker"]).evaluate():
            continue
        differing[pin["name"]] = (_installed(pin["name"]), pin["version"])
    wrong = {name: found for name, found in differing.items() if found[0] != found[1]}
    assert wrong == {}, f"(installed, locked) differ: {wrong}; run `make venv`"


def _installed(name: str) -> str | None:
    found = list(importlib.metadata.distributions(name=name))
    return found[0].version if found else None
