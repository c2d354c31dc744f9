"""Acts along the way of a phase: signing, objecting, sending a refused record again, and opening a call for what is vacant."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from console.web.speech import LANGS, say
from handlers.transition import MarkWindow
from handlers.windows import CALL
from infra.kafka.broker import TemporaryBroker
from tests.support import small
from tests.support.acting import Person, Scene, at, decided, event_in, scene

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def place(kafka: TemporaryBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("course"), kafka.bootstrap, "web-course") as found:
        yield found


def said(place: Scene, person: Person, act: str, /, **words: str) -> str:
    """The page that says what became of an act."""
    return place.after(person.confirm(act, person.preview(act, **words)), person)


def test_a_refused_record_is_sent_again_in_two_steps_each_on_record(place: Scene) -> None:
    olga = place.person("olga", "operator")
    index = place.size()
    assert "refused" in said(place, olga, "extend", phase="heat", window="scores", until=at(3), reason="x", now=at(16))
    assert olga.preview("requeue", index="0", reason="x").status_code == 422
    assert olga.preview("requeue", index="no", reason="x").status_code == 422
    shown = olga.preview("requeue", index=str(index), reason="the window was wrong")
    assert say("en", "requeue.would-be", verdict="refused") in shown.text
    assert olga.client.post(f"/programmes/small-cup/acts/requeue/{index}", data=olga.field).status_code == 422
    page = place.after(olga.confirm("requeue", shown), olga)
    assert f"/acts/requeue?index={index}" in page
    assert say("en", "requeue.said", index=index + 1) in olga.get("acts/requeue", index=str(index)).text
    for lang in LANGS:
        assert say(lang, "requeue.send") in olga.get("acts/requeue", index=str(index), lang=lang).text
    sent = olga.client.post(f"/programmes/small-cup/acts/requeue/{index}", data=olga.field)
    place.after(sent, olga)
    assert [(kind, verdict) for kind, verdict, _ in place.entries(index)] == [
        ("phasegate.window.extended.v1", "refused"),
        ("phasegate.record.requeued.v1", "accepted"),
        ("phasegate.window.extended.v1", "refused"),
    ]
    assert olga.get("acts/requeue", index=str(index)).status_code == 422


def test_from_a_decision_through_an_objection_to_an_open_call(place: Scene) -> None:
    decision = decided(place)
    olga, paul = place.person("olga", "operator"), place.person("paul", "approver")
    ash, birch = (place.person(team, "entrant", entrant=team) for team in ("ash", "birch"))
    assert say("en", "acts.may-object") not in ash.get("acts").text

    assert f"/acts/sign?decision={decision}&amp;role=director" in paul.get("acts").text
    assert "/acts/sign" not in olga.get("acts").text
    assert olga.get("acts/sign").status_code == 403
    assert "accepted" in said(place, paul, "sign", decision=decision, now=at(23))

    assert say("en", "acts.may-object") in ash.get("acts").text
    words = {"decision": decision, "grounds": "evaluator-error", "text": "the marks are swapped", "now": at(24)}
    own = ash.preview("object", entrant="ash", **words)
    forged = json.loads(event_in(own))
    forged["data"]["entrant"] = "birch"
    assert ash.send("object", json.dumps(forged)).status_code == 403
    assert birch.send("object", event_in(own)).status_code == 403
    assert olga.preview("object", entrant="ash", **words).status_code == 403
    assert "accepted" in place.after(ash.confirm("object", own), ash)
    objection = json.loads(event_in(own))["id"]
    assert objection not in birch.get("acts/withdraw-objection").text
    assert birch.preview("withdraw-objection", objection=objection, reason="x", now=at(25)).status_code == 422
    assert "accepted" in said(place, ash, "withdraw-objection", objection=objection, reason="settled", now=at(25))

    place.on.progress(small.OPENS + 40 * small.DAY)
    assert "accepted" in said(place, ash, "withdraw-entrant", entrant="ash", reason="bankrupt", now=at(50))
    assert say("en", "open-call.is-not-yet") in olga.get("acts/open-call").text
    marked = (step for step in place.on.way.steps(small.OPENS + 100 * small.DAY + 1) if isinstance(step, MarkWindow))
    assert next(marked).window == CALL

    size = place.size()
    shown = olga.get("acts/open-call")
    assert "call.opened" in event_in(shown)
    assert paul.send("open-call", "").status_code == 403
    assert "accepted" in place.after(olga.confirm("open-call", shown), olga)
    assert place.entries(size) == [("phasegate.call.opened.v1", "accepted", None)]
    place.on.progress(small.OPENS + 100 * small.DAY + 2)
    assert place.size() == size + 1, "the flows have nothing left to open"
    for lang in LANGS:
        assert say(lang, "open-call.is-open") in olga.get("acts/open-call", lang=lang).text
    assert olga.send("open-call", "").status_code == 422
