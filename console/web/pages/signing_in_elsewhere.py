"""Signing in at a provider of identities: sent there with a state, a nonce and a PKCE challenge, and back with a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.web import cookie
from console.web.access import note
from console.web.forms import Form
from console.web.page import Page, page_of, shown
from console.web.pages.signing_in import form_shown, place
from console.web.problems import Problem
from console.web.signing import begun
from console.web.site import site_of
from events.errors import Refused
from infra.access.claimed_roles import given_by, read_rules
from infra.access.provider import CALLBACK

CODE_MAX = 4096

router = APIRouter(include_in_schema=False)
Shown = Annotated[Page, Depends(page_of)]


@router.post("/sign-in/oidc")
def leave(request: Request, page: Shown, form: Form) -> Response:
    """A page that leads to the provider: a form may lead nowhere else by itself."""
    site, secret = site_of(request), cookie.secret_of(request)
    if not site.provider.name or secret is None:
        raise Problem("not-found", "this console knows no provider of identities")
    found = site.access.sign_ins.begin(secret, place(str(form.get("next", ""))), site.now())
    return shown(page, "sign-in-elsewhere.html", address=site.provider.address(found), provider=site.provider.name)


@router.get(CALLBACK)
def come_back(request: Request, page: Shown, state: str = "", code: str = "", error: str = "") -> Response:
    """Signed in, if the provider says so to this browser, for this sign-in, now."""
    site, secret = site_of(request), cookie.secret_of(request)
    asked = note(request, None, "sign-in")
    found = None if secret is None else site.access.sign_ins.take(state[:200], secret, site.now())
    if found is None:
        return form_shown(page, "/", 401, wrong="signing.came-back-wrong")
    if error or not 0 < len(code) <= CODE_MAX:
        return form_shown(page, found.onward, 401, wrong="signing.not-there", detail=error[:200])
    try:
        claims = site.provider.claims(found, code, site.now())
        asked.visitor = account = _account(claims, site.settings.oidc_claim)
    except Refused as refused:
        return form_shown(page, found.onward, 401, wrong="signing.not-accepted", detail=refused.message)
    given = tuple(given_by(read_rules(site.settings.oidc_roles), claims))
    return begun(request, account, "oidc", given, found.onward)


def _account(claims: Mapping[str, Any], claim: str) -> str:
    name = claims.get(claim)
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise Refused(f"the provider does not say {claim!r} of who signed in")
    return f"oidc:{name}"
