"""The audit lab: bundles that hold, that do not, and that are none."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from console.web.pages import lab
from console.web.speech import LANGS, say
from events.note import format_vkey
from flows.exporting import Exporter
from infra.bundle.writing import ZipWriter
from infra.ledger import Ledger
from infra.settings import Settings
from tests.console.web.test_pages import Outline, visiting
from tests.support.bundles import key_of
from tests.support.k_ai import PROGRAMME, played
from tests.support.stage import LOG_KEY, OFFICE_KEY
from tests.support.website import not_signed_in

LAB = f"/programmes/{PROGRAMME}/lab"
VKEY = format_vkey(key_of(PROGRAMME))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(played(), folder / "ledger.sqlite")
    return folder


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[httpx.Client]:
    with visiting(home) as client:
        yield client


@pytest.fixture(scope="module")
def bundle(home: Path) -> bytes:
    with Ledger.open(Settings(home=home).database) as ledger:
        head = ledger.head(PROGRAMME)
        stream = ledger.stream()
        assert head is not None
        assert stream is not None
        office = {OFFICE_KEY.kid: OFFICE_KEY.public}
        exporter = Exporter(ledger, stream.partitions, office, (LOG_KEY.verifier,))
        return exporter.export(head, ZipWriter(home / "bundle.zip")).path.read_bytes()


def sent(browser: httpx.Client, data: bytes, vkey: str = VKEY, **more: str) -> httpx.Response:
    field = not_signed_in(browser)
    return browser.post(LAB, files={"bundle": ("some bundle.zip", data)}, data={"vkey": vkey, **field, **more})


def changed(bundle: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The bundle with other files."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize("lang", LANGS)
def test_the_form_is_well_formed_in_each_language(browser: httpx.Client, lang: str) -> None:
    answer = browser.get(LAB, params={"lang": lang})
    browser.cookies.clear()
    page = Outline(answer.text)
    assert answer.status_code == 200
    assert len(page.ids) == len(set(page.ids))
    labelled = {one.get("for") for one in page.all("label")}
    assert all(one.get("id") in labelled for one in page.all("input") if one.get("type") != "hidden")
    described = {name for one in page.all("input") for name in (one.get("aria-describedby") or "").split()}
    assert described <= set(page.ids)


def test_a_bundle_that_holds_is_said_to_hold_with_everything_that_was_checked(
    browser: httpx.Client, bundle: bytes
) -> None:
    answer = sent(browser, bundle, office=format_vkey(OFFICE_KEY.verifier))
    assert answer.status_code == 200
    assert say("en", "lab.holds") in answer.text
    for name in ("entries", "verdicts", "decisions", "openings"):
        assert say("en", f"lab-check.{name}") in answer.text
    assert "--office" not in answer.text


def test_without_the_offices_key_the_result_says_what_was_believed(browser: httpx.Client, bundle: bytes) -> None:
    assert "--office" in sent(browser, bundle).text


def test_a_bundle_with_another_entry_is_refused_with_what_is_wrong(browser: httpx.Client, bundle: bytes) -> None:
    def forge(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.startswith("tile/entries/"))
        files[name] = files[name].replace(b'"accepted"', b'"rejected"', 1)

    answer = sent(browser, changed(bundle, forge))
    assert answer.status_code == 422
    assert say("en", "lab.broken") in answer.text
    assert "tile/entries/" in answer.text
    assert say("en", "lab.holds") not in answer.text


def test_a_bundle_under_another_key_is_refused(browser: httpx.Client, bundle: bytes) -> None:
    answer = sent(browser, bundle, format_vkey(OFFICE_KEY.named(key_of(PROGRAMME).name).verifier))
    assert answer.status_code == 422
    assert say("en", "lab.broken") in answer.text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"no zip at all",
        zipped({}),
        zipped({"../../etc/passwd": b"x"}),
        zipped({"/checkpoint": b"x"}),
        zipped({"checkpoint": b"x\n"}),
        zipped({"checkpoint": b"\0" * (64 << 20)}),
    ],
    ids=["empty", "two bytes", "text", "no files", "climbs", "absolute", "no checkpoint", "bomb"],
)
def test_what_is_no_bundle_is_refused_in_words(browser: httpx.Client, data: bytes) -> None:
    answer = sent(browser, data)
    assert answer.status_code == 422
    assert say("en", "lab.broken") in answer.text
    assert "phasegate-upload" not in answer.text


def test_a_field_that_cannot_be_used_says_why(browser: httpx.Client, bundle: bytes) -> None:
    answer = sent(browser, bundle, "<b>no key</b>")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "<b>no" not in answer.text
    field = not_signed_in(browser)
    assert browser.post(LAB, files={"other": b"x"}, data={"vkey": VKEY, **field}).status_code == 422


def test_more_than_is_read_is_refused(browser: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "BYTES_MAX", 1000)
    assert sent(browser, b"x" * 2000).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="bundle"; filename="x"\r\n\r\n'
        yield from [b"x" * 500] * 10

    answer = browser.post(LAB, content=chunks(), headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"vkey=x", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"no boundary", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--", 400),
        ("multipart/form-data; boundary=" + "b" * 500, b"--", 400),
        ("", b"", 415),
    ],
)
def test_a_body_that_is_no_form_is_refused(browser: httpx.Client, kind: str, body: bytes, status: int) -> None:
    assert browser.post(LAB, content=body, headers={"content-type": kind}).status_code == status


def test_another_site_cannot_send_the_form(browser: httpx.Client, bundle: bytes) -> None:
    answer = browser.post(LAB, files={"bundle": bundle}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_nothing_is_verified_for_a_programme_that_is_none_or_for_those_who_may_not_read(home: Path) -> None:
    with visiting(home) as client:
        assert client.post("/programmes/nobody/lab", files={"bundle": b"x"}).status_code == 404
    with visiting(home, console_reading="signed-in") as client:
        assert client.get(LAB).status_code == 401
        assert client.post(LAB, files={"bundle": b"x"}).status_code == 401
