"""Operations: every part up, and each of them away; what was refused; and that looking again reads only what is new."""

from __future__ import annotations

import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.web.application import create_app
from console.web.server import WebServer
from console.web.site import Site
from console.web.speech import say
from events.entry import decode_entry
from events.values import format_instant
from flows.columns import Columns
from flows.operating.prefect_runs import PrefectApi
from flows.operating.rate import ALL, rate_of
from infra.ledger import Ledger
from infra.settings import Settings
from tests.support.counted import statements
from tests.support.k_ai import PROGRAMME, played
from tests.support.prefect import own_prefect
from tests.support.website import Website, registration, signed_in

BROWSER = {"accept": "text/html", "accept-language": "en"}
OF_ONE = f"/programmes/{PROGRAMME}/operations"
BOUND_S = 30.0
"""Far more than five seconds, for a machine that is busy; far less than a client's own patience."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copy(played(), tmp_path / "ledger.sqlite")
    return tmp_path


@contextmanager
def visiting(settings: Settings) -> Iterator[tuple[httpx.Client, Site]]:
    app = create_app(settings)
    with (
        WebServer(app, "127.0.0.1", 0) as server,
        httpx.Client(base_url=server.url, headers=BROWSER, timeout=120) as client,
    ):
        yield client, app.state.site


def part(text: str, name: str) -> str:
    """The card of a part."""
    found = re.search(rf'<section class="card" aria-labelledby="part-{name}">(.*?)</section>', text, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.kafka
def test_with_everything_up_it_says_so_and_what_waits(site: Website) -> None:
    text = site.client.get("/operations", headers=BROWSER).text
    assert say("en", "operations.answers") in part(text, "broker")
    assert say("en", "operations.answers") in part(text, "database")
    assert say("en", "operations.has-all") in part(text, "recorder")
    site.sent(registration("ash"), site.key())
    deadline = time.monotonic() + 60
    while say("en", "operations.is-behind") not in part(text, "recorder"):
        assert time.monotonic() < deadline, "the record that waits is not told"
        text = site.client.get("/operations", headers=BROWSER).text
    assert "submissions/" in text
    site.record()


def test_a_broker_that_is_away_is_told_and_everything_else_is_shown(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with visiting(Settings(home=home, kafka=f"127.0.0.1:{port}")) as (client, _):
        text = client.get("/operations").text
    assert say("en", "operations.away") in part(text, "broker")
    assert "kafka-unreachable" in text
    assert say("en", "operations.answers") in part(text, "database")
    assert "source-not-authorised" in text


def test_parts_that_hang_are_told_within_bounds_and_not_waited_for_twice(home: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        visiting(Settings(home=home, kafka=f"127.0.0.1:{silent.getsockname()[1]}")) as (client, site),
    ):
        port = silent.getsockname()[1]
        site.operations.prefect = PrefectApi(f"http://127.0.0.1:{port}/api", f"http://127.0.0.1:{port}", {})
        began = time.monotonic()
        text = client.get("/operations").text
        assert time.monotonic() - began < BOUND_S
        assert say("en", "operations.answers") in part(text, "database")
        assert say("en", "operations.answers") not in part(text, "broker")
        assert say("en", "operations.answers") not in part(text, "flows")


def test_a_prefect_that_is_away_is_told(home: Path) -> None:
    with visiting(Settings(home=home)) as (client, site):
        assert say("en", "operations.not-named") in part(client.get("/operations").text, "flows")
        site.operations.prefect = PrefectApi("http://127.0.0.1:9/api", "http://127.0.0.1:9", {})
        text = client.get(OF_ONE).text
    assert say("en", "operations.away") in part(text, "flows")
    assert "http://127.0.0.1:9/api" in part(text, "flows")


def test_runs_are_those_of_prefect_and_of_the_programme(home: Path, tmp_path: Path) -> None:
    with own_prefect(tmp_path / "prefect") as prefect, visiting(Settings(home=home)) as (client, site):
        flow = prefect.ask("/flows/", {"name": "progress"})["id"]
        for programme, state in ((PROGRAMME, "COMPLETED"), (PROGRAMME, "FAILED"), ("another", "CRASHED")):
            prefect.ask(
                "/flow_runs/",
                {
                    "flow_id": flow,
                    "name": f"{programme} / {state.lower()}",
                    "parameters": {"programme": programme},
                    "state": {"type": state, "message": f"said by {state.lower()}"},
                },
            )
        site.operations.prefect = PrefectApi(prefect.api_url, "https://prefect.example", {})
        whole, own = client.get("/operations").text, client.get(OF_ONE).text
    assert "another / crashed" in whole
    assert "said by failed" in whole
    assert "another / crashed" not in own
    assert f"{PROGRAMME} / failed" in own
    assert "https://prefect.example/runs/flow-run/" in own


def test_refused_records_are_grouped_and_each_leads_to_one_against_its_schema(home: Path) -> None:
    with visiting(Settings(home=home)) as (client, _):
        text = client.get("/operations").text
        links = re.findall(r'href="([^"]*/operations/refused/\d+)"', text)
        assert len(links) == 2
        shown = client.get(links[0])
        assert shown.status_code == 200
        assert say("en", "operations.next") in shown.text
        assert "phasegate.score.recorded.v1.json" in shown.text
        assert client.get(f"{OF_ONE}/refused/0").status_code == 422
        assert client.get(f"{OF_ONE}/refused/99999").status_code == 404


def test_an_earlier_moment_has_what_was_on_record_then(home: Path) -> None:
    with visiting(Settings(home=home)) as (client, _):
        text = client.get(f"{OF_ONE}?at=600").text
        assert say("en", "operations.then") in text
        assert "source-not-authorised" in text
        assert "already-scored" not in text
        numbers = client.get(f"/programmes/{PROGRAMME}/rate.json?at=600").json()
        with closing(Ledger.open(f"sqlite:///{home}/ledger.sqlite")) as ledger:
            entries = [decode_entry(row.entry) for row in ledger.read(PROGRAMME, 0, 600)]
        assert sum(numbers["records"]) == len([entry for entry in entries if entry.of is None])
        whole = client.get("/operations/rate.json?span=all").json()
        assert sum(whole["records"]) == 3165
        assert client.get("/operations?span=ages").status_code == 400


def test_only_operators_see_it_once_somebody_signs_in(home: Path) -> None:
    settings = Settings(home=home, console_reading="signed-in")
    paths = (
        "/operations",
        OF_ONE,
        f"{OF_ONE}/refused/782",
        "/operations/rate.json",
        f"/programmes/{PROGRAMME}/rate.json",
    )
    with visiting(settings) as (client, _):
        assert {client.get(path).status_code for path in paths} == {401}
        signed_in(client, settings.database, "audrey", "auditor")
        assert {client.get(path).status_code for path in paths} == {403}
        assert "/operations" not in client.get(f"/programmes/{PROGRAMME}").text
        signed_in(client, settings.database, "oscar", "operator", programme="another")
        assert [client.get(path).status_code for path in paths] == [200, 403, 403, 200, 403]
        assert PROGRAMME not in client.get("/operations").text
        signed_in(client, settings.database, "olga", "operator", programme=PROGRAMME)
        assert {client.get(path).status_code for path in paths} == {200}


def test_looking_again_reads_nothing_of_the_entries_however_long_the_log_is(home: Path) -> None:
    with visiting(Settings(home=home)) as (_, site):
        counts = []
        for _ in range(2):
            deployment = site.operations._logs._ask()
            assert deployment.logs
            with statements(site.reading.ledger) as sent:
                site.operations._logs._ask()
            counts.append(len(sent))
            assert not [one for one in sent if "FROM entries e\nWHERE" in one or "LEFT JOIN openings" in one]
    assert counts[0] == counts[1] <= 6


def test_refused_records_of_a_log_are_read_by_the_thousand(home: Path) -> None:
    with closing(Ledger.open(f"sqlite:///{home}/ledger.sqlite")) as ledger, statements(ledger) as sent:
        assert len(ledger.overview().some(PROGRAMME, range(1, 900))) == 899
    assert len([one for one in sent if "IN (" in one]) == 1


def test_every_record_is_in_one_stretch_of_the_rate() -> None:
    columns: Any = Columns()
    for minute in (0, 1, 59, 60, 100_000, 100_001):
        columns._minutes[minute] += minute + 1
    whole = rate_of(columns.minutes(0), ALL, 0)
    assert sum(whole.records) == sum(columns._minutes.values())
    assert len(whole.records) <= 121
    hours = rate_of(columns.minutes(0), "hours", 100_001 * 60_000 + 59_999)
    assert hours.records[-2:] == (100_001, 100_002)
    assert format_instant(hours.ends_ms) == format_instant(100_001 * 60_000)
