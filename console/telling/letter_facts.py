"""What a letter rests on beyond the explanation: what was published, what the programme is called, and the proofs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.telling.letter_parts import Proofs
from console.telling.sentences import Words
from events.note import format_vkey
from handlers.explanation import Explanation
from handlers.state import PhaseState, State

if TYPE_CHECKING:
    from flows.proving import Cosigned
    from flows.reading import Reading


def published(phase: PhaseState, told: Explanation) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The profiles that were published of the decision, in the order of time, and what they show together. Outcomes are
    public with the decision.
    """
    if told.decided is None:
        return (), {}
    decision = phase.decisions[told.decided.id]
    figures: dict[str, Any] = {"outcomes": decision.fact.data["outcomes"]}
    for fact in decision.published.values():
        figures |= {name: shown for name, shown in fact.data["figures"].items() if name != "outcomes"}
    return tuple(decision.published), figures


def programme_title(state: State, words: Words) -> str:
    """What the programme is called. A scenario says with its announcement what of it is made up."""
    announced = {} if state.announced is None else state.announced.data.get("title") or {}
    titles = announced or (state.rulebook.title if state.rulebook else None) or {}
    return titles.get(words.lang) or titles.get("en") or state.programme


def proofs_of(reading: Reading, told: Explanation, stem: str, ask: Cosigned) -> Proofs | None:
    """Of the decision and of the assessment, with what opens the latter; None where there is no assessment. Raises NotFound
    without a checkpoint that covers them.
    """
    from flows.proving import opening_line, prove_entry

    if "assessment" not in told.proved:
        return None
    head = reading.head(told.programme)
    found = {name: prove_entry(reading, head, index, ask) for name, index in told.proved.items()}
    opening = opening_line(reading, told.programme, told.proved["assessment"])
    files: dict[str, bytes] = {}
    for name, one in found.items():
        files |= {f"{stem}-{name}.tlog-proof": one.proof, f"{stem}-{name}.entry.json": one.entry}
    opens = f"{stem}-assessment.opening.json"
    files[opens] = opening
    one = next(iter(found.values()))
    checks = tuple(
        f"phasegate verify {stem}-{name}.tlog-proof --entry {stem}-{name}.entry.json"
        + (f" --opening {opens}" if name == "assessment" else "")
        + " --vkey KEY"
        for name in found
    )
    signed, vkey = one.checkpoint, format_vkey(one.key)
    return Proofs(signed.size, signed.root.hex(), signed.origin, vkey, files, checks, opens)
