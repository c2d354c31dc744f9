"""Operations: how the parts are, what needs attention, what waits, what was refused, how flows ran, and what comes in.

For the whole deployment, as far as the visitor may see it, and for one programme.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from console.figures.rate import rate_drawn
from console.refusal_told import told_of
from console.telling.sentences import Words
from console.web.access import may_operate, require_operating
from console.web.frame import frame_of
from console.web.operations import IS_PROBLEM, Deployment
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.site import Site, site_of
from events.values import format_instant
from flows.operating.logs import log_at
from flows.operating.rate import ALL, SPANS, Rate, rate_of
from flows.refused import refused_record

router = APIRouter(include_in_schema=False)

Shown = Annotated[Page, Depends(page_of)]
GROUPS_SHOWN = 100
ROWS_SHOWN = 60


@router.get("/operations")
def operations(request: Request, page: Shown) -> HTMLResponse:
    """The whole deployment, with the logs in which the visitor may operate; with `HX-Request` the part that changes."""
    visitor = require_operating(request)
    found = site_of(request).operations.look().of(lambda name: may_operate(visitor, name))
    return _shown(page, found, "operations")


@router.get("/programmes/{programme}/operations")
def of_programme(request: Request, programme: str, page: Shown) -> HTMLResponse:
    """The same for one programme; at an earlier moment without what is of now alone."""
    require_operating(request, programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "operations")
    found = _at(site, page, programme) if page.at else site.operations.look().of(programme.__eq__)
    return _shown(page, found, "programme-operations", frame=frame)


def _at(site: Site, page: Page, programme: str) -> Deployment:
    with site.turns.of(programme):
        return Deployment.then(log_at(site.reading, programme, page.at, site.now()))


def _shown(page: Page, found: Deployment, template: str, **facts: Any) -> HTMLResponse:
    facts |= {
        "found": found,
        "said": found.said(),
        "is_problem": IS_PROBLEM,
        "refused": _refused(found),
        "rate": _rate(page, found),
        "spans": (*SPANS, ALL),
        "still": page.request.query_params.get("still") == "1",
        "most": ROWS_SHOWN,
        "why": _why(page),
    }
    return shown(page, "operations-part.html" if page.is_part else f"{template}.html", **facts)


def _why(page: Page) -> Callable[[str], str]:
    """The rule behind a reason, in the page's language."""
    words = Words(page.lang)
    return lambda reason: words.say(f"refused.{reason}")


def _refused(found: Deployment) -> list[dict[str, Any]]:
    """The largest groups of all logs together."""
    logs = () if found.logs.value is None else found.logs.value.logs
    rows = [group | {"programme": log.programme} for log in logs for group in log.refusals.groups]
    return sorted(rows, key=lambda row: -row["count"])[:GROUPS_SHOWN]


def _rate(page: Page, found: Deployment) -> dict[str, Any] | None:
    """Records over time, drawn; None while the logs are not known."""
    if found.logs.value is None:
        return None
    span, rate = _span(page, found), _rate_of(found, _span(page, found))
    ends = (page.instant(format_instant(rate.begins_ms))[:16], page.instant(format_instant(rate.ends_ms))[:16])
    title = page.t("operations.rate-title", width=_width(page, rate.width))
    said = page.t("operations.rate-said", count=sum(rate.records), begin=ends[0], end=ends[1])
    rows = [(format_instant(at_ms), count) for at_ms, count in reversed(rate.rows())]
    picture = Markup(rate_drawn(title, said, rate.records, ends))  # noqa: S704 - it escapes whatever it is given
    return {"span": span, "title": title, "said": said, "rows": rows, "picture": picture}


def _width(page: Page, minutes: int) -> str:
    if minutes % 1440 == 0:
        return page.t("operations.days", count=minutes // 1440)
    return (
        page.t("operations.hours", count=minutes // 60)
        if minutes % 60 == 0
        else page.t("operations.minutes", count=minutes)
    )


def _span(page: Page, found: Deployment) -> str:
    asked = page.request.query_params.get("span", "")
    if asked and asked not in (*SPANS, ALL):
        raise Problem("malformed-request", f"span={asked[:60]!r} is none of: {', '.join((*SPANS, ALL))}")
    is_live = found.logs.value is not None and found.logs.value.clock == "broker"
    return asked or (next(iter(SPANS)) if is_live else ALL)


def _rate_of(found: Deployment, span: str) -> Rate:
    minutes = Counter[int]()
    logs = found.logs.value
    for log in () if logs is None else logs.logs:
        minutes.update(log.minutes)
    return rate_of(minutes, span, 0 if logs is None else logs.at_ms)


@router.get("/operations/rate.json")
def rate(request: Request, page: Shown) -> Mapping[str, Any]:
    """The numbers of the picture: a script draws them so that they can be looked at closely."""
    visitor = require_operating(request)
    return _numbers(page, site_of(request).operations.look().of(lambda name: may_operate(visitor, name)))


@router.get("/programmes/{programme}/rate.json")
def rate_of_programme(request: Request, programme: str, page: Shown) -> Mapping[str, Any]:
    """The same of one programme."""
    require_operating(request, programme)
    site = site_of(request)
    frame_of(site, page, programme, "operations")
    return _numbers(page, _at(site, page, programme) if page.at else site.operations.look().of(programme.__eq__))


def _numbers(page: Page, found: Deployment) -> Mapping[str, Any]:
    rate = _rate_of(found, _span(page, found))
    step = rate.width * 60
    times = [rate.begins_ms // 1000 + place * step for place in range(len(rate.records))]
    return {"minutes": rate.width, "times": times, "records": rate.records}


@router.get("/programmes/{programme}/operations/refused/{index}")
def refused(request: Request, programme: str, index: int, page: Shown) -> HTMLResponse:
    """One refused record as it came, against what was expected of it: what `phasegate refused` shows."""
    require_operating(request, programme)
    site = site_of(request)
    frame = frame_of(site, page, programme, "operations")
    row = refused_record(site.reading, programme, index, frame.size)
    with site.turns.of(programme):
        state = site.reading.state(programme, page.at)
        told = told_of(site.reading, programme, row, state)
    held = told["record"]
    record = "" if held is None else held["value"] or ""
    if held is not None and held["event"] is not None:
        record = json.dumps(held["event"], ensure_ascii=False, indent=2)
    return shown(page, "refused.html", frame=frame, told=told, record=record, why=_why(page))
