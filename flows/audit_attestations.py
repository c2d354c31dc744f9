"""What others say in a log of having replayed it: each attestation, and whether it is of this very log."""

from __future__ import annotations

from dataclasses import dataclass

from events.announced import Acceptance, read_event
from events.audits import ReplayAttested
from events.bundle import OPENINGS
from events.derived import attestor_source
from events.entry import Entry, Opening
from events.envelope import Envelope
from events.errors import Tampered
from events.proofs import Read, root_from
from flows.audit_report import Attestation
from handlers.attestation import ATTESTED
from handlers.other_history import may_be_of_earlier


@dataclass(frozen=True, slots=True)
class _Said:
    index: int
    event: Envelope


class Attestations:
    """Gathered while the entries go by; checked when the whole tree is."""

    def __init__(self, programme: str, log: str) -> None:
        self._programme, self._log = programme, log
        self._said: list[_Said] = []
        self._acceptance = Acceptance()

    def saw(self, entry: Entry, opening: Opening | None) -> None:
        if entry.type == ATTESTED and (found := self._acceptance.counted(entry, opening)) is not None:
            self._said.append(_Said(entry.index, _event(entry.index, found)))

    def checked(self, read: Read) -> list[Attestation]:
        """All that were accepted, in the order of the log. Raises Tampered where the programme's own attestor speaks of
        another log than this; what others say is theirs to answer for. In a rebuilt log it may have
        spoken of the log before.
        """
        return [self._checked(said, read) for said in self._said]

    def _checked(self, said: _Said, read: Read) -> Attestation:
        data, source = said.event.data, said.event.source
        size, is_here = data["size"], False
        if size <= said.index:  # Nobody can have replayed what was not recorded yet.
            found = root_from(size, read).hex()
            is_here = found == data["root"]
            if not is_here and self._must_be_here(source):
                raise Tampered(
                    f"entry {said.index} attests root {data['root']} at size {size}, the log has {found} there",
                    file=OPENINGS, index=said.index, expected=found, found=data["root"], fault="attestation-of-another-log",
                )  # fmt: skip
        return Attestation(said.index, data["decision"], source, size, data["result"], is_here)

    def _must_be_here(self, source: str) -> bool:
        return source == attestor_source(self._programme) and not may_be_of_earlier(self._log, self._programme)


def _event(index: int, opening: Opening) -> Envelope:
    event = read_event(index, opening)
    try:
        ReplayAttested.model_validate(event.data)
    except ValueError as error:
        raise Tampered(f"entry {index} is accepted as an attestation, but is none: {error}", index=index) from error
    return event
