"""The evaluators' desk on a real stack: ten marks, refusals, a correction, and nothing of anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from console.web.speech import LANGS, say
from flows.sending import uuid7
from handlers.marking_order import drawn, seed_of, seed_size
from handlers.state import PhaseState, State
from infra.clock import now_ms
from tests.console.web.test_pages import Outline
from tests.support.panels import ITEMS, RECUSED, TEAMS, Panels, opened, recording
from tests.support.website import Website, signed_in

pytestmark = pytest.mark.kafka

HOUR = 3_600_000
BROWSER = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture(scope="module")
def cups(site: Website) -> list[Panels]:
    return opened(site, panel_cup=HOUR, short_cup=1000)


@pytest.fixture(scope="module")
def cup(cups: list[Panels]) -> Panels:
    return cups[0]


@pytest.fixture(scope="module")
def over(cups: list[Panels]) -> Panels:
    """Its marks were taken for a second; nothing has closed it yet."""
    return cups[1]


def state(cup: Panels) -> State:
    return cup.site.parts.reader().state(cup.programme)


def heat(cup: Panels) -> PhaseState:
    return state(cup).phases["heat"]


class Judge:
    """One evaluator with a browser of their own."""

    def __init__(self, cup: Panels, name: str) -> None:
        self.cup, self.name = cup, name
        self.client = httpx.Client(base_url=cup.site.client.base_url, headers=BROWSER, timeout=60)
        self.field = signed_in(
            self.client, cup.site.settings.database, f"account-{name}", "evaluator",
            programme=cup.programme, evaluator=name,
        )  # fmt: skip

    def get(self, *parts: str, **query: str) -> httpx.Response:
        return self.client.get(self.cup.path(*parts), params=query)

    def page(self, *parts: str, **query: str) -> str:
        answer = self.get(*parts, **query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def form(self, entrant: str, item: str) -> dict[str, str]:
        """The hidden fields that the page gives its form."""
        text = self.page("heat", entrant, item=item)
        return {
            str(one["name"]): str(one["value"])
            for one in Outline(text).all("input")
            if one.get("type") == "hidden" and one.get("name") != "csrf"
        }

    def post(self, entrant: str, fields: dict[str, str]) -> httpx.Response:
        return self.client.post(self.cup.path("heat", entrant), data={**self.field, **fields})

    def save(self, entrant: str, item: str, **said: str) -> str:
        """The page after a form was sent, while a recorder works."""
        with recording(self.cup.site):
            answer = self.post(entrant, self.form(entrant, item) | said)
        assert answer.status_code == 303, answer.text
        return self.client.get(answer.headers["location"]).text


@pytest.fixture
def ann(cup: Panels) -> Iterator[Judge]:
    judge = Judge(cup, "ann")
    with judge.client:
        yield judge


@pytest.fixture
def ben(cup: Panels) -> Iterator[Judge]:
    judge = Judge(cup, "ben")
    with judge.client:
        yield judge


def given(cup: Panels, evaluator: str) -> dict[tuple[str, str], str]:
    return {(slot[0], slot[2]): mark.value for slot, mark in heat(cup).marks.items() if slot[3] == evaluator}


def test_the_entrants_come_in_the_order_that_anybody_can_draw_again(cup: Panels, ann: Judge, ben: Judge) -> None:
    reader = cup.site.parts.reader()
    phase = reader.state(cup.programme).phases["heat"]
    root = reader.root(cup.programme, seed_size(phase))
    for judge in (ann, ben):
        text = judge.page("heat")
        shown = re.findall(r"Team (\w+)", text.partition('<ol class="turns"')[2].partition("</ol>")[0])
        assert [name.lower() for name in shown] == list(drawn(seed_of(phase, root), judge.name, TEAMS))
        assert root.hex() in text
        assert say("en", "desk.missing", count=9 if judge.name == "ann" else 12) in text


def test_who_is_recused_is_shown_and_not_to_be_marked(cup: Panels, ann: Judge) -> None:
    text = ann.page("heat")
    assert say("en", "desk.out-recused") in text
    assert cup.path("heat", RECUSED[1]) not in text
    assert ann.get("heat", RECUSED[1]).status_code == 403


def test_what_is_not_theirs_is_refused_in_the_same_words(cup: Panels, over: Panels, ann: Judge) -> None:
    paths = (
        cup.path("heat", RECUSED[1]), cup.path("heat", "nobody"), cup.path("finale"), cup.path("nothing"),
        cup.path("nothing", "ash"), over.path("heat"), "/desk/nowhere/heat", "/desk/small-cup/heat",
        cup.path("heat", "ash") + "?item=chair/order", cup.path("heat", "ash") + "?item=jury/none", cup.path("heat") + "?at=1",
    )  # fmt: skip
    told = set()
    for path in paths:
        answer = ann.client.get(path)
        assert answer.status_code == 403, path
        told.add(re.sub(r"[0-9a-f-]{36}|next=[^\"]*", "", answer.text.partition("<main")[2]))
    assert len(told) == 1
    for path in (
        f"/programmes/{cup.programme}",
        f"/programmes/{cup.programme}/log",
        f"/programmes/{cup.programme}/decisions",
    ):
        assert ann.client.get(path).status_code == 403


def test_nobody_who_is_not_signed_in_or_has_another_role_has_a_desk(cup: Panels) -> None:
    with httpx.Client(base_url=cup.site.client.base_url, headers=BROWSER) as client:
        assert client.get("/desk").status_code == 401
        assert client.get(cup.path("heat")).status_code == 401
        signed_in(client, cup.site.settings.database, "an-auditor", "auditor")
        assert client.get(cup.path("heat")).status_code == 403


def test_ten_marks_are_recorded_one_after_the_other(cup: Panels, ann: Judge, ben: Judge) -> None:
    teams = [team for team in TEAMS if team != RECUSED[1]]
    for team in teams:
        for item, value in zip(ITEMS, ("31.5", "-2", "7"), strict=True):
            text = ann.save(team, f"jury/{item}", value=value, comment="seen" if item == "art" else "")
            assert re.search(r"Recorded as entry \d+\.", text), text
    ben.save("ash", "jury/art", value="12")
    assert given(cup, "ann") == {
        (team, item): value for team in teams for item, value in zip(ITEMS, ("31.5", "-2", "7"), strict=True)
    }
    assert say("en", "desk.phase-complete") in ann.page("heat", "ash")


def test_after_a_mark_the_next_missing_item_comes(cup: Panels, ben: Judge) -> None:
    text = ben.save("cedar", "jury/art", value="3")
    assert '<h2 id="h-item">craft</h2>' in text


def test_another_evaluator_s_marks_are_nowhere(cup: Panels, ann: Judge, ben: Judge) -> None:
    ben.save("birch", "jury/craft", value="4.125")
    pages = [ann.page("heat", "birch", item=f"jury/{item}") for item in ITEMS]
    shown = " ".join([*pages, ann.page("heat"), ann.client.get("/desk").text])
    assert "4.125" not in shown
    assert not re.search(r"\bben\b|\bchris\b", shown)
    assert "4.125" in ben.page("heat", "birch", item="jury/craft")
    score = heat(cup).marks["birch", "jury", "craft", "ben"].ids[0]
    fields = ann.form("birch", "jury/craft") | {"score": score, "value": "1", "reason": "not mine"}
    assert ann.post("birch", fields).status_code == 403
    assert given(cup, "ben")["birch", "craft"] == "4.125"


def test_a_form_that_cannot_be_right_is_asked_back_and_sends_nothing(cup: Panels, ben: Judge) -> None:
    before = cup.site.parts.bus.ends()
    for value, fault in (
        ("41", say("en", "desk.fault-range", low="0", high="40")),
        ("-1", say("en", "desk.fault-range", low="0", high="40")),
        ("", say("en", "desk.fault-empty")),
        ("1,000", "in one way only"),
        ("1e1", "in one way only"),
    ):
        answer = ben.post("dogwood", ben.form("dogwood", "jury/art") | {"value": value})
        assert answer.status_code == 422
        assert fault in answer.text
        assert f'value="{value}"' in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert cup.site.parts.bus.ends() == before


def test_a_mark_is_corrected_with_a_reason_and_not_without(cup: Panels, ben: Judge) -> None:
    ben.save("birch", "jury/idea", value="4")
    form = ben.form("birch", "jury/idea")
    assert form["score"]
    assert say("en", "desk.fault-reason") in ben.post("birch", form | {"value": "5"}).text
    text = ben.save("birch", "jury/idea", value="5,5", reason="misread the scale")
    assert re.search(r"Recorded as entry \d+\.", text)
    assert given(cup, "ben")["birch", "idea"] == "5.5"
    assert say("en", "desk.corrected") in ben.page("heat", "birch", item="jury/idea")


def test_a_form_that_is_sent_twice_is_recorded_once(cup: Panels, ben: Judge) -> None:
    fields = ben.form("cedar", "jury/idea") | {"value": "8"}
    size = state(cup).size
    with recording(cup.site), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ben.post("cedar", fields), range(4)))
    assert {answer.status_code for answer in answers} == {303}
    cup.site.record()
    assert state(cup).size == size + 1
    again = ben.post("cedar", fields)
    assert "Recorded as entry" in ben.client.get(again.headers["location"]).text


def test_what_another_page_has_marked_meanwhile_is_refused_and_says_why(cup: Panels, ben: Judge) -> None:
    first, second = ben.form("dogwood", "jury/craft"), ben.form("dogwood", "jury/craft")
    with recording(cup.site):
        ben.post("dogwood", first | {"value": "1"})
        answer = ben.post("dogwood", second | {"value": "2"})
    text = ben.client.get(answer.headers["location"]).text
    assert re.search(r"Refused, on record as entry \d+\.", text)
    assert "send score.corrected" in text
    assert given(cup, "ben")["dogwood", "craft"] == "1"


def test_a_mark_after_the_window_waits_and_is_refused_once_that_is_certain(over: Panels) -> None:
    judge = Judge(over, "ann")
    with judge.client as client:
        text = judge.page("heat", "ash")
        assert "<form" not in text.partition("<main")[2]
        assert say("en", "desk.closed") in text
        fields = {"item": "jury/art", "event": uuid7(now_ms()), "value": "3"}
        with recording(over.site):
            answer = judge.post("ash", fields)
        assert re.search(r"It waits, as entry \d+\.", client.get(answer.headers["location"]).text)
        over.progress()
        text = client.get(answer.headers["location"]).text
        assert re.search(r"Refused, on record as entry \d+\.", text)
        assert "the scores of heat ended at" in text
    assert given(over, "ann") == {}


def test_without_a_recorder_the_page_waits_and_asks_again(cup: Panels, ben: Judge) -> None:
    answer = ben.post("ash", ben.form("ash", "jury/idea") | {"value": "2"})
    there = answer.headers["location"]
    text = ben.client.get(there).text
    assert say("en", "desk.sent-waiting") in text
    assert 'hx-trigger="load delay:1s"' in text
    cup.site.record()
    part = ben.client.get(there, headers={"hx-request": "true"}).text
    assert "Recorded as entry" in part
    assert "<html" not in part


def test_what_another_account_sent_is_not_told(cup: Panels, ann: Judge, ben: Judge) -> None:
    answer = ben.post("cedar", ben.form("cedar", "jury/craft") | {"value": "0"})
    cup.site.record()
    sent = httpx.URL(answer.headers["location"]).params["sent"]
    assert ann.get("heat", "cedar", sent=sent).status_code == 403


@pytest.mark.parametrize(("lang", "title"), [("en", "Idea and plan"), ("ko", "구상과 계획"), ("fr", "Idée et plan")])
def test_an_item_is_called_as_the_rules_call_it(cup: Panels, ann: Judge, lang: str, title: str) -> None:
    text = ann.page("heat", "ash", item="jury/idea", lang=lang)
    assert f'<h2 id="h-item">{title}</h2>' in text
    assert '<h2 id="h-item">art</h2>' in ann.page("heat", "ash", item="jury/art", lang=lang)


@pytest.mark.parametrize("lang", LANGS)
def test_the_pages_are_well_formed_and_every_target_is_big(cup: Panels, ann: Judge, lang: str) -> None:
    for path in ("/desk", cup.path("heat"), cup.path("heat", "ash"), cup.path("heat", "ash") + "?item=jury/craft"):
        answer = ann.client.get(path, params={**dict(httpx.URL(path).params), "lang": lang})
        page = Outline(answer.text)
        assert answer.status_code == 200
        assert "object at" not in answer.text
        assert [one["lang"] for one in page.all("html")] == [lang]
        assert len(page.all("h1")) == 1
        assert len(page.ids) == len(set(page.ids))
        shown = [one for tag in ("input", "textarea") for one in page.all(tag) if one.get("type") != "hidden"]
        assert {one["id"] for one in shown} <= {one.get("for") for one in page.all("label")}
        assert page.all("style") == []
        buttons = Outline(answer.text.partition("<main")[2]).all("button")
        assert all("big" in (one.get("class") or "") for one in buttons)


def test_the_desk_lists_what_is_open_and_what_comes(cup: Panels, ann: Judge) -> None:
    text = ann.client.get("/desk").text
    assert cup.path("heat") in text
    assert say("en", "desk.not-open") in text
    assert cup.path("finale") not in text
