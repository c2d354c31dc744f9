"""How a page is made: its language, its moment, its links, and the template that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from console.arguments import At
from console.web.access import Visitor, may_operate, visitor_of
from console.web.cookie import draw, keep, secret_of, token
from console.web.problems import Problem
from console.web.speech import LANGS, NAMES, Lang, named, preferred, say
from console.web.static_files import address
from events.values import format_instant, parse_instant

_TEMPLATES = Path(__file__).parent / "templates"
COOKIE = "lang"


@cache
def environment() -> jinja2.Environment:
    """The templates. Everything that is put into one is escaped, unless it is a Markup made by our own figures."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = address
    made.filters["zip"] = zip
    return made


@dataclass(frozen=True, slots=True)
class Page:
    """What every template finds: `page`. A page at a moment keeps it in its links, so that each can be cited."""

    request: Request
    lang: Lang
    at: At | None
    visitor: Visitor

    @property
    def at_text(self) -> str:
        """The moment as it stands in addresses; empty for now."""
        return "" if self.at is None else moment_text(self.at)

    @property
    def may_operate(self) -> bool:
        """Whether operations are for the visitor, in some programme."""
        return any(may_operate(self.visitor, programme) for programme in self.visitor.roles)

    @property
    def is_part(self) -> bool:
        """Whether htmx asks for a part of the page that is already there."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def roles(self) -> str:
        """What the visitor is here: in the programme of this page, or in any where it is about none."""
        programme = self.request.path_params.get("programme")
        visitor = self.visitor
        held = visitor.roles_in(programme) if programme else frozenset().union(*visitor.roles.values())
        return ", ".join(self.word("role", role) for role in sorted(held))

    @property
    def has_desk(self) -> bool:
        """Whether the visitor marks anywhere."""
        return any(role == "evaluator" for _, role in self.visitor.who)

    def t(self, key: str, /, **facts: object) -> str:
        return say(self.lang, key, **facts)

    def word(self, area: str, code: str) -> str:
        return named(self.lang, area, code)

    def link(self, *parts: object, **query: object) -> str:
        """An address below the root, at this page's moment unless the query says another (`at=""` for now)."""
        path = "/" + "/".join(quote(str(part), safe="") for part in parts)
        kept = {"at": self.at_text, "lang": self.request.query_params.get("lang", "")} | query
        wanted = {name: value for name, value in kept.items() if value not in ("", None)}
        return path + (f"?{urlencode(wanted)}" if wanted else "")

    def here(self, **query: object) -> str:
        """This page with other values in its query; an empty one leaves the name out."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name not in query]
        wanted = [(name, value) for name, value in (*kept, *query.items()) if value not in ("", None)]
        return self.request.url.path + (f"?{urlencode(wanted)}" if wanted else "")

    def instant(self, text: str | None) -> str:
        """An RFC 3339 instant as people read it, in UTC."""
        if not text:
            return ""
        return datetime.fromtimestamp(parse_instant(text) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment_text(at: At) -> str:
    return str(at.size) if at.size is not None else format_instant(at.time_ms or 0)


def page_of(request: Request) -> Page:
    """A dependency of every page. Raises Problem for a moment that is none."""
    return Page(request, _lang(request), moment_of(request, "at"), visitor_of(request))


def page_of_problem(request: Request) -> Page:
    """The page that says what is wrong, whatever that is: it looks nothing up, also not who asks, unless that is known."""
    return Page(request, _lang(request), None, getattr(request.state, "visitor", Visitor()))


def _lang(request: Request) -> Lang:
    wanted = request.query_params.get("lang") or request.cookies.get(COOKIE, "")
    return next((lang for lang in LANGS if lang == wanted), None) or preferred(
        request.headers.get("accept-language", "")
    )


def moment_of(request: Request, name: str) -> At | None:
    """The moment that a parameter names; None where it is not there. Raises Problem for what is no moment."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return At(size=int(text))
    try:
        return At(time_ms=parse_instant(text))
    except ValueError:
        raise Problem(
            "malformed-request",
            f"{name}={text[:60]!r} is neither a size of the log nor a UTC time such as 2026-01-14T09:00:00Z",
        ) from None


def rendered(page: Page, template: str, /, **facts: Any) -> str:
    """A template with what each of them finds; forms are not among that, since the text may be kept for others."""
    words = {"page": page, "t": page.t, "word": page.word, "link": page.link, "langs": NAMES}
    return environment().get_template(template).render(**words, **facts)


def shown(page: Page, template: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    """The page. A language that was chosen in the address is kept for the next one."""
    field = _FormField(page.request)
    answer = answered(page, rendered(page, template, csrf_field=field, **facts), status)
    if field.drawn is not None:
        keep(answer, page.request, field.drawn)
    return answer


def answered(page: Page, text: str, status: int = 200) -> HTMLResponse:
    """The answer with a text that is made."""
    answer = HTMLResponse(text, status, {"vary": "accept-language, cookie, hx-request"})
    if page.request.query_params.get("lang") == page.lang:
        answer.set_cookie(COOKIE, page.lang, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


class _FormField:
    """`csrf_field()` in a template: what proves that a form came from a page that was shown to this browser. One that has no
    cookie yet is given one with the page.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.drawn: str | None = None

    def __call__(self) -> Markup:
        secret = secret_of(self._request) or self.drawn
        if secret is None:
            secret = self.drawn = draw()
        return Markup('<input type="hidden" name="csrf" value="{}">').format(token(secret))
