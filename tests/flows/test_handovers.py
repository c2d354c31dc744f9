"""One verification that follows a log whose key changed: from the first key to the one that signs now, and no other way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from events.bundle import CHECKPOINT, handover_path
from events.errors import Tampered
from events.note import VerifierKey, checkpoint_text, open_note, unverified
from events.record import TOPICS
from events.values import format_instant
from flows.audit_report import Findings, Trust
from flows.auditing import Audit
from flows.exporting import Exporter, View
from flows.key_changes import Change, about_log, change_key
from flows.office import message
from handlers.disclosure import to_everybody
from infra.bundle.reading import Files
from infra.bundle.writing import DirectoryWriter
from infra.keys import SigningKey, from_seed
from tests.support import small
from tests.support.bundles import Bundle, Memory, key_of, loaded, summed
from tests.support.stage import LOG_KEY, OFFICE_KEY, memory_stage

ORIGIN_NAME = key_of().name
FIRST, SECOND, THIRD, STRANGER = (
    key.named(ORIGIN_NAME) for key in (LOG_KEY, *(from_seed("log-n", bytes([seed]) * 32) for seed in (51, 52, 53)))
)
AT = small.OPENS + small.DAY


class Course:
    """A log that grows, changes its key, and is exported."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stage, self.now_ms = folder, memory_stage(folder / "stage"), AT
        self.stage.tell(small.announced(), *small.beginnings())
        self.stage.progress(small.OPENS + 1)

    def says(self, change: Change, key: SigningKey) -> None:
        """The office says so, from now on, and it is recorded."""
        self.now_ms += 1000
        state = self.stage.parts.reader().state(small.PROGRAMME)
        about = about_log(small.PROGRAMME)
        office = self.stage.way.office
        told = change_key(office, state, change, key.verifier, self.now_ms, reason="yearly", source=about)
        assert {entry.verdict for entry in told.entries} == {"accepted"}

    def grows(self) -> None:
        self.now_ms += 1000
        number = f"appoint-{self.now_ms}"
        self.stage.tell(
            small.event("evaluator.appointed", number, small.OFFICE, self.now_ms, evaluator=number, panel="jury")
        )

    def signs(self, key: SigningKey, before: SigningKey | None = None) -> bytes:
        """One more entry, recorded and signed for by a recorder that was started with these keys."""
        self.stage.recorder.close()
        self.stage.parts.log_key, self.stage.parts.log_key_before = key, before
        self.stage.recorder = self.stage.parts.recorder()
        self.grows()
        return self.stage.parts.ledger.checkpoints(small.PROGRAMME)[-1].note

    def exported(self, view: View | None = None) -> Bundle:
        head = self.stage.parts.ledger.head(small.PROGRAMME)
        assert head is not None
        keys = tuple(one.verifier for one in (FIRST, SECOND, THIRD, STRANGER))
        exporter = Exporter(self.stage.parts.ledger, 4, {OFFICE_KEY.kid: OFFICE_KEY.public}, keys)
        place = self.folder / f"bundle-{self.now_ms}-{view is None}"
        return loaded(exporter.export(head, DirectoryWriter(place), view).path)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def rotated_twice(course: Course) -> tuple[Bundle, list[bytes]]:
    """The bundle, and every checkpoint on the way."""
    notes = [course.signs(FIRST)]
    course.says("rotate", SECOND)
    notes += [course.signs(SECOND, FIRST), course.signs(SECOND)]
    course.says("rotate", THIRD)
    notes += [course.signs(THIRD, SECOND), course.signs(THIRD)]
    return course.exported(), notes


def verified(files: Bundle, key: VerifierKey = FIRST.verifier, since: bytes | None = None) -> Findings:
    return Audit(Files(Memory(files)), Trust(key, (OFFICE_KEY.verifier,), since)).run()


def refused(files: Bundle, match: str, key: VerifierKey = FIRST.verifier) -> Tampered:
    with pytest.raises(Tampered, match=match) as error:
        verified(files, key)
    return error.value


def handed(findings: Findings) -> list[tuple[VerifierKey, VerifierKey]]:
    return [(one.before, one.after) for one in findings.handed_over]


def test_a_log_that_changed_its_key_twice_is_verified_from_the_first_key_alone(course: Course) -> None:
    bundle, notes = rotated_twice(course)
    sizes = [unverified(note).size for note in notes]
    assert {path for path in bundle if path.startswith("handovers/")} == {handover_path(sizes[at]) for at in (1, 3)}
    assert bundle[handover_path(sizes[1])] == notes[1]
    found = verified(bundle)
    assert handed(found) == [(FIRST.verifier, SECOND.verifier), (SECOND.verifier, THIRD.verifier)]
    assert [one.size for one in found.handed_over] == [sizes[1], sizes[3]]
    assert found.checked["handovers"] == 2
    assert not [told for told in found.not_checked if "hand-overs" in told]


