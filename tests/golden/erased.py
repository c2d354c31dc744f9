"""The small programme with a second phase: attested by the pipeline's attestor and by an auditor, then partly erased.

The first phase can be decided again after everything that is erased here, the second one cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from events.envelope import Envelope
from events.values import format_instant, parse_instant
from flows.attesting import TOPIC, replayed
from flows.attesting_bundle import audited
from flows.audit_report import Trust
from flows.office import message
from flows.reading import Reading
from handlers.decide import decision_id
from infra.bundle.reading import Files
from tests.support import attesting, small
from tests.support.attesting import AUDITOR, AUDITOR_KEY
from tests.support.bundles import Memory, exported, key_of
from tests.support.erasing import erasure, first_entry, place_of
from tests.support.long_told import registered
from tests.support.stage import LOG_KEY, OFFICE_KEY, Stage, memory_stage

BETWEEN = 60
"""Days from the one phase to the other."""
OVER = 90
"""The day of the programme after which nothing more is due."""


def rulebook() -> dict[str, Any]:
    rules = attesting.rulebook()
    (heat,) = rules["phases"]
    deadlines = {window: format_instant(ms + BETWEEN * small.DAY) for window, ms in small.DEADLINES.items()}
    finale = {name: heat[name] for name in ("criteria", "ties", "sign_off")}
    finale |= {"id": "finale", "opens": format_instant(_day(BETWEEN)), "windows": deadlines, "advance": {"places": "1"}}
    del heat["vacancies"]
    late = {"source": "urn:team:elm", "types": ["entrant.registered"], "entrant": "elm"}
    return {**rules, "sources": [*rules["sources"], late], "phases": [{**heat, "advance": {"places": "3"}}, finale]}


def _day(number: float) -> int:
    return small.OPENS + round(number * small.DAY)


def _in_finale(said: Envelope) -> Envelope:
    """What was said in the heat, said again in the other phase."""
    time = format_instant(parse_instant(said.time) + BETWEEN * small.DAY)
    return replace(said, id=f"{said.id}-finale", time=time, data={**said.data, "phase": "finale"})


def _signed(phase: str, day: float) -> Envelope:
    return replace(small.signature(decision_id(small.PROGRAMME, phase), _day(day)), id=f"signature-{phase}")


def _heat(on: Stage) -> None:
    on.tell(small.announced(rulebook()), *small.beginnings())
    on.progress(_day(0) + 1)
    on.tell(*small.submissions())
    on.progress(small.DEADLINES["submissions"] + 1)
    on.tell(*small.scores(), small.finding(), small.rebuttal())
    on.progress(small.DEADLINES["audits"] + 1)
    on.tell(small.ruling())
    on.progress(_day(22))
    on.tell(_signed("heat", 23))
    on.progress(_day(33) + 1)


def _finale(on: Stage) -> None:
    """Here a team registers that has come too late for anything, and a mark names a phase that there is not."""
    stray = small.scores()[2]
    on.tell(registered("elm", 40), replace(stray, id="stray", data={**stray.data, "phase": "nowhere"}))
    on.progress(_day(BETWEEN) + 1)
    on.tell(*(_in_finale(row) for row in small.submissions() if row.data["entrant"] != "birch"))
    on.progress(small.DEADLINES["submissions"] + BETWEEN * small.DAY + 1)
    on.tell(*(_in_finale(row) for row in small.scores() if row.data["entrant"] != "birch"))
    on.tell(_erasing(on, "erase-too-soon", 79, "score-cedar-art-ann-finale"))
    on.progress(small.DEADLINES["audits"] + BETWEEN * small.DAY + 1)
    on.tell(_signed("finale", 83))
    on.progress(_day(OVER))


def _erasing(on: Stage, event_id: str, day: float, *ids: str) -> Envelope:
    places = [place_of(first_entry(on.parts.ledger, one)) for one in ids]
    return erasure(*places, at_ms=_day(day), event_id=event_id)


def _attested(on: Stage) -> None:
    """By the attestor of the programme: what it has not said yet."""
    office = {OFFICE_KEY.kid: OFFICE_KEY.public}
    found = replayed(Reading(on.parts.ledger, on.parts.bus.partitions, office, (LOG_KEY.verifier,)), small.PROGRAMME)
    on.way.office.publish([(TOPIC, event) for event in found.new], found.stamp_ms)


def _by_auditor(on: Stage, day: float) -> None:
    """By the auditor, from a bundle of the log as it is."""
    with TemporaryDirectory() as folder:
        files = Files(Memory(exported(on, Path(folder) / "bundle")))
    _carry(on, audited(files, Trust(key_of(), (OFFICE_KEY.verifier,)), AUDITOR).attestations, day)


def _carry(on: Stage, said: Sequence[Envelope], day: float) -> None:
    on.send([message(TOPIC, event, AUDITOR_KEY, _day(day)) for event in said])
    on.record()


def erased_and_attested(folder: Path) -> Stage:
    """To its end, and what is said of it afterwards."""
    on = memory_stage(folder)
    _heat(on)
    _attested(on)
    _finale(on)
    _attested(on)
    _by_auditor(on, 91)
    on.tell(_erasing(on, "erase-marks", 92, "score-ash-art-ann-finale", "stray"))
    on.tell(_erasing(on, "erase-entrant", 93, "register-elm"))
    on.tell(_erasing(on, "erase-rules", 94, "announced"))
    on.tell(*(_in_finale(row) for row in small.scores() if row.id == "score-ash-art-ann"))  # a copy of what was erased
    _attested(on)  # nothing: what was said stays said, and the finale cannot be made again
    _by_auditor(on, 95)  # of the heat alone
    elsewhere = {"decision": decision_id(small.PROGRAMME, "heat"), "size": 20, "root": "ab" * 32, "result": "identical"}
    _carry(on, [small.event("replay.attested", "seen-elsewhere", AUDITOR, _day(96), **elsewhere)], 96)
    return on
