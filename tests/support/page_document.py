"""The pages as an OpenAPI document, which the console does not publish: for those who ask of every page the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from console.web.pages import ROUTERS

STREAMS = frozenset({"/programmes/{programme}/live"})
"""Answers that do not end."""


def page_routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def page_document(known: Mapping[str, Sequence[str]], asked: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Every GET page. `known` are values of the parts of paths, `asked` those of what a query may have: of each some that there
    are, and any text beside them.
    """
    app = FastAPI(title="pages", version="1")
    for route in page_routes():
        if route.methods == {"GET"} and route.path not in STREAMS:
            app.add_api_route(route.path, route.endpoint, methods=["GET"])
    document = app.openapi()
    for operations in document["paths"].values():
        operation = operations["get"]
        inside = [
            _parameter(one["name"], "path", known) for one in operation.get("parameters", ()) if one["in"] == "path"
        ]
        operation["parameters"] = [*inside, *(_parameter(name, "query", asked) for name in asked)]
        operation["responses"] = {"default": {"description": "a page"}}
    return {**document, "components": {}}


def _parameter(name: str, place: str, known: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    some = [{"enum": list(known[name])}] if known.get(name) else []
    anything = {"type": "string", "maxLength": 40, "minLength": 1 if place == "path" else 0}
    return {"name": name, "in": place, "required": place == "path", "schema": {"anyOf": [*some, anything]}}
