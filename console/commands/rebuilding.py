"""`rebuild`: a new ledger from what Kafka holds, and nothing else, compared with the old one.

Needs Kafka and public keys; signs nothing, and changes neither Kafka nor the old ledger.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from flows.rebuilding import Decided, Gap, Places, Rebuilding
    from flows.same_records import Comparison
    from handlers.judge import Deployment
    from infra.kafka.bus import KafkaBus
    from infra.ledger import Ledger, Standing
    from infra.settings import Settings

DIFFERENT, INCOMPLETE = 4, 8


def rebuild(options: argparse.Namespace, report: Report) -> Result:
    """Exit code 4 when a verdict or a decision is another than in the old ledger, 8 when Kafka does not hold everything."""
    from flows.reading import deployment_of, trusted_office_keys
    from flows.wiring import open_bus

    settings = settings_of(options, report)
    with _old_ledger(settings, options.into, report) as old, closing(open_bus(settings, old)) as bus:
        deployment = deployment_of(bus.partitions, trusted_office_keys(settings))
        work = _Work(options, settings, bus, deployment, report)
        if old is not None and old.heads():
            work.compare_with(old)
        try:
            return work.run()
        except Unavailable:
            if missing := work.missing():  # deleted while it was being read
                return _incomplete(missing)
            raise


@contextmanager
def _old_ledger(settings: Settings, into: str, report: Report) -> Iterator[Ledger | None]:
    """The ledger of the settings; None, and a warning, where it is lost."""
    from console.commands.setup import without_password
    from flows.reading import open_ledger
    from infra.ledger.database import is_same_database

    if is_same_database(into, settings.database):
        raise Usage("--into names the ledger that is to be compared with", hint="name a database that is not there yet")
    try:
        old = open_ledger(settings)
    except Unavailable as error:
        url = without_password(settings.database)
        report.warn(f"compared with nothing, since the old ledger {url} cannot be read: {error.message}")
        yield None
        return
    with old:
        if not old.heads():
            report.warn(f"compared with nothing: the old ledger {without_password(settings.database)} is empty")
        yield old


class _Work:
    """One rebuild. `ends` is how far Kafka goes, `standing` how far the old ledger is, both when it began."""

    def __init__(
        self, options: argparse.Namespace, settings: Settings, bus: KafkaBus, deployment: Deployment, report: Report
    ) -> None:
        self._settings, self._bus, self._deployment, self._report = settings, bus, deployment, report
        self._into: str = options.into
        self._programme: str | None = options.programme
        self._old: Ledger | None = None
        self._standing: Standing | None = None
        self._ends = bus.ends()
        self._done: Places = {}

    def compare_with(self, old: Ledger) -> None:
        """Is called before `run`, where there is an old ledger with something in it."""
        self._old, self._standing = old, old.standing()

    def missing(self) -> list[Gap]:
        from flows.rebuilding import gaps

        return gaps(self._bus, self._ends, self._standing, self._done)

    def run(self) -> Result:
        from flows.erasures_ahead import known_erasures
        from flows.rebuilding import Rebuilding, clock_of, decide_again, origin_for
        from infra.ledger import Ledger
        from infra.ledger.database import is_blank, upgrade

        is_new = is_blank(self._into)
        if not is_new:
            with Ledger.open(self._into) as begun:
                self._done = begun.positions(self._ends)
        if missing := self.missing():
            return _incomplete(missing)
        if is_new:
            upgrade(self._into)
        with Ledger.open(self._into) as new:
            origin = origin_for(new, self._settings.origin)
            new.bind(self._bus.prefix, self._bus.partitions, clock_of(self._bus, self._ends))
            erased = known_erasures(self._bus, self._deployment, self._ends)
            with closing(Rebuilding(self._bus, new, self._deployment, origin, erased)) as rebuilding:
                compared = self._compared(new, rebuilding)
                self._record(rebuilding, self._ends, "recording what came later" if compared else "recording")
            with self._report.progress("deciding again", sum(h.size for h in new.heads())) as advance:
                decided = decide_again(new, self._deployment, self._programme, advance)
            if self._programme is not None and new.head(self._programme) is None:
                raise NotFound(f"Kafka has no record of {self._programme!r}", hint="leave it out to see all logs")
            return self._result(new, origin, compared, decided)

    def _record(self, rebuilding: Rebuilding, stops: Places, what: str) -> None:
        with self._report.progress(what, sum(stops.values())) as advance:
            rebuilding.record_up_to(stops, advance)

    def _compared(self, new: Ledger, rebuilding: Rebuilding) -> Comparison | None:
        """Both ledgers when they have recorded exactly the same; None without an old one."""
        from flows.same_records import compare

        if self._old is None or self._standing is None:
            return None
        stops = {place: self._standing.positions.get(place, 0) for place in self._ends}
        self._record(rebuilding, stops, "recording what the old ledger has")
        self._report.say("comparing the two ledgers, record by record")
        return compare(new, self._old, self._standing, self._programme)

    def _result(self, new: Ledger, origin: str, compared: Comparison | None, decided: Decided) -> Result:
        from console.commands.setup import without_password

        later = sum(self._ends.values()) - sum(self._standing.positions.values()) if self._standing else 0
        data: dict[str, Any] = {
            "into": without_password(self._into),
            "origin": origin,
            "logs": [{"programme": head.programme, "size": head.size} for head in new.heads()],
            "compared_with": without_password(self._settings.database) if compared else None,
            "verdicts": compared.records.data() if compared else None,
            "without_content": compared.without_content if compared else 0,
            "later": later,
            "decisions": decided.decisions.data(),
            "earlier_log": decided.earlier,
            "first_difference": _first(compared, decided),
        }
        shown = partial(_show, data=data)
        if (first := data["first_difference"]) is None:
            return Result(data, shown)
        problem = f"the first difference is at {first['position']}: {_sentence(first)}"
        return Result(data, shown, DIFFERENT, problem, "phasegate log shows what either ledger has of it")


def _first(compared: Comparison | None, decided: Decided) -> dict[str, Any] | None:
    """The first record that differs, else the first decision that does not follow."""
    if compared is not None and (found := compared.first) is not None:
        return {
            "programme": found.programme, "position": str(found.at), "what": "record", "member": found.member,
            "expected": found.expected, "found": found.found,
        }  # fmt: skip
    if decided.first is None:
        return None
    programme, difference, position = decided.first
    return {
        "programme": programme, "position": position, "what": difference.what, "member": difference.member,
        "expected": difference.replayed, "found": difference.recorded,
    }  # fmt: skip


def _incomplete(missing: list[Gap]) -> Result:
    problem = f"Kafka does not hold everything that a ledger is made of: {missing[0]}"
    if len(missing) > 1:
        problem += f" (and {len(missing) - 1} more)"
    hint = "nothing was made; a backup of the ledger, or a bundle of it, is what is left of those records"
    data = {"missing": [gap.data() for gap in missing]}
    return Result(data, partial(_show_missing, missing=missing), INCOMPLETE, problem, hint)


def _show_missing(console: Console, missing: list[Gap]) -> None:
    for gap in missing:
        console.print(str(gap), soft_wrap=True)


def _sentence(first: Mapping[str, Any]) -> str:
    return f"{first['what']}, {first['member']}: expected {first['expected']!r}, found {first['found']!r}"


def _show(console: Console, data: Mapping[str, Any]) -> None:
    """The result in a few lines."""
    console.print(f"{data['into']}: {len(data['logs'])} logs of {data['origin']}", soft_wrap=True)
    if data["compared_with"] is None:
        console.print("  compared with nothing")
    else:
        console.print(f"  compared with {data['compared_with']}", soft_wrap=True)
        console.print(f"  verdicts   {_tally(data['verdicts'])}")
    console.print(f"  decisions  {_tally(data['decisions'])}, {data['earlier_log']} of them made from an earlier log")
    if data["without_content"]:
        console.print(
            f"  {data['without_content']} erased records; what is said of them is compared, not what they held"
        )
    if data["later"]:
        console.print(f"  {data['later']} offsets came after what the old ledger has; they are recorded, not compared")
    if first := data["first_difference"]:
        console.print(
            f"  first difference at {first['position']} ({first['programme']}): {_sentence(first)}", soft_wrap=True
        )
    console.print(f"to go on with it: PHASEGATE_ORIGIN={data['origin']} and PHASEGATE_DATABASE, then phasegate record",
                  soft_wrap=True)  # fmt: skip


def _tally(tally: Mapping[str, int]) -> str:
    parts = ("checked", "identical", "different", *(("unchecked",) if tally["unchecked"] else ()))
    return ", ".join(f"{tally[part]} {part}" for part in parts)
