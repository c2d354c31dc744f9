"""Manifests in CycloneDX 1.6: models with what they say of their weights, and their ancestors."""

from __future__ import annotations

from typing import Any

APACHE: dict[str, Any] = {"license": {"id": "Apache-2.0"}}
REFERENCE = {"type": "documentation", "url": "urn:example:reference"}


def said(init: str | None = "random", trained: str | None = "full", seed: str | None = "7") -> list[dict[str, str]]:
    """The properties of a model that its team made; None leaves one out."""
    values = {"weights.init": init, "weights.trained": trained, "weights.seed": seed}
    return [{"name": f"independence:{name}", "value": value} for name, value in values.items() if value is not None]


def model(init: str | None = "random", trained: str | None = "full", /, **more: Any) -> dict[str, Any]:
    """A model of the team's own, unless told otherwise. A member that is given as None is left out."""
    own = {"type": "machine-learning-model", "name": "m", "properties": said(init, trained), "pedigree": descent()}
    return {name: value for name, value in (own | more).items() if value is not None}


def descent(*ancestors: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"ancestors": [*ancestors], **more}


def ancestor(*licences: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Another's model with its licences and a reference."""
    told = {"licenses": [*licences], "externalReferences": [REFERENCE]}
    return {"type": "machine-learning-model", "name": "a", **told, **more}


def bom(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [*components], **more}
