"""Field types that the events share: ids, instants, exact numbers, texts by language."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from events.errors import Refused
from events.note import parse_vkey
from events.values import format_instant, parse_instant


class Payload(BaseModel):
    """The `data` of an event: closed and frozen, so that what is stored is all there is."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _instant(text: str) -> str:
    if format_instant(parse_instant(text)) != text:
        raise ValueError(f"{text!r} must be written with milliseconds, such as 2026-01-15T06:00:00.000Z")
    return text


def _vkey(text: str) -> str:
    try:
        parse_vkey(text)
    except Refused as error:
        raise ValueError(error.message) from error
    return text


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""An id given by people: programme, phase, entrant, evaluator, panel, gate, count, item."""

Criterion = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}(\.[a-z0-9][a-z0-9-]{0,63}){0,7}$")]
"""A criterion by its dotted path, such as `benchmark.nia`."""

EventId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
"""The `id` of an event: printable ASCII without spaces."""

Window = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,31}(:[!-~]{1,128})?$")]
"""A window: registration, call, submissions, scores, audits, objections, or one of its kind by what follows the colon:
`submissions:<entrant>`, `rebuttal:<finding id>`, `reopened:<phase.reopened id>`, `objections:<round>` (docs/reference.md).
"""

Number = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$")]
"""An exact decimal as text: no exponent, at most 18 digits on each side of the point."""

Exact = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]*)((\.[0-9]+)|(/[1-9][0-9]*))?$")]
"""A computed exact value: a decimal, or `p/q` in lowest terms where it does not terminate."""

Instant = Annotated[str, AfterValidator(_instant)]
"""RFC 3339 UTC with milliseconds."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

Vkey = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s+]{1,256}\+[0-9a-f]{8}\+A[Q-Za-f][A-Za-z0-9+/]{42}$"),
    AfterValidator(_vkey),
]
"""A public key of plain Ed25519 (type 01) as `events.note.format_vkey` writes it."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
"""A text written by a person, in the language they chose."""

Texts = dict[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")], Text]
"""A text for people by BCP 47 language tag."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,63}$")]
"""A code from one of the published tables."""

EngineId = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}$")]
"""A version of the rules by which records are judged and phases decided: a counting number."""
