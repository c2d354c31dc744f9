"""Tampered golden programmes: each defect is refused, by its own error."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from console.main import main
from events.bundle import CHECKPOINT
from events.errors import Tampered, Unavailable
from events.witnessing import format_add_checkpoint
from flows.audit_faults import named
from flows.auditing import Audit
from infra.bundle.reading import Files
from tests.golden.defects import DEFECTS, Defect
from tests.golden.forged_bytes import WITNESSES
from tests.golden.forging import Attempt, Forger, with_data
from tests.golden.recordings import Golden, find
from tests.support import small
from tests.support.bundles import Memory, summed
from tests.support.stage import LOG_KEY, OFFICE_KEY
from tests.support.witnesses import witness

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"
WHOLE = find("whole-life")
each = pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name.replace(" ", "-"))


def audited(attempt: Attempt, golden: Golden = WHOLE) -> None:
    Audit(Files(Memory(attempt.files)), attempt.trust(golden.trust)).run()


def error_of(defect: Defect) -> Tampered:
    golden = find(defect.of)
    attempt = defect.make(Forger(golden))
    with pytest.raises(Tampered) as error:
        audited(attempt, golden)
    return named(error.value)


def about(error: Tampered) -> tuple[str, ...]:
    """What tells errors of one code apart: the type, and the reason or the member."""
    details = error.details
    words = (details.get("type", ""), details.get("reason") or details.get("member") or "")
    short = str(words[0]).removeprefix("phasegate.").removesuffix(".v1")
    return tuple(word for word in (short, str(words[1])) if word)


@each
def test_the_defect_is_refused_by_its_own_error(defect: Defect) -> None:
    """Code, place, and the values where there are two."""
    error = error_of(defect)
    found = about(error)
    assert (error.details["fault"], len(error.message) > 20) == (defect.fault, True), error.message
    assert found[: len(defect.about)] == defect.about or _within(found, defect.about), (found, error.message)
    assert error.details.get("file"), error.message


def _within(found: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """`data.outcomes` covers `data.outcomes[1].outcome`; a verdict that is to be another says no member."""
    return len(found) >= len(wanted) and all(one.startswith(two) for one, two in zip(found, wanted, strict=False))


def test_no_two_defects_have_one_error() -> None:
    told = Counter((defect.fault, *defect.about) for defect in DEFECTS)
    assert [error for error, count in told.items() if count > 1] == []
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) > 50


@pytest.mark.parametrize("name", sorted({defect.of for defect in DEFECTS}))
def test_what_was_not_changed_is_right_when_it_is_made_anew(name: str) -> None:
    """So that each error is of the defect, and not of how it was made."""
    audited(Attempt(Forger(find(name)).sealed()), find(name))


@pytest.mark.parametrize(
    "name", ["the end cut off, or an old state restored", "a history written anew and signed again"]
)
def test_another_history_that_is_right_in_itself_needs_an_older_checkpoint(name: str) -> None:
    """Nothing in these bundles contradicts anything: whoever holds no checkpoint sees nothing."""
    (defect,) = [one for one in DEFECTS if one.name == name]
    audited(Attempt(defect.make(Forger(WHOLE)).files))


def test_the_guide_names_every_defect_with_its_error() -> None:
    section = (
        GUIDE.read_text(encoding="utf-8").partition("\n## Defects")[2].partition("| --- |")[2].partition("\n\n")[0]
    )
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in section.splitlines()[1:]]
    said = {(name, fault.strip("`")): re.findall("`([^`]+)`", rest) for name, fault, rest in rows}
    assert said == {(defect.name, defect.fault): list(defect.about) for defect in DEFECTS}


def test_the_command_exits_with_3_and_names_the_fault(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (defect,) = [one for one in DEFECTS if one.fault == "records-reordered"]
    place = tmp_path / "forged.zip"
    with zipfile.ZipFile(place, "w") as file:
        for path, data in defect.make(Forger(WHOLE)).files.items():
            file.writestr(path, data)
    code = main(["verify", str(place), "--vkey", WHOLE.said["vkey"], "--office", WHOLE.said["office"][0], "--json"])
    error = json.loads(capfd.readouterr().out)["error"]
    assert code == 3
    assert error["code"] == "tampered"
    assert error["details"]["fault"] == "records-reordered"
    assert {"file", "index", "expected", "found"} <= error["details"].keys()
    place.write_bytes(place.read_bytes()[:-30])
    assert main(["verify", str(place), "--vkey", WHOLE.said["vkey"], "--json"]) == 3
    assert json.loads(capfd.readouterr().out)["error"]["details"]["fault"]


def test_an_unsigned_change_is_told_before_what_follows_from_it() -> None:
    """A bundle whose bytes were never signed says nothing about the log, whatever its decisions say."""
    forger = Forger(WHOLE)
    index = forger.first("phase.decided")
    forger.say(index, forger.event(index), None)
    with pytest.raises(Tampered) as error:
        audited(Attempt(forger.unsigned()))
    assert error.value.details["fault"] == "root-not-signed"
    with pytest.raises(Tampered) as error:
        audited(Attempt(summed(forger.sealed())))
    assert error.value.details["fault"] == "to-be-refused"


def test_a_receipt_that_runs_backwards_and_changes_nothing_is_said() -> None:
    """It is no contradiction: a broker's clock may step back. So it stands among what was not checked."""
    forger = Forger(WHOLE)
    last = max(forger.openings)
    forger.entry(last, received_by="broker", received_ms=forger.entries[last].received_ms - 40 * small.DAY)
    told = Audit(Files(Memory(forger.sealed())), WHOLE.trust).run().not_checked
    assert [line for line in told if line.startswith("1 receipts that are earlier")]
    assert not [
        line for line in Audit(Files(Memory(WHOLE.files)), WHOLE.trust).run().not_checked if "earlier than" in line
    ]


def test_an_engine_that_this_build_does_not_have_is_no_verdict_about_the_log() -> None:
    """Exit code 7 and not 3: somebody else's build can say what this one cannot."""
    forger = Forger(WHOLE)
    index = forger.first("programme.announced")
    forger.say(index, with_data(forger.event(index), engine="9"), OFFICE_KEY)
    with pytest.raises(Unavailable, match="engine '9'"):
        audited(Attempt(forger.sealed()))


def test_a_witness_refuses_a_history_that_was_written_anew(tmp_path: Path) -> None:
    """It has cosigned the true checkpoint: at that size no other root, and no smaller size."""
    log = LOG_KEY.named(WHOLE.said["origin"])
    knows = witness(tmp_path / "seen.sqlite", WITNESSES[0], log)
    assert knows.answer(format_add_checkpoint(0, (), WHOLE.files[CHECKPOINT])).status == 200
    forger = Forger(WHOLE)
    forger.reopen(max(forger.openings), salt=bytes(32))
    size = len(forger.entries)
    forked = knows.answer(format_add_checkpoint(size, (), forger.sealed()[CHECKPOINT]))
    assert (forked.status, b"was cosigned, this is" in forked.body) == (422, True)
    (cut,) = [one for one in DEFECTS if one.fault == "cut-off"]
    older = knows.answer(format_add_checkpoint(0, (), cut.make(Forger(WHOLE)).files[CHECKPOINT]))
    assert (older.status, older.body) == (409, b"%d\n" % size)
