"""`explain --letter`: the letter of decision in a folder, with the proofs that let its reader check it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.options import settings_of
from console.output import Report, Result
from events.errors import NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from console.telling.letter_parts import Label, Proofs
    from console.telling.sentences import Words
    from flows.reading import Reading
    from handlers.explanation import Explanation
    from handlers.state import PhaseState, State


def write_letter(
    reading: Reading, state: State, told: Explanation, words: Words, options: argparse.Namespace, report: Report
) -> Result:
    """Writes letter and proofs. A letter that is there is not written over; proofs of the same entries are."""
    from console.telling.letter import write
    from console.telling.letter_facts import programme_title, published
    from console.telling.letter_parts import Context
    from console.telling.printing import printed

    phase = state.phases[told.phase]
    stem = f"{told.entrant}-{told.phase}"
    proofs = _proofs(reading, told, stem, options, report)
    label, notices = _origins(options.scenario, state, phase, words)
    profiles, figures = published(phase, told)
    context = Context(words, state, programme_title(state, words), profiles, figures, label, notices, proofs)
    name = f"{stem}.{words.lang}.{options.format}"
    text = printed(write(context, told, phase), options.format)
    files = {} if proofs is None else dict(proofs.files)
    written = _written(options.out, name, text.encode(), files)
    data = {
        "programme": told.programme, "phase": told.phase, "entrant": told.entrant, "lang": words.lang,
        "letter": str(written), "files": sorted(str(options.out / one) for one in files),
        "vkey": None if proofs is None else proofs.vkey,
    }  # fmt: skip
    return Result(data, partial(_show, data=data))


def _origins(folder: Path | None, state: State, phase: PhaseState, words: Words) -> tuple[Label, tuple[str, ...]]:
    """How figures are marked, and what the marks mean, as a scenario says."""
    if folder is None:
        return (lambda value, _whose, _path: value), ()
    from console.commands.showing import Origins
    from flows.comparison import compared
    from flows.scenario_file import read_file
    from handlers.views import phases_view

    about = read_file(folder / "scenario.yaml")
    projected = frozenset(row.phase for row in about.projected)
    origins = Origins(compared(about.published, phases_view(state)), bool(about.reconstructed), projected)
    labels = origins.labels(phase.rules.id)
    if labels.known is None:
        return (lambda value, _whose, _path: value), ()
    keys = ("projected",) if labels.mark == "~" else ("reconstructed", "reconstructed.all")
    return labels, (" ".join(words.say(f"letter.{key}") for key in keys),)


def _proofs(
    reading: Reading, told: Explanation, stem: str, options: argparse.Namespace, report: Report
) -> Proofs | None:
    """Of the decision and of the assessment, with what opens the latter; None, and a warning, without a checkpoint."""
    from console.commands.evidence import cosigned
    from console.telling.letter_facts import proofs_of

    try:
        return proofs_of(reading, told, stem, cosigned(settings_of(options, report), reading, report))
    except NotFound as error:
        report.warn(f"no proofs beside the letter: {error.message}")
        return None


def _written(folder: Path, name: str, letter: bytes, files: dict[str, bytes]) -> Path:
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(letter)
        for other, data in files.items():
            (folder / other).write_bytes(data)
    except FileExistsError as error:
        raise Refused(f"{path} exists", hint="name another folder with --out") from error
    except OSError as error:
        raise Unavailable(f"cannot write into {folder}: {error.strerror}") from error
    return path


def _show(console: Console, data: dict[str, Any]) -> None:
    console.print(f"the letter to {data['entrant']} on {data['phase']} is in {data['letter']}", soft_wrap=True)
    for path in data["files"]:
        console.print(f"  beside it: {path}", soft_wrap=True)
