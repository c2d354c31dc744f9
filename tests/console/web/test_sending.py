"""Sending from pages: to a real broker, once however often it is asked, and the page that waits for the record."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest

from console.web.access import Visitor
from console.web.counting import Counts
from console.web.sending import Prepared, _publish, outcome, prepare, send, sender_of, sent_by
from console.web.sent_once import Sendings
from console.web.site import Site, opened
from console.web.speech import LANGS, say
from events.envelope import JWS_HEADER, Envelope
from events.errors import Refused, Unavailable
from events.record import Position
from flows.sending import uuid7
from infra.clock import now_ms
from infra.keys import SigningKey, new_key
from tests.support import small
from tests.support.website import Website, said

pytestmark = pytest.mark.kafka

ME = sender_of(Visitor("me"))


def registration(team: str) -> Envelope:
    """The office registers a team; its key signs."""
    return said("entrant.registered", uuid7(now_ms()), small.OFFICE, entrant=team, name=team, members=[])


@pytest.fixture(scope="module")
def own(site: Website) -> Iterator[Site]:
    """The parts behind pages, without the pages."""
    with opened(site.settings, Counts()) as found:
        yield found


def prepared(own: Site, event: Envelope) -> Prepared:
    with own.turns.of(small.PROGRAMME):
        return prepare(own, own.reading.state(small.PROGRAMME), event)


def page_of(site: Website, place: Position, lang: str = "en") -> str:
    path = f"/programmes/{small.PROGRAMME}/sent/{place.topic}/{place.partition}/{place.offset}"
    answer = site.client.get(path, params={"lang": lang}, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


def test_the_page_waits_for_the_record_and_then_leads_to_its_entry(site: Website, own: Site) -> None:
    place = send(own, prepared(own, registration("oak")), ME)
    assert outcome(own, small.PROGRAMME, place) is None
    for lang in LANGS:
        assert say(lang, "sent.waiting") in page_of(site, place, lang)
    site.record()
    found = outcome(own, small.PROGRAMME, place)
    assert found is not None
    for lang in LANGS:
        text = page_of(site, place, lang)
        assert say(lang, "sent.recorded-accepted", index=found.entry.index) in text
        assert f"/programmes/{small.PROGRAMME}/log/{found.entry.index}" in text


def test_a_refusal_is_told_with_its_reason_and_what_to_do_next(site: Website, own: Site) -> None:
    early = said("score.recorded", uuid7(now_ms()), "urn:jury:ann", phase="nowhere", entrant="ash", criterion="jury",
                 item="art", evaluator="ann", value="30")  # fmt: skip
    place = send(own, prepared(own, early), ME)
    site.record()
    found = outcome(own, small.PROGRAMME, place)
    assert found is not None
    assert (found.entry.verdict, found.entry.reason) == ("refused", "unknown-phase")
    text = page_of(site, place)
    assert say("en", "sent.recorded-refused", index=found.entry.index) in text
    assert say("en", "sent.next-again") in text
    assert (found.detail or "?") in unescape(text)


def test_what_is_sent_again_goes_out_once_at_once_later_and_by_another_process(site: Website, own: Site) -> None:
    event, before = registration("elm"), sum(site.parts.bus.ends().values())
    with ThreadPoolExecutor(8) as pool:
        places = set(pool.map(lambda _: send(own, prepared(own, event), ME), range(8)))
    (place,) = places
    assert send(own, prepared(own, event), ME) == place
    with opened(site.settings, Counts()) as another:
        assert send(another, prepared(another, event), ME) == place
    assert sum(site.parts.bus.ends().values()) == before + 1


def test_a_copy_that_slips_through_is_a_duplicate_and_the_page_says_which_entry_counts(
    site: Website, own: Site
) -> None:
    one = prepared(own, registration("fir"))
    first, second = (_publish(own, one, ME) for _ in range(2))
    assert first != second
    site.record()
    told = [outcome(own, small.PROGRAMME, place) for place in (first, second)]
    assert [found and found.entry.verdict for found in told] == ["accepted", "duplicate"]
    assert told[1] is not None
    assert told[1].counts == (told[0] and told[0].entry.index)
    assert say("en", "sent.duplicate-lead", index=told[1].counts) in page_of(site, second)


def test_who_sent_it_is_kept_beside_the_log_and_not_in_it(site: Website, own: Site) -> None:
    place = send(own, prepared(own, registration("yew")), ME)
    assert sent_by(own, place) == "account:me"
    site.record()
    found = outcome(own, small.PROGRAMME, place)
    assert found is not None
    stored = next(iter(own.reading.ledger.read(small.PROGRAMME, found.entry.index, found.entry.index + 1)))
    assert stored.opening is not None
    assert b"account:me" not in (stored.opening.value or b"") + stored.opening.headers + stored.entry


def test_what_failed_can_be_sent_again_and_everybody_who_waited_is_told() -> None:
    sendings, waits, goes_on = Sendings(), threading.Event(), threading.Event()
    identity = ("p", "s", "i", b"")

    def failing() -> Position:
        waits.set()
        goes_on.wait(60)
        raise Unavailable("the broker is away")

    def attempt() -> str:
        try:
            return str(sendings.once(identity, failing))
        except Unavailable as error:
            return error.message

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(attempt)
        waits.wait(60)
        second = pool.submit(attempt)
        goes_on.set()
        assert {first.result(60), second.result(60)} == {"the broker is away"}
    assert sendings.once(identity, lambda: Position("scores", 0, 1)) == Position("scores", 0, 1)


def test_a_broker_that_is_away_is_told_soon(site: Website) -> None:
    closed = site.settings.model_copy(update={"kafka": "127.0.0.1:1"})
    with opened(closed, Counts()) as away:
        one = prepared(away, registration("bay"))
        with pytest.raises(Unavailable):
            send(away, one, ME)


def signed_by_director(own: Site, monkeypatch: pytest.MonkeyPatch, key: SigningKey) -> Prepared:
    """As if the rules named this key of the director's."""
    data = {"decision": "d", "role": "director", "meaning": "approves"}
    with own.turns.of(small.PROGRAMME), monkeypatch.context() as patch:
        state = own.reading.state(small.PROGRAMME)
        named = state.sources["urn:director"].model_copy(update={"keys": (key.named("director-of-2026").vkey,)})
        patch.setattr(state, "sources", {**state.sources, "urn:director": named})
        return prepare(own, state, said("decision.signed", uuid7(now_ms()), "urn:director", **data))


def test_the_key_is_found_by_its_public_half_or_its_absence_is_told(
    own: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(tmp_path, "whatever-the-file-is-called")
    with pytest.raises(Refused, match="signs with a key of its own"):
        signed_by_director(own, monkeypatch, key)
    monkeypatch.setattr(own, "settings", own.settings.model_copy(update={"source_keys": tmp_path}))
    headers = dict(signed_by_director(own, monkeypatch, key).message.headers)
    assert b"." in headers[JWS_HEADER]
    by_office, by_team = registration("ivy"), said("entrant.withdrawn", "w", "urn:team:ash", entrant="ash", reason="x")
    assert JWS_HEADER in dict(prepared(own, by_office).message.headers)
    assert JWS_HEADER not in dict(prepared(own, by_team).message.headers)
