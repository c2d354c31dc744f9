"""Acts in the browser, over a real broker and a recorder: previewed, sent, recorded or refused, and approved by another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest

from console.acts import ACTS
from console.web.acting.form import slug_of
from console.web.speech import LANGS, say
from infra.kafka.broker import TemporaryBroker
from tests.console.web.test_pages import Outline
from tests.support.acting import Person, Scene, at, event_in, scene

pytestmark = pytest.mark.kafka

MARK = "birch/jury/art/ben"
NOBODYS = {"apply"}
"""Acts for which the rules name no source of an entrant."""


@pytest.fixture(scope="module")
def place(kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("acts"), kafka.bootstrap, "web-acts") as found:
        yield found


@pytest.fixture(scope="module")
def operator(place: Scene) -> Person:
    return place.person("olga", "operator")


@pytest.fixture(scope="module")
def ash(place: Scene) -> Person:
    return place.person("ash-team", "entrant", entrant="ash")


def test_an_act_is_previewed_and_then_recorded_and_accepted(place: Scene, operator: Person) -> None:
    size = place.size()
    shown = operator.preview("extend", phase="heat", window="scores", until=at(25), reason="snow", now=at(16))
    assert say("en", "acts.would-be", verdict="accepted") in shown.text
    assert "office.phasegate.example" in shown.text
    place.record()
    assert place.size() == size, "a preview sends nothing"
    sent = operator.confirm("extend", shown)
    assert say("en", "sent.waiting") in operator.client.get(sent.headers["location"]).text
    page = place.after(sent, operator)
    assert say("en", "sent.recorded-accepted", index=size) in page
    assert f"/log/{size}" in page
    assert place.entries(size) == [("phasegate.window.extended.v1", "accepted", None)]


def test_an_act_that_is_refused_says_why_before_and_after(place: Scene, operator: Person) -> None:
    size = place.size()
    shown = operator.preview("extend", phase="heat", window="audits", until=at(2), reason="x", now=at(16))
    assert say("en", "acts.would-be", verdict="refused") in shown.text
    assert say("en", "acts.send-anyway") in shown.text
    page = unescape(place.after(operator.confirm("extend", shown), operator))
    assert say("en", "sent.recorded-refused", index=size) in page
    assert "the window ends" in page
    assert say("en", "sent.next-look") in page
    assert place.entries(size) == [("phasegate.window.extended.v1", "refused", "illegal-transition")]


def test_the_preview_says_whose_rank_and_total_would_change(operator: Person) -> None:
    text = operator.preview("correct", score="cedar/jury/art/ann", value="40", reason="misread", now=at(16)).text
    assert say("en", "acts.second-person", role="director") in text
    assert say("en", "acts.supposing-approved") in text
    assert '<span class="was">38.0</span> → <strong>53.0</strong>' in text
    assert "ash" not in text.split(say("en", "acts.changes"))[1].split("</table>")[0]


def test_a_form_sent_twice_or_again_later_is_recorded_once(place: Scene, operator: Person) -> None:
    size = place.size()
    shown = operator.preview("waive", phase="heat", evaluator="ann", entrant="ash", reason="away", now=at(16))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: operator.confirm("waive", shown), range(4)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    place.record()
    assert operator.confirm("waive", shown).headers["location"] == answers[0].headers["location"]
    place.record()
    assert place.entries(size) == [("phasegate.mark.waived.v1", "accepted", None)]


def test_an_override_waits_for_another_person_and_its_own_author_is_refused(place: Scene) -> None:
    both = place.person("paula", "operator", "approver")
    size = place.size()
    shown = both.preview("correct", score=MARK, value="30", reason="a slip", now=at(17))
    assert "accepted" in place.after(both.confirm("correct", shown), both)
    assert place.entries(size) == [("phasegate.score.corrected.v1", "accepted", None)]
    act = place.on.parts.reader().state("small-cup").phases["heat"].proposed
    (event_id,) = [proposal[0][0] for proposal in act.values()]

    waiting = both.get("acts").text
    assert say("en", "acts.unapproved", kind="score.corrected", role="director", index=size) in waiting
    assert say("en", "acts.own-act") in waiting
    assert f'value="{event_id}"' not in both.get("acts/approve").text
    refused = both.preview("approve", act=event_id, now=at(17))
    assert refused.status_code == 422
    assert say("en", "acts.own-act") in refused.text

    another = place.person("otto", "approver")
    assert f"act={event_id}" in another.get("acts").text
    approval = another.preview("approve", act=event_id, now=at(17))
    own = both.confirm("approve", approval)
    assert own.status_code == 403
    assert "another person has to approve it" in own.text
    assert "accepted" in place.after(another.confirm("approve", approval), another)
    assert place.entries(size + 1) == [("phasegate.act.approved.v1", "accepted", None)]
    assert event_id not in another.get("acts").text


def test_a_form_without_its_token_is_refused(place: Scene, operator: Person) -> None:
    size = place.size()
    shown = operator.preview("extend", phase="heat", window="audits", until=at(40), reason="x", now=at(17))
    stranger = Person(operator.client, {})
    assert stranger.confirm("extend", shown).status_code == 403
    assert stranger.preview("extend", phase="heat").status_code == 403
    assert place.person("vera", "viewer").confirm("extend", shown).status_code == 403
    place.record()
    assert place.size() == size


def test_an_entrant_acts_for_itself_and_for_nobody_else(place: Scene, operator: Person, ash: Person) -> None:
    listed = ash.get("acts").text
    assert "/acts/withdraw-entrant" in listed
    assert "/acts/extend" not in listed
    assert "birch" not in ash.get("acts/withdraw-entrant").text
    own = ash.preview("withdraw-entrant", entrant="ash", reason="x", now=at(17))
    assert say("en", "acts.would-be", verdict="accepted") in own.text
    assert say("en", "acts.effect") not in own.text, "an entrant is not told what others stand to gain"
    assert ash.preview("withdraw-entrant", entrant="birch", reason="x", now=at(17)).status_code in (403, 422)
    forged = event_in(own).replace('"entrant":"ash"', '"entrant":"birch"')
    assert ash.send("withdraw-entrant", forged).status_code == 403
    assert operator.get("acts/withdraw-entrant").status_code == 403
    assert ash.get("acts/extend").status_code == 403


@pytest.mark.parametrize(
    ("member", "value"),
    [("id", "own-id"), ("subject", "another"), ("type", "phasegate.phase.reopened.v1"), ("source", "urn:director")],
)
def test_what_a_preview_fixed_and_somebody_changed_is_not_sent(operator: Person, member: str, value: str) -> None:
    shown = operator.preview("extend", phase="heat", window="audits", until=at(40), reason="x", now=at(17))
    changed = json.dumps(json.loads(event_in(shown)) | {member: value})
    assert operator.send("extend", changed).status_code in (400, 403, 422)


def test_what_is_missing_or_wrong_is_said_at_its_field(operator: Person) -> None:
    answer = operator.preview("extend", phase="heat", until="tomorrow", now="soon")
    page = Outline(answer.text)
    assert answer.status_code == 422
    wrong = {
        one.get("name") for tag in ("select", "input", "textarea") for one in page.all(tag) if "aria-invalid" in one
    }
    assert wrong == {"window", "reason", "now"}
    assert 'value="tomorrow"' in answer.text
    again = operator.preview("extend", phase="heat", window="audits", reason="x", until="tomorrow", now=at(17))
    assert again.status_code == 422
    assert "tomorrow" in again.text


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", sorted(ACTS))
def test_every_form_is_there_in_every_language_and_labelled(place: Scene, name: str, lang: str) -> None:
    answers = (person.get(f"acts/{slug_of(name)}", lang=lang) for person in _everybody(place))
    answer = next((answer for answer in answers if answer.status_code == 200), None)
    if answer is None:
        assert name in NOBODYS
        return
    page = Outline(answer.text)
    assert [one["lang"] for one in page.all("html")] == [lang]
    labelled = {one.get("for") for one in page.all("label")}
    asked = [one for tag in ("input", "select", "textarea") for one in page.all(tag) if one.get("type") != "hidden"]
    assert asked
    assert all(one.get("id") in labelled for one in asked)
    assert len(page.ids) == len(set(page.ids))
    assert "style" not in answer.text.split("<main")[1]


_PEOPLE: dict[str, list[Person]] = {}


def _everybody(place: Scene) -> list[Person]:
    if place.url not in _PEOPLE:
        _PEOPLE[place.url] = [
            place.person("op", "operator"),
            place.person("ap", "approver"),
            place.person("team", "entrant", entrant="cedar"),
            place.person("judge", "evaluator", evaluator="ann"),
        ]
    return _PEOPLE[place.url]


def test_a_broker_that_is_away_loses_nothing(place: Scene, operator: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.web.pages import acts as pages
    from events.errors import Unavailable

    def away(*_: object) -> None:
        raise Unavailable("no broker listens there")

    shown = operator.preview("extend", phase="heat", window="audits", until=at(41), reason="x", now=at(17))
    with monkeypatch.context() as patch:
        patch.setattr(pages, "send", away)
        failed = operator.confirm("extend", shown)
    assert failed.status_code == 503
    assert say("en", "acts.not-sent") in failed.text
    size = place.size()
    assert "accepted" in place.after(operator.confirm("extend", failed), operator)
    assert len(place.entries(size)) == 1


def test_who_may_only_read_sees_what_is_waited_for_and_does_nothing(place: Scene, tmp_path: Path) -> None:
    reader = place.person("vic", "viewer")
    text = reader.get("acts").text
    assert say("en", "acts.none-of-yours") in text
    assert reader.get("acts/extend").status_code == 403
    assert place.person("nobody").get("acts").status_code == 403
