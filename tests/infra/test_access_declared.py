"""The declaration of access without a broker: what the document says of it, and who may hold its roles."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.errors import Refused
from events.record import DEAD_LETTERS, TOPICS
from flows.recorder import GROUP
from infra.kafka.access import AUDITORS, CLUSTER, RECORDERS, ROLES, Grant, Role, principals_of, rules_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "secured-kafka.md"
COLUMNS = [
    *(("TOPIC", name) for name in (*TOPICS, DEAD_LETTERS)),
    ("GROUP", RECORDERS),
    ("GROUP", AUDITORS),
    ("CLUSTER", CLUSTER),
]
LETTERS = {
    "READ": "R", "WRITE": "W", "CREATE": "C", "ALTER": "A", "ALTER_CONFIGS": "S", "DESCRIBE": "d", "DESCRIBE_CONFIGS": "s",
}  # fmt: skip


def row(name: str, role: Role) -> str:
    cells = ["".join(sorted(LETTERS[one.operation] for one in role.grants if place(one) == at)) for at in COLUMNS]
    return "| " + " | ".join([f"`{name}`", *(cell or "–" for cell in cells)]) + " |"


def place(grant: Grant) -> tuple[str, str]:
    return grant.resource, grant.name


def test_the_page_shows_the_declaration_to_the_letter() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(tuple(f"| `{name}` | " for name in ROLES)) and "–" in line] == [
        row(name, role) for name, role in ROLES.items()
    ]
    assert [name for name, role in ROLES.items() if f"- `{name}`: {role.does}" not in "\n".join(lines)] == []


def test_recorders_join_the_group_that_is_declared() -> None:
    assert GROUP == RECORDERS
    assert not AUDITORS.startswith(RECORDERS)


def test_roles_are_held_by_the_prefix_s_own_users_unless_it_is_said() -> None:
    held = principals_of("cup", ["scores=User:jury-a", "scores=User:jury-b", "office=User:CN=office"])
    assert held["scores"] == ("User:jury-a", "User:jury-b")
    assert held["office"] == ("User:CN=office",)
    assert held["recorder"] == ("User:cup-recorder",)
    assert list(held) == list(ROLES)
    assert {rule.name for rule in rules_of("cup", held) if rule.resource == "TOPIC"} == {
        f"cup.{topic}" for topic in (*TOPICS, DEAD_LETTERS)
    }


@pytest.mark.parametrize("text", ["", "scores", "scores=jury", "scores=User:", "scores=User:*", "judge=User:x"])
def test_what_does_not_say_who_holds_a_role_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="does not say who holds a role"):
        principals_of("cup", [text])


def test_nobody_holds_two_roles() -> None:
    with pytest.raises(Refused, match=r"User:x holds two roles, scores and audits"):
        principals_of("cup", ["audits=User:x", "scores=User:x"])
