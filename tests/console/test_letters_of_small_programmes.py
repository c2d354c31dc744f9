"""Letters of the long cup: every decision, every entrant, every language; and what they keep to themselves."""

from __future__ import annotations

from typing import Any

import pytest

from console.telling.letter import write
from console.telling.letter_facts import published
from console.telling.letter_parts import Context
from console.telling.printing import printed
from console.telling.sentences import Words, names_of
from console.telling.writing import LANGUAGES, Language
from handlers.explanation import Explanation
from handlers.fold import fold
from handlers.state import State
from tests.handlers.test_explaining import decided, every_explanation
from tests.support import small
from tests.support.explained import explained
from tests.support.long_cup import TEAMS
from tests.support.long_history import played
from tests.support.long_stages import at
from tests.support.long_told import mark, marks, signed, submitted, tie, withdrawn
from tests.support.rooted import RootedLog


def letter(log: RootedLog, told: Explanation, lang: Language = "en", form: Any = "md") -> str:
    state: State = fold(small.PROGRAMME, log.stored)
    phase = state.phases[told.phase]
    profiles, figures = published(phase, told)
    words = Words(lang, names_of(state))
    context = Context(words, state, "Cup", profiles, figures, lambda value, _whose, _path: value, (), None)
    return printed(write(context, told, phase), form)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_letter_can_be_written_on_every_decision_to_everybody(lang: Language) -> None:
    log = played()
    for told in every_explanation(log):
        if told.entrant is not None:
            text = letter(log, told, lang)
            assert text.startswith("# ")
            assert "\n\n\n\n" not in text
            assert letter(log, told, lang, "html").endswith("</html>\n")


def test_a_rivals_value_in_a_tie_is_named_only_where_scores_are_published() -> None:
    level = [*marks("heat", ("ash", "birch"), 15), mark("cedar", "bench", 15, "35")]
    level += [mark("cedar", who, 15, "30") for who in ("ann", "ben", "cai")]
    log = decided(given_marks=level, heat={"ties": ["jury", "panel"]})
    text = letter(log, explained(log, "birch"))
    assert "jury decided, where it has 25.0\N{NO-BREAK SPACE}points." in text
    assert "against" not in text
    chosen = decided(tie("tied", 16, "cedar", "birch", "ash"), given_marks=level)
    assert "A person decided who goes first" in letter(chosen, explained(chosen, "birch"))


def test_floors_withdrawals_and_absence_are_written_in_letters() -> None:
    log = decided(heat={"floors": {"jury": "22.5"}})
    assert "It has 20.0, which is 2.5 too few." in letter(log, explained(log, "cedar"))
    log = decided(withdrawn("cedar", 16))
    text = letter(log, explained(log, "cedar"))
    assert "**cedar is out of heat, because it withdrew.**" in text
    assert "## The arithmetic" not in text
    log = at("open")
    log.tell(*(submitted(team, 5) for team in TEAMS[:2]))
    log.progress(small.OPENS + 10 * small.DAY + 1)
    log.tell(*marks("heat", TEAMS[:2], 15))
    log.progress(small.OPENS + 21 * small.DAY + 1)
    assert "It had handed nothing in when the time for submissions ended." in letter(log, explained(log, "cedar"))


def test_a_letter_says_when_and_how_to_object_at_each_stage() -> None:
    log = decided()
    unsigned = letter(log, explained(log, "cedar"))
    assert "Once everybody who has to has signed, you may object within 10\N{NO-BREAK SPACE}days." in unsigned
    assert "Still to be signed by: director." in unsigned
    log.tell(*signed(25))
    assert "You may object until 5 February 2030, 00:00 (UTC)." not in unsigned
    text = letter(log, explained(log, "cedar"))
    assert "You may object until 5 February 2030, 00:00 (UTC)." in text
    assert "--grounds evaluator-error" in text
    over = at("final")
    text = letter(over, explained(over, "cedar"))
    assert "The time for objections ended on 5 February 2030, 00:00 (UTC)." in text
    assert "phasegate object" not in text
    silent = decided(heat={"objections": None})
    assert "The rules of this phase know no objection to the decision." in letter(silent, explained(silent, "cedar"))


def test_a_held_phase_gives_a_letter_that_says_what_is_owed() -> None:
    log = decided(given_marks=marks("heat", TEAMS, 15)[:-1])
    text = letter(log, explained(log, "cedar"))
    assert "There is no decision yet." in text
    assert "cai owes a mark to cedar: art in jury." in text


def test_names_cannot_break_a_table_or_a_page() -> None:
    """What a team calls itself is written by a stranger."""
    log = decided()
    told = explained(log, "cedar")
    state = fold(small.PROGRAMME, log.stored)
    state.entrants["cedar"].event.data["name"] = "<script>alert(1)</script> | x"
    phase, words = state.phases["heat"], Words("en", names_of(state))
    profiles, figures = published(phase, told)
    context = Context(words, state, "Cup", profiles, figures, lambda value, _whose, _path: value, (), None)
    made = write(context, told, phase)
    assert "<script>" not in printed(made, "html")
    plain = printed(made, "md")
    assert "<script>" not in plain
    rows = [line for line in plain.splitlines() if line.startswith("| ") and "script" in line]
    assert rows == ["| &lt;script>alert(1)&lt;/script> \\| x | does not advance |"]