def test_a_later_key_is_verified_from_where_it_began(course: Course) -> None:
    bundle, _ = rotated_twice(course)
    assert handed(verified(bundle, SECOND.verifier)) == [(SECOND.verifier, THIRD.verifier)]
    last = verified(bundle, THIRD.verifier)
    assert last.handed_over == []
    assert [told for told in last.not_checked if "2 hand-overs" in told]


def test_an_older_checkpoint_may_be_signed_by_any_key_of_the_way(course: Course) -> None:
    bundle, notes = rotated_twice(course)
    for note in notes:
        assert verified(bundle, since=note).since == unverified(note).size
    with pytest.raises(Tampered, match="no known key signed"):
        verified(bundle, THIRD.verifier, since=notes[0])
    fork = FIRST.sign_note(checkpoint_text(unverified(notes[0])).replace(b"\n", b"\n1", 1))
    with pytest.raises(Tampered):
        verified(bundle, since=fork)


def test_the_checkpoint_itself_may_be_the_hand_over(course: Course) -> None:
    course.signs(FIRST)
    course.says("rotate", SECOND)
    course.signs(SECOND, FIRST)
    bundle = course.exported()
    assert not [path for path in bundle if path.startswith("handovers/")]
    for key in (FIRST, SECOND):
        assert verified(bundle, key.verifier).handed_over == []


def test_what_the_public_sees_is_followed_as_well(course: Course) -> None:
    rotated_twice(course)
    course.now_ms += 1
    public = course.exported(View("public", to_everybody("none")))
    assert len(verified(public).handed_over) == 2


def test_a_bundle_of_a_log_that_never_changed_its_key_says_nothing_of_it(course: Course) -> None:
    course.signs(FIRST)
    bundle = course.exported()
    assert "handovers" not in verified(bundle).checked
    assert b"handovers" not in bundle["README.txt"]


def changed(bundle: Bundle, path: str, change: Callable[[bytes], bytes]) -> Bundle:
    return summed({**bundle, path: change(bundle[path])})


def without_line_of(key: SigningKey) -> Callable[[bytes], bytes]:
    def change(note: bytes) -> bytes:
        text = note[: note.rfind(b"\n\n") + 1]
        return note.replace(key.line(text), b"")

    return change


def first_handover(bundle: Bundle) -> str:
    return min((p for p in bundle if p.startswith("handovers/")), key=lambda path: int(path.partition("/")[2]))


def test_a_hand_over_that_the_old_key_did_not_sign_is_refused(course: Course) -> None:
    bundle, _ = rotated_twice(course)
    path = first_handover(bundle)
    refused(changed(bundle, path, without_line_of(FIRST)), "no known key signed")
    error = refused(changed(bundle, path, without_line_of(SECOND)), "it is not signed by .* the hand-overs lead to")
    assert (error.details["file"], error.details["fault"]) == (CHECKPOINT, "not-followed")
    gone = {name: data for name, data in bundle.items() if name != path}
    refused(summed(gone), "no known key signed")


def test_a_line_of_the_old_key_that_is_not_its_signature_is_refused(course: Course) -> None:
    bundle, _ = rotated_twice(course)
    path = first_handover(bundle)
    text = bundle[path][: bundle[path].rfind(b"\n\n") + 1]
    wrong = FIRST.line(text + b"x")
    error = refused(changed(bundle, path, lambda note: note.replace(FIRST.line(text), wrong)), "does not verify")
    assert error.details["file"] == path


def test_a_key_that_added_its_own_line_to_a_checkpoint_is_not_trusted(course: Course) -> None:
    """Whoever has a checkpoint can do this. A stranger's log goes on from it, and all but the naming fits."""
    course.signs(FIRST)
    course.signs(STRANGER, FIRST)
    course.signs(STRANGER)
    bundle = course.exported()
    assert len([path for path in bundle if path.startswith("handovers/")]) == 1
    error = refused(bundle, "it is not signed by")
    assert "key.rotated" in error.hint


def test_a_key_that_is_named_only_after_the_hand_over_is_not_trusted(course: Course) -> None:
    course.signs(FIRST)
    course.signs(SECOND, FIRST)
    course.says("rotate", SECOND)
    course.signs(SECOND)
    refused(course.exported(), "it is not signed by")


