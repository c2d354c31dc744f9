"""Golden programmes: what an engine recorded once, every build finds again, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from console.main import main
from events import merkle
from events.bundle import OPENINGS, encode_opening
from events.decisions import Basis
from events.entry import decode_entry, encode_entry
from events.envelope import decode, encode
from events.names import TYPES
from events.rulebook_fields import Rounding
from events.rulebook_steps import Across, OverEvaluators, OverItems
from handlers import decide
from handlers.engines import ENGINES, NEWEST
from handlers.holes import Hidden
from handlers.judge import Deployment
from handlers.reasons import REASONS
from handlers.replay import Replay
from handlers.rests import is_decision_doubtful
from handlers.state import Decision, State
from tests.golden import __main__ as command
from tests.golden.programmes import PROGRAMMES, judged_sport
from tests.golden.recordings import Golden, find, folded, found, goldens, holes, record

GOLDENS = goldens()
NAMES = [f"{golden.place.parent.name}/{golden.place.stem}" for golden in GOLDENS]
NO_HOLES: dict[str, list[int]] = {"records": [], "verdicts": [], "decisions": []}

each = pytest.mark.parametrize("golden", GOLDENS, ids=NAMES)


def test_every_engine_of_this_build_has_every_golden_programme() -> None:
    assert {golden.said["engine"] for golden in GOLDENS} == set(ENGINES)
    assert {path.place.stem for path in GOLDENS if path.said["engine"] == NEWEST} == set(PROGRAMMES)
    assert all(golden.place.parent.name == f"engine-{golden.said['engine']}" for golden in GOLDENS)


def verified(golden: Golden, capfd: pytest.CaptureFixture[str]) -> Any:
    """What `verify` says of it to an auditor, who has the log's key and the office's first one."""
    keys = ["--vkey", golden.said["vkey"], "--office", golden.said["office"][0]]
    assert main(["verify", str(golden.place), *keys, "--json"]) == 0
    return json.loads(capfd.readouterr().out)["data"]


@each
def test_verify_finds_it_right_with_the_recorded_counts(golden: Golden, capfd: pytest.CaptureFixture[str]) -> None:
    data = verified(golden, capfd)
    assert (data["origin"], data["size"], data["root"]) == tuple(
        golden.said[name] for name in ("origin", "size", "root")
    )
    assert {name: data["checked"][name] for name in golden.said["checked"]} == golden.said["checked"]


@each
def test_what_was_decided_is_what_was_recorded(golden: Golden) -> None:
    """Every phase, decision, outcome, total and hash, in the words of the recording."""
    here = found(golden)
    checked = here.pop("checked")
    assert {name: checked[name] for name in golden.said["checked"]} == golden.said["checked"]
    assert here == {name: golden.said[name] for name in here}


@each
def test_every_entry_and_opening_has_the_same_bytes_when_it_is_written_again(golden: Golden) -> None:
    stack = list[bytes]()
    for row in golden.rows:
        assert encode_entry(decode_entry(row.entry)) == row.entry
        merkle.append(stack, row.index, merkle.leaf_hash(row.entry))
    assert merkle.root(stack).hex() == golden.said["root"]
    openings = [(row.index, row.opening) for row in golden.rows if row.opening is not None]
    assert b"".join(encode_opening(*one) for one in openings) == golden.files[OPENINGS]


@each
def test_every_verdict_and_every_event_of_the_pipeline_comes_out_the_same(golden: Golden) -> None:
    partitions = json.loads(golden.files["deployment.json"])["partitions"]
    keys = {f"{key.name}+{key.key_id.hex()}": key.public for key in golden.trust.office}
    deployment = Deployment(partitions, keys)
    replay = Replay(golden.log, golden.said["origin"], deployment, details=False, hidden=lambda _index: Hidden())
    for row in golden.rows:
        replay.feed(row)
    report = replay.finish()
    assert report.is_identical, report.first_difference
    assert holes(report) == golden.said.get("holes", NO_HOLES)
    assert report.verdicts.identical + len(report.verdicts.unchecked) == golden.said["size"]
    assert report.decisions.identical == golden.said["checked"]["decisions"]


def of(state: State) -> Iterator[tuple[str, Decision]]:
    return ((phase_id, row) for phase_id, phase in state.phases.items() for row in phase.decisions.values())


@each
def test_every_decision_follows_from_the_entries_below_its_cut_alone(golden: Golden) -> None:
    """Without replay: the log is folded up to what the basis names, and decided from there. Those that rest on what was
    erased, and no others, are said to be such.
    """
    state = folded(golden.log, golden.rows)
    lost, made = golden.said.get("holes", NO_HOLES)["decisions"], 0
    for phase_id, decision in of(state):
        basis = decision.fact.data["basis"]
        before = folded(golden.log, golden.rows[: basis["size"]])
        assert (decision.fact.index in lost) == is_decision_doubtful(before, phase_id)
        if decision.fact.index in lost:
            made += len(decision.fact.data["assessments"]) + 1
            continue
        stated = Basis(**basis)
        recorded = {
            row.event.id: encode(row.event) for row in [*state.phases[phase_id].assessed.values(), decision.fact]
        }
        for _, event in decide.phase_decided(before, phase_id, stated):
            assert encode(event) == recorded[event.id]
            made += 1
    assert made == sum(len(row["events"]) for row in golden.said["decisions"])


def test_what_was_erased_and_what_rests_on_it_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """By `verify`: a mark, a refused mark and a registration; the finale, and nothing of the heat."""
    golden = find("erased-and-attested")
    told = "\n".join(verified(golden, capfd)["not_checked"])
    lost = golden.said["holes"]
    assert "3 records, erased as the log says: 1 entrant.registered, 2 score.recorded; entries " in told
    assert ", ".join(map(str, lost["records"])) in told
    assert f"{len(lost['verdicts'])} verdicts that may rest on records that are not there" in told
    assert (
        f"decisions that may rest on records that are not there: entries {', '.join(map(str, lost['decisions']))}"
        in told
    )
    state = folded(golden.log, golden.rows)
    indexes = {phase_id: decision.fact.index for phase_id, decision in of(state)}
    assert (indexes["heat"] in lost["decisions"], indexes["finale"] in lost["decisions"]) == (False, True)


def test_who_attested_which_decision_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """The attestor each one once, the auditor both and then, after the erasure, the heat alone; and one of another log."""
    golden = find("erased-and-attested")
    rows = verified(golden, capfd)["attested"]
    phases = {list(row["events"])[-1]: row["phase"] for row in golden.said["decisions"]}
    said = [(row["source"].rpartition(":")[2], phases[row["decision"]], row["same_log"]) for row in rows]
    assert said == [
        ("attestor", "heat", True),
        ("attestor", "finale", True),
        ("auditor", "heat", True),
        ("auditor", "finale", True),
        ("auditor", "heat", True),
        ("auditor", "heat", False),
    ]


def test_the_goldens_hold_every_stored_name_that_this_build_can_record() -> None:
    """So that no rule of an engine is without a record of it."""
    values = [row.opening.value for golden in GOLDENS for row in golden.rows if row.opening is not None]
    recorded = {decode(value).type for value in values if value is not None and b"specversion" in value}
    assert sorted(TYPES.keys() - recorded) == []


def test_the_goldens_hold_every_verdict_and_what_pended_to_each_end() -> None:
    verdicts = {name for golden in GOLDENS for name in golden.said["verdicts"]}
    assert {name.split()[0] for name in verdicts} == {"accepted", "refused", "duplicate", "pending"}
    assert {"accepted after pending", "refused late after pending"} <= verdicts
    assert len({name for name in verdicts if name.startswith("refused")}) > 12


def test_the_goldens_hold_every_reason_of_a_decision() -> None:
    reasons = {
        code
        for golden in GOLDENS
        for row in golden.said["decisions"]
        for codes in row["reasons"].values()
        for code in codes
    }
    assert REASONS.keys() - reasons == {"tie-unresolved"}  # which holds a phase, and is in no decision
    held = [row for golden in GOLDENS for row in golden.rows if b'"type":"phasegate.phase.held.v1"' in row.entry]
    values = [json.loads(row.opening.value or b"")["data"]["missing"] for row in held if row.opening is not None]
    assert {row["code"] for missing in values for row in missing} >= {
        "mark-missing",
        "tie-unresolved",
        "ruling-outstanding",
    }


def test_the_goldens_take_every_step_of_scoring_and_round_in_every_way() -> None:
    files = [data for golden in GOLDENS for path, data in golden.files.items() if path.startswith("rulebooks/")]
    steps = [step for data in files for step in _steps(json.loads(data))]
    taken = {(name, step[name]) for step in steps for name in ("by", "mark") if isinstance(step, dict) and name in step}
    assert {step["round"]["mode"] for step in steps if isinstance(step, dict) and "round" in step} == set(
        get_args(Rounding.model_fields["mode"].annotation)
    )
    assert {by for name, by in taken if name == "by"} == {
        by for kind in (OverEvaluators, OverItems, Across) for by in get_args(kind.model_fields["by"].annotation)
    }
    assert {mark for name, mark in taken if name == "mark"} == {"ratio", "linear"}
    assert {"points"} <= {step for step in steps if isinstance(step, str)}
    assert {"times", "subtract"} <= {name for step in steps if isinstance(step, dict) for name in step}


def _steps(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield from part.get("steps", ())
        part = list(part.values())
    for one in part if isinstance(part, list) else ():
        yield from _steps(one)


# ----------------------------------------------------------------------------------------------------- recording another
def test_a_recording_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded twice it would be another each time: its salts are drawn."""
    played = judged_sport(tmp_path)
    first = record("judged-sport", played, tmp_path)
    before = first.place.read_bytes()
    with pytest.raises(FileExistsError, match="is recorded already"):
        record("judged-sport", played, tmp_path)
    assert first.place.read_bytes() == before
    assert command.main(["judged-sport"]) == command.main(["no-such"]) == 1
    assert "recorded already under engine" in capsys.readouterr().err
    played.parts.close()


def test_what_is_recorded_now_differs_from_the_recording_in_salts_alone(tmp_path: Path) -> None:
    """Everything else is fixed, so the script still makes these programmes."""
    again = record("judged-sport", played := judged_sport(tmp_path), tmp_path)
    golden = find("judged-sport", NEWEST)
    played.parts.close()
    assert again.said["verdicts"] == golden.said["verdicts"]
    assert [without_salt(row) for row in again.rows] == [without_salt(row) for row in golden.rows]


def without_salt(row: Any) -> Any:
    entry = json.loads(row.entry)
    opening = row.opening
    value = json.loads(opening.value) if opening is not None else None
    if value is not None:
        value["data"].pop("basis", None)
        value["data"].pop("root", None)
    return {name: part for name, part in entry.items() if name != "commitment"}, opening and opening.key, value
