"""compose.yaml and the Dockerfile: their form, and that they agree with what they start. No engine is needed for either."""

from __future__ import annotations

import importlib.metadata
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from dockerfile_parse import DockerfileParser
from jsonschema.validators import validator_for

from console.table_of_commands import COMMANDS
from infra.kafka.jars import LOCK, locked
from infra.settings import Settings, variable

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "phasegate"]
SCHEMA = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"


def steps() -> list[dict[str, Any]]:
    found = DockerfileParser(str(ROOT / "Dockerfile")).structure
    return [dict(step) for step in found if step["instruction"] != "COMMENT"]


def validate(document: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator_for(schema)(schema).validate(document)


def test_compose_has_the_form_of_the_compose_specification() -> None:
    validate(COMPOSE)


def test_a_key_that_the_specification_does_not_know_is_found() -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(COMPOSE | {"services": SERVICES | {"record": SERVICES["record"] | {"comand": ["record"]}}})


def test_every_service_of_ours_runs_a_command_that_exists() -> None:
    commands = {name: SERVICES[name]["command"][0].split() for name in OURS}
    called = [match for name in OURS for match in re.findall(r"phasegate ([a-z]+)", " ".join(commands[name]))]
    assert set(called) <= COMMANDS.keys()
    assert all(words[0] in COMMANDS for name, words in commands.items() if name != "prepare")


def test_every_setting_that_is_named_is_one() -> None:
    known = {variable(name) for name in Settings.model_fields}
    named = {key for name in OURS for key in SERVICES[name]["environment"] if key.startswith("PHASEGATE_")}
    assert named <= known
    assert Settings.model_validate({"kafka": SERVICES["record"]["environment"]["PHASEGATE_KAFKA"]}).kafka


def test_images_are_pinned_to_the_versions_that_are_tested() -> None:
    kafka = next(jar.version for jar in locked(LOCK.read_text(encoding="utf-8")) if jar.artifact == "kafka-clients")
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka}"
    assert SERVICES["prefect"]["image"].startswith(f"prefecthq/prefect:{importlib.metadata.version('prefect')}-")
    assert all(re.search(r":\d", service["image"]) for name, service in SERVICES.items() if name not in OURS)


def test_nobody_waits_for_a_service_that_cannot_say_that_it_is_ready() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] == "service_completed_successfully" or "healthcheck" in SERVICES[name]


def test_volumes_are_declared_and_no_port_is_open_to_the_network() -> None:
    used = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])
    assert all(port.startswith("127.0.0.1:") for service in SERVICES.values() for port in service.get("ports", []))


def test_the_container_file_copies_what_is_there_and_every_package() -> None:
    copied = [step["value"].split()[:-1] for step in steps() if step["instruction"] == "COPY"]
    sources = [name for names in copied for name in names if not name.startswith("--") and not name.startswith("/")]
    assert [name for name in sources if not (ROOT / name).exists()] == []
    assert {"events", "handlers", "infra", "flows", "console"} <= set(sources)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) == allowed


def test_the_image_runs_phasegate_as_somebody_who_is_not_root_from_a_pinned_base() -> None:
    found = [(step["instruction"], step["value"]) for step in steps()]
    assert ("USER", "phasegate") in found
    assert ("ENTRYPOINT", '["phasegate"]') in found
    assert all(re.match(r"python:3\.\d+-slim-\w+", value) for name, value in found if name == "FROM")
    assert "--verify-hashes" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