def test_a_hand_over_of_another_history_is_refused(course: Course) -> None:
    bundle, notes = rotated_twice(course)
    path = first_handover(bundle)
    other = unverified(notes[0])
    text = checkpoint_text(unverified(notes[1])).replace(
        checkpoint_text(unverified(notes[1])).split(b"\n")[2], checkpoint_text(other).split(b"\n")[2]
    )
    error = refused(
        changed(bundle, path, lambda _: FIRST.sign_note(text) + SECOND.line(text)), "a checkpoint of another history"
    )
    assert (error.details["file"], error.details["fault"]) == (path, "handover-of-another-history")
    moved = summed({**{k: v for k, v in bundle.items() if k != path}, handover_path(3): bundle[path]})
    assert refused(moved, "a hand-over in this place").details["fault"] == "handover-misplaced"
    late = summed({**bundle, handover_path(unverified(notes[-1]).size + 5): bundle[path]})
    refused(late, "a hand-over in this place")


@pytest.mark.parametrize("name", ["handovers/03", "handovers/0", "handovers/x", "handovers/3.note", "handovers/3/1"])
def test_a_hand_over_has_one_name(course: Course, name: str) -> None:
    bundle, _ = rotated_twice(course)
    refused(summed({**bundle, name: b""}), "has no file")


def test_a_revoked_key_is_not_handed_to(course: Course) -> None:
    course.signs(FIRST)
    course.says("rotate", SECOND)
    course.says("revoke", SECOND)
    course.signs(SECOND, FIRST)
    course.signs(SECOND)
    refused(course.exported(), "it is not signed by")


def test_a_revoked_key_hands_nothing_over(course: Course) -> None:
    course.signs(FIRST)
    course.says("rotate", SECOND)
    course.says("revoke", FIRST)
    course.signs(SECOND, FIRST)
    course.signs(SECOND)
    error = refused(course.exported(), "which an entry under it revokes")
    assert error.details["fault"] == "key-revoked"


def test_a_key_may_be_revoked_after_it_handed_over_and_from_a_later_instant_on(course: Course) -> None:
    course.signs(FIRST)
    course.says("rotate", SECOND)
    at_ms = course.now_ms + 1
    data = {
        "source": about_log(small.PROGRAMME),
        "key": FIRST.vkey,
        "reason": "x",
        "from": format_instant(at_ms + 9000),
    }
    later = small.event("key.revoked", "later", small.OFFICE, at_ms, **data)
    course.stage.send([message(topic, later, OFFICE_KEY, at_ms) for topic in TOPICS])
    course.stage.record()
    course.signs(SECOND, FIRST)
    course.now_ms += 10_000
    course.signs(SECOND)
    assert handed(verified(course.exported())) == [(FIRST.verifier, SECOND.verifier)]


def test_a_checkpoint_over_the_revocation_of_its_own_key_is_refused(course: Course) -> None:
    course.signs(FIRST)
    course.says("revoke", FIRST)
    course.signs(FIRST)
    error = refused(course.exported(), "which an entry under it revokes")
    assert error.details["fault"] == "key-revoked"


def test_after_a_hand_over_the_old_key_alone_signs_nothing(course: Course) -> None:
    course.signs(FIRST)
    course.says("rotate", SECOND)
    course.signs(SECOND, FIRST)
    note = course.signs(FIRST)
    assert open_note(note, [FIRST.verifier])
    refused(course.exported(), "it is not signed by")


def test_a_log_may_go_back_to_a_key_that_it_had(course: Course) -> None:
    course.signs(FIRST)
    course.says("rotate", SECOND)
    course.signs(SECOND, FIRST)
    course.says("rotate", FIRST)
    course.signs(FIRST, SECOND)
    course.signs(FIRST)
    bundle = course.exported()
    assert [after for _, after in handed(verified(bundle))] == [SECOND.verifier, FIRST.verifier]
    assert [after for _, after in handed(verified(bundle, SECOND.verifier))] == [FIRST.verifier]


def test_a_size_that_nobody_signed_makes_no_names(course: Course) -> None:
    """A hostile bundle may claim any size before its signature can be judged."""
    bundle, _ = rotated_twice(course)
    note = bundle[CHECKPOINT]
    size = str(unverified(note).size).encode()
    huge = changed(bundle, CHECKPOINT, lambda note: note.replace(b"\n" + size + b"\n", b"\n9007199254740991\n", 1))
    refused(huge, "too few for 9007199254740991 entries")


def test_every_flip_in_a_hand_over_is_found(course: Course) -> None:
    bundle, _ = rotated_twice(course)
    for path in [name for name in bundle if name.startswith("handovers/")]:
        data = bundle[path]
        for at in range(0, len(data), 7):
            flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises(Tampered):
                verified({**bundle, path: flipped})
