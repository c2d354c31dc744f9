"""Signing in with a local account, signing out, and what an account may."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from console.web.access import RIGHTS, Visitor, note, visitor_of
from console.web.forms import Form
from console.web.page import Page, page_of, shown
from console.web.problems import Problem
from console.web.signing import begun, ended
from console.web.site import site_of
from infra.access import Account
from infra.access.passwords import is_password

_HERE = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
NEXT_MAX = 2000

router = APIRouter(include_in_schema=False)
Shown = Annotated[Page, Depends(page_of)]


@router.get("/sign-in")
def sign_in(page: Shown, next: str = "") -> Response:  # noqa: A002 - the name in the address
    """The form; whoever is signed in already is told so there."""
    return form_shown(page, place(next))


def place(wanted: str) -> str:
    """Where to go on: a page of this console, and nothing elsewhere."""
    return wanted if len(wanted) <= NEXT_MAX and _HERE.fullmatch(wanted) else "/"


@router.post("/sign-in")
def enter(request: Request, page: Shown, form: Form) -> Response:
    """The same answer for an account that is none and for a password that is wrong."""
    site = site_of(request)
    name, password, onward = (str(form.get(field, "")) for field in ("account", "password", "next"))
    name, address = name.strip().lower()[:100], _address(request)
    note(request, name, "sign-in")
    waits = site.access.backing_off.begin(name, address, site.now())
    if waits:
        seconds = -(-waits // 1000)
        answer = form_shown(page, place(onward), 429, name=name, wrong="signing.wait", seconds=seconds)
        answer.headers["retry-after"] = str(seconds)
        return answer
    if not _is_good(site.access.accounts.find(name), password):
        return form_shown(page, place(onward), 401, name=name, wrong="signing.wrong")
    site.access.backing_off.forgive(name, address)
    return begun(request, name, "local", None, place(onward))


def _is_good(account: Account | None, password: str) -> bool:
    is_right = is_password(password, None if account is None else account.password_hash)
    return is_right and account is not None and account.ended_ms is None


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def form_shown(page: Page, onward: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    told = {
        "onward": onward,
        "name": "",
        "wrong": "",
        "seconds": 0,
        "detail": "",
        "provider": site_of(page.request).provider.name,
        **facts,
    }
    return shown(page, "sign-in.html", status, **told)


@router.post("/sign-out")
def sign_out(request: Request, form: Form) -> RedirectResponse:
    """Here, or with `everywhere` wherever this account is signed in."""
    note(request, visitor_of(request).name, "sign-out")
    return ended(request, everywhere="everywhere" in form)


@router.get("/account")
def account(page: Shown) -> HTMLResponse:
    """Who is signed in here, and what that may."""
    if page.visitor.name is None:
        raise Problem("sign-in-needed", "nobody is signed in here")
    return shown(page, "account.html", rows=_rows(page.visitor))


def _rows(visitor: Visitor) -> list[dict[str, Any]]:
    return [
        {
            "programme": programme,
            "role": role,
            "who": visitor.who.get((programme, role), ""),
            "rights": sorted(RIGHTS[role]),
        }
        for programme, roles in sorted(visitor.roles.items())
        for role in sorted(roles)
    ]
