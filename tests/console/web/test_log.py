"""The browser of a log, its entries and its checkpoints, over the ledger of the K-AI example."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console.main import main
from console.web.speech import LANGS, say
from events.entry import decode_entry
from events.merkle import leaf_hash
from events.note import format_vkey, open_checkpoint, verifier_key
from events.proof_file import verify_proof
from flows import browsing
from flows.tracing import span_in
from infra.ledger import Ledger
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.k_ai import PROGRAMME, played
from tests.support.stage import LOG_KEY, OFFICE_KEY

LOG = f"/programmes/{PROGRAMME}/log"
CHECKPOINTS = f"/programmes/{PROGRAMME}/checkpoints"
KEYS = {"log_vkeys": (format_vkey(LOG_KEY.verifier),), "office_vkeys": (format_vkey(OFFICE_KEY.verifier),)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home, **KEYS) as client:
        yield client


@pytest.fixture(scope="module")
def ledger(home: Path) -> Iterator[Ledger]:
    with Ledger.open(Settings(home=home).database) as ledger:
        yield ledger


def size_of(ledger: Ledger) -> int:
    head = ledger.head(PROGRAMME)
    assert head is not None
    return head.size


def shown(text: str) -> list[int]:
    """The entries that a list shows, in its order."""
    return [int(index) for index in re.findall(rf'<th scope="row" class="number"><a href="{LOG}/(\d+)', text)]


def with_verdict(ledger: Ledger, verdict: str) -> list[int]:
    entries = (decode_entry(stored.entry) for stored in ledger.read(PROGRAMME, with_openings=False))
    return [entry.index for entry in entries if entry.verdict == verdict]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", [LOG, f"{LOG}/262", f"{LOG}/777", CHECKPOINTS])
def test_a_page_of_the_log_is_well_formed(browser: httpx.Client, path: str, lang: str) -> None:
    answer = browser.get(path, params={"lang": lang})
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert [one["lang"] for one in page.all("html")] == [lang]
    assert len(page.all("h1")) == 1
    assert len(page.ids) == len(set(page.ids))
    labelled = {one.get("for") for one in page.all("label")}
    fields = [one for one in page.all("input") + page.all("select") if one.get("type") != "hidden"]
    assert all(one.get("id") in labelled for one in fields)
    assert len(page.all("caption")) == len(page.all("table"))
    browser.cookies.clear()


def test_older_entries_follow_page_by_page_to_the_beginning_and_none_is_left_out(
    browser: httpx.Client, ledger: Ledger
) -> None:
    path: str | None = f"{LOG}?at=120"
    seen: list[int] = []
    while path:
        text = browser.get(path).text
        seen += shown(text)
        found = re.search(r'href="([^"]*)" rel="next">' + say("en", "log.older"), text)
        path = found and found[1].replace("&amp;", "&")
    assert seen == list(range(119, -1, -1))


@pytest.mark.parametrize("verdict", ["refused", "duplicate"])
def test_only_entries_of_the_verdict_asked_for_are_shown(browser: httpx.Client, ledger: Ledger, verdict: str) -> None:
    text = browser.get(LOG, params={"verdict": verdict}).text
    assert sorted(shown(text)) == with_verdict(ledger, verdict)


def test_what_waits_is_what_nothing_has_settled_at_that_moment(browser: httpx.Client) -> None:
    assert 262 in shown(browser.get(LOG, params={"verdict": "waiting", "at": "777"}).text)
    assert 262 not in shown(browser.get(LOG, params={"verdict": "waiting", "at": "778"}).text)


def test_records_of_a_trace_are_found_by_its_id_or_a_whole_traceparent(browser: httpx.Client, ledger: Ledger) -> None:
    spans = ((stored.index, span_in(stored.opening)) for stored in ledger.read(PROGRAMME))
    index, span = next((index, span) for index, span in spans if span is not None)
    for given in (span.trace, span.text()):
        text = browser.get(LOG, params={"trace": given, "at": str(index + 1)}).text
        assert shown(text) == [index]
        assert f"--trace {span.trace}" in text
    assert shown(browser.get(LOG, params={"trace": "f" * 32}).text) == []
    assert browser.get(LOG, params={"trace": "not one"}).status_code == 400


def test_a_text_is_looked_for_in_what_records_hold(browser: httpx.Client) -> None:
    text = browser.get(LOG, params={"text": "UPSTAGE", "type": "entrant.registered"}).text
    assert len(shown(text)) >= 1
    assert "upstage" in text
    assert shown(browser.get(LOG, params={"text": "no such text anywhere"}).text) == []


def test_what_is_seldom_is_looked_for_over_several_pages(
    browser: httpx.Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "LOOKED_AT_MOST", 500)
    size = size_of(ledger)
    text = browser.get(LOG, params={"verdict": "duplicate"}).text
    assert shown(text) == []
    assert say("en", "log.nothing", low=size - 500, high=size - 1) in text
    assert f"before={size - 500}" in text


@pytest.mark.parametrize(
    "query", ["verdict=good", "type=<b>", "reason=x", "topic=x", "before=-1", "before=" + "9" * 30, "text=" + "x" * 300]
)
def test_a_filter_that_is_none_is_refused_in_words(browser: httpx.Client, query: str) -> None:
    answer = browser.get(f"{LOG}?{query}")
    assert answer.status_code == 400
    assert "<b>" not in answer.text


@pytest.mark.parametrize("path", [f"{LOG}/{10**6}", f"{LOG}/{10**30}", f"{LOG}/-1", f"{LOG}/262?at=100"])
def test_an_entry_that_is_not_there_at_that_moment_is_not_found(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_an_entry_shows_its_bytes_its_record_and_that_it_is_signed(browser: httpx.Client, ledger: Ledger) -> None:
    stored = list(ledger.read(PROGRAMME))[-1]
    text = browser.get(f"{LOG}/{stored.index}").text
    assert leaf_hash(stored.entry).hex() in text
    assert decode_entry(stored.entry).commitment in text
    assert "phasegate.programme.concluded.v1" in text
    assert say("en", "entry.signature-verified") in text


def test_a_signature_with_a_key_that_nobody_knows_is_said_to_be_one(home: Path, ledger: Ledger) -> None:
    with visiting(home) as client:
        text = client.get(f"{LOG}/{size_of(ledger) - 1}").text
    assert say("en", "entry.signature-unknown") in text
    assert say("en", "entry.unproven") in text


def test_what_led_to_an_entry_and_what_followed_are_links(browser: httpx.Client, ledger: Ledger) -> None:
    decided = max(
        entry.index
        for stored in ledger.read(PROGRAMME, with_openings=False)
        if (entry := decode_entry(stored.entry)).type == "phasegate.phase.decided.v1"
    )
    assert tied(browser, decided + 1, "tie-cites") == [decided]
    assert decided + 1 in tied(browser, decided, "tie-cited-by")
    assert tied(browser, 777, "tie-of") == [262]
    assert tied(browser, 777, "tie-because") == [776]
    assert 777 in tied(browser, 776, "tie-settles")
    assert tied(browser, 777, "tie-repeats") == []
    repeated = with_verdict(ledger, "duplicate")[0]
    assert len(tied(browser, repeated, "tie-repeats")) == 1


def tied(browser: httpx.Client, index: int, how: str) -> list[int]:
    text = browser.get(f"{LOG}/{index}").text
    return [int(found) for found in re.findall(rf'<li>{say("en", f"entry.{how}")} <a href="{LOG}/(\d+)"', text)]


def test_a_refusal_is_told_in_the_readers_language(browser: httpx.Client, ledger: Ledger) -> None:
    index = with_verdict(ledger, "refused")[0]
    texts = {lang: browser.get(f"{LOG}/{index}", params={"lang": lang}).text for lang in LANGS}
    browser.cookies.clear()
    assert 'class="notice bad"' in texts["en"]
    assert "거부" in texts["ko"]
    assert "Refusé" in texts["fr"]


def test_the_files_of_a_proof_are_verified_by_the_command_that_the_page_names(
    browser: httpx.Client, tmp_path: Path
) -> None:
    text = browser.get(f"{LOG}/100").text
    for kind, name in (("proof", ".tlog-proof"), ("entry", ".entry.json"), ("opening", ".opening.json")):
        answer = browser.get(f"{LOG}/100/{kind}")
        assert answer.headers["content-disposition"].endswith(f'"{PROGRAMME}-100{name}"')
        (tmp_path / f"{PROGRAMME}-100{name}").write_bytes(answer.content)
    vkey = re.search(r"--vkey '([^']*)'", text)
    assert vkey
    files = [str(tmp_path / f"{PROGRAMME}-100{name}") for name in (".tlog-proof", ".entry.json", ".opening.json")]
    assert main(["verify", files[0], "--entry", files[1], "--opening", files[2], "--vkey", vkey[1]]) == 0


def test_the_proof_is_of_the_entry_and_of_no_other(browser: httpx.Client) -> None:
    key = verifier_key(f"phasegate.example/{PROGRAMME}", LOG_KEY.public)
    proof = browser.get(f"{LOG}/100/proof").content
    assert verify_proof(proof, browser.get(f"{LOG}/100/entry").content, [key])[0] == 100
    for kind in ("proof", "entry", "opening"):
        assert browser.get(f"{LOG}/{10**6}/{kind}").status_code == 404
    assert browser.get(f"{LOG}/777/opening").status_code == 404


def test_checkpoints_lead_to_their_moment_and_each_extends_the_one_before(
    browser: httpx.Client, ledger: Ledger
) -> None:
    sizes = [row.size for row in ledger.checkpoints(PROGRAMME)]
    text = browser.get(CHECKPOINTS).text
    assert f"/programmes/{PROGRAMME}?at={sizes[-1]}" in text
    assert say("en", "checkpoints.verified") in text
    proved = browser.get(CHECKPOINTS, params={"old": sizes[0], "new": sizes[-1]}).text
    assert say("en", "checkpoints.extends", old=sizes[0], new=sizes[-1]) in proved
    assert browser.get(CHECKPOINTS, params={"old": sizes[0] + 1, "new": sizes[-1]}).status_code == 404
    key = verifier_key(f"phasegate.example/{PROGRAMME}", LOG_KEY.public)
    assert open_checkpoint(browser.get(f"{CHECKPOINTS}/{sizes[0]}").content, [key]).size == sizes[0]
    assert browser.get(f"{CHECKPOINTS}/{sizes[0] + 1}").status_code == 404


def test_at_an_earlier_moment_later_checkpoints_are_not_listed(browser: httpx.Client, ledger: Ledger) -> None:
    text = browser.get(CHECKPOINTS, params={"at": "120"}).text
    listed = {int(size) for size in re.findall(rf"{CHECKPOINTS}/(\d+)", text)}
    assert listed == {row.size for row in ledger.checkpoints(PROGRAMME) if row.size <= 120}


def test_where_reading_is_for_those_who_signed_in_nobody_else_reads_the_log(home: Path) -> None:
    with visiting(home, console_reading="signed-in") as client:
        for path in (
            LOG,
            f"{LOG}/1",
            f"{LOG}/1/proof",
            f"{LOG}/1/entry",
            f"{LOG}/1/opening",
            CHECKPOINTS,
            f"{CHECKPOINTS}/39",
        ):
            assert client.get(path).status_code == 401
