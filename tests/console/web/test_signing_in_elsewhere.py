"""Signing in at a provider of identities: good, and each way in which it is not."""

from __future__ import annotations

import html
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from console.web.speech import say
from infra.access.provider import CALLBACK
from tests.console.web.test_pages import visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.oidc import CLIENT, CODE, Idp, identity_provider
from tests.support.website import not_signed_in

BOARD = f"/programmes/{PROGRAMME}"
RULES = f"""
- {{claim: groups, value: staff, role: viewer, programme: {PROGRAMME}}}
- {{claim: groups, value: teams, role: entrant, programme: {PROGRAMME}, who: team}}
"""


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def started(idp: Idp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home: Path = tmp_path_factory.mktemp("elsewhere")
    shutil.copy(played(), home / "ledger.sqlite")
    (home / "roles.yaml").write_text(RULES)
    settings: dict[str, Any] = {"oidc_issuer": idp.url, "oidc_claim": "email", "oidc_roles": home / "roles.yaml"}
    with visiting(home, console_reading="signed-in", console_url="http://127.0.0.1:1", **settings) as client:
        yield client


@pytest.fixture
def browser(started: httpx.Client, idp: Idp) -> httpx.Client:
    started.cookies.clear()
    idp.claims, idp.other = {"email": "kim@office.example", "groups": ["staff"]}, None
    return started


def sent_away(browser: httpx.Client, idp: Idp) -> str:
    """The state with which the provider sends the browser back."""
    field = not_signed_in(browser)
    page = browser.post("/sign-in/oidc", data={**field, "next": BOARD})
    assert page.status_code == 200, page.text
    (address,) = re.findall(r'class="button" href="([^"]+)"', page.text)
    return idp.authorize(html.unescape(address))


def come_back(browser: httpx.Client, state: str, **more: str) -> httpx.Response:
    return browser.get(CALLBACK, params={"state": state, "code": CODE, **more})


def test_who_signs_in_there_has_the_roles_that_its_claims_give(browser: httpx.Client, idp: Idp) -> None:
    state = sent_away(browser, idp)
    assert (idp.asked["response_type"], idp.asked["code_challenge_method"]) == ("code", "S256")
    answer = come_back(browser, state)
    assert (answer.status_code, answer.headers["location"]) == (303, BOARD)
    assert browser.get(BOARD).status_code == 200
    assert browser.get(f"{BOARD}/lab/replay").status_code == 403
    assert "oidc:kim@office.example" in browser.get("/account").text


def test_a_claim_says_which_entrant_somebody_is(browser: httpx.Client, idp: Idp) -> None:
    idp.claims |= {"groups": ["teams"], "team": "nc-ai"}
    assert come_back(browser, sent_away(browser, idp)).status_code == 303
    assert browser.get(f"{BOARD}/entrants/nc-ai").status_code == 200
    assert browser.get(f"{BOARD}/entrants/naver-cloud").status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"exp": int(time.time()) - 3600},
        {"iss": "https://elsewhere.example"},
        {"email": None},
    ],
    ids=["nonce", "audience", "authorized party", "expired", "issuer", "no name"],
)
def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    browser: httpx.Client, idp: Idp, claims: dict[str, Any]
) -> None:
    state = sent_away(browser, idp)
    idp.claims |= claims
    refused(browser, come_back(browser, state), "signing.not-accepted")


def test_a_token_that_another_key_signed_opens_nothing(browser: httpx.Client, idp: Idp) -> None:
    state = sent_away(browser, idp)
    idp.other = RSAKey.generate_key(2048, {"kid": "k1"})
    refused(browser, come_back(browser, state), "signing.not-accepted")


def test_a_way_back_is_gone_once_and_by_the_browser_that_went(browser: httpx.Client, idp: Idp) -> None:
    state = sent_away(browser, idp)
    assert come_back(browser, state).status_code == 303
    browser.cookies.clear()
    refused(browser, come_back(browser, state), "signing.came-back-wrong")
    of_another = sent_away(browser, idp)
    not_signed_in(browser)
    refused(browser, come_back(browser, of_another), "signing.came-back-wrong")
    refused(browser, come_back(browser, "never-begun"), "signing.came-back-wrong")


def test_who_gives_up_there_or_has_a_wrong_code_is_told_so(browser: httpx.Client, idp: Idp) -> None:
    refused(browser, come_back(browser, sent_away(browser, idp), error="access_denied"), "signing.not-there")
    refused(browser, come_back(browser, sent_away(browser, idp), code="another"), "signing.not-accepted")


def refused(browser: httpx.Client, answer: httpx.Response, key: str) -> None:
    assert answer.status_code == 401
    assert say("en", key) in html.unescape(answer.text)
    assert 'action="/sign-in/oidc"' in answer.text
    assert browser.get(BOARD).status_code == 401
