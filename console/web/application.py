"""The application: what is routed where, and how errors are told. Built from settings alone; opened when it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from console.web import health, intake, pages, receipts, static_files
from console.web.accesses import Accesses
from console.web.answers import ProblemTold
from console.web.counting import Counts
from console.web.page import page_of_problem, shown
from console.web.problems import Problem, problem_of, response
from console.web.shell import Shell
from console.web.site import opened, site_of
from events.errors import PhasegateError, Tampered
from infra.settings import Settings

log = structlog.get_logger("phasegate.web")

TITLE = "phasegate"
VERSION = "1"


def create_app(settings: Settings, counts: Counts | None = None) -> FastAPI:
    """The application over the parts that the settings name. They are opened at its start, and closed at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with opened(settings, counts or Counts()) as site:
            app.state.site = site
            yield

    # Pages that explain the document would load scripts from elsewhere; the document is enough.
    app = FastAPI(
        title=TITLE, version=VERSION, lifespan=lifespan, openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None
    )
    for router in (health.router, intake.router, receipts.router, static_files.router, *pages.ROUTERS):
        app.include_router(router)
    app.add_exception_handler(Problem, _told)
    app.add_exception_handler(PhasegateError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_middleware(Accesses)
    app.add_middleware(Shell, quiet=health.PATHS)
    if settings.console_proxies:  # Outermost: everything within sees who really asks, and by which scheme.
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.console_proxies))
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


async def _told(request: Request, error: Exception) -> Response:
    """The answer; who was refused what goes to the log, and is counted."""
    problem = _problem(error)
    code, state = problem.kind.code, request.state
    site_of(request).counts.refused.labels(code).inc()
    log.info(
        "refused",
        request=state.request_id,
        api_key=getattr(state, "api_key", None),
        problem=code,
        reason=problem.more.get("reason"),
        why=problem.detail[:300],
    )
    if _wants_a_page(request):
        answer = _page(request, problem)
        answer.headers.update(problem.headers)
        return answer
    return response(problem, state.request_id)


def _page(request: Request, problem: Problem) -> Response:
    """What went wrong, and the way on, for people."""
    page, code = page_of_problem(request), problem.kind.code
    named = page.word("problem", code)
    return shown(
        page,
        "problem.html",
        problem.kind.status,
        title=problem.kind.title if named == code else named,
        named=named != code,
        code=code,
        detail=problem.detail,
        is_sent=request.method != "GET",
        request_id=request.state.request_id,
    )


def _wants_a_page(request: Request) -> bool:
    """Whether a browser asks, and not for what programs use."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case Tampered():
            raise error  # The shell tells it as unexpected, and keeps its trace.
        case PhasegateError():
            return problem_of(error)
        case RequestValidationError():
            where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            return Problem("unprocessable-request", where[:500])
        case HTTPException(status_code=404):
            return Problem("not-found", "there is no such resource")
        case HTTPException(status_code=405):
            return Problem("method-not-allowed", "this resource does not have this method", error.headers or {})
        case HTTPException():
            return Problem("malformed-request", str(error.detail))
        case _:
            raise error


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=TITLE, version=VERSION, description=ABOUT, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas[ProblemTold.__name__] = ProblemTold.model_json_schema()
        app.openapi_schema = document
    return app.openapi_schema


ABOUT = (
    "CloudEvents over HTTP for producers without Kafka (structured, batched and binary mode), and receipts that lead to an "
    "entry, a verdict and a proof. docs/intake.md tells it with examples."
)
