"""Manifests: is a document CycloneDX 1.6 JSON? By the official schema, whose bytes are part of this code.

Formats (dates, addresses) are annotations there and are not asserted: what asserts them differs between installations.
The schema is read and its validator is loaded with the first manifest, since that takes longer than a command may.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

SPEC = "1.6"
FOLDER = f"vendor/cyclonedx-{SPEC}"
SCHEMAS = (f"bom-{SPEC}.schema.json", "spdx.schema.json", "jsf-0.82.schema.json")
"""The schema of a manifest first, then those that it refers to."""

_SHOWN = 200


def manifest_fault(manifest: dict[str, Any]) -> str | None:
    """Where the document first departs from CycloneDX 1.6, and how; None for a valid one. The words are ours, so that a
    newer validator cannot change them.
    """
    if manifest.get("specVersion", SPEC) != SPEC:
        return f"specVersion: {_shown(manifest['specVersion'])} is not {SPEC!r}; write the manifest as CycloneDX {SPEC}"
    error = next(_validator().iter_errors(manifest), None)
    return None if error is None else _told(_nearest(error))


@cache
def _validator() -> Validator:
    from jsonschema import Draft7Validator
    from jsonschema.validators import extend
    from referencing import Registry, Resource

    folder = files("handlers").joinpath(FOLDER)
    schemas = [json.loads(folder.joinpath(name).read_text(encoding="utf-8")) for name in SCHEMAS]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    kind: type[Validator] = extend(Draft7Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]
    return kind(schemas[0], registry=registry)


def _unique(_: Validator, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    """`uniqueItems` in one pass: the library compares each with each, which a long list of a stranger could exploit."""
    from jsonschema import ValidationError

    if wanted and isinstance(instance, list):
        texts = [json.dumps(item, sort_keys=True) for item in instance]
        if len(set(texts)) < len(texts):
            yield ValidationError("an item stands twice")


def _nearest(error: ValidationError) -> ValidationError:
    """Of an error about alternatives, the error of the alternative that was followed deepest; the first of such."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


def _told(error: ValidationError) -> str:
    where = ".".join(str(step) for step in error.absolute_path) or "the manifest"
    return f"{where}: {_reason(error)}"


def _reason(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    found: Any = error.instance
    match error.validator:
        case "required":
            absent = [name for name in _listed(wanted) if name not in found]
            return f"{', '.join(absent)} is missing; add it"
        case "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            strange = ", ".join(name for name in found if name not in known)
            return f"CycloneDX {SPEC} has no {strange[:_SHOWN]} there; remove it"
        case "type":
            return f"{_shown(found)} is no {' or '.join(_listed(wanted))}"
        case "enum" | "const":
            choices = ", ".join(str(choice) for choice in _listed(wanted))
            return f"{_shown(found)} is not one of {choices[:_SHOWN]}"
        case "uniqueItems":
            return "an item stands twice"
        case keyword:
            return f"{_shown(found)} breaks {keyword} {_shown(wanted)}"


def _listed(wanted: Any) -> Iterable[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:_SHOWN]
