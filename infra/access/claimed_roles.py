"""Which roles a provider's claims give: a YAML list of rules, each of which stands for itself.

- claim: groups            # a text, or a list of texts
  value: evaluators        # one of them
  role: evaluator
  programme: village-prize # or '*'
  who: employee_id         # for entrant and evaluator: the claim that says which one
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from events.errors import Refused
from infra.access.accounts import require_sound
from infra.access.rows import ROLES, Given

_MEMBERS = {"claim", "value", "role", "programme", "who"}


def read_rules(path: Path | None) -> list[Mapping[str, str]]:
    """The rules; none where no file is named: then everybody signs in, and may nothing. Raises Refused for faults."""
    if path is None:
        return []
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read: {str(error)[:200]}", hint="PHASEGATE_OIDC_ROLES") from error
    if not isinstance(found, list):
        raise Refused(f"{path} is not a list of rules", hint="docs/console.md shows one")
    for number, rule in enumerate(found, 1):
        if fault := _fault(rule):
            raise Refused(f"{path}, rule {number}: {fault}", hint="docs/console.md shows one")
    return found


def _fault(rule: Any) -> str:
    if not isinstance(rule, dict) or not all(isinstance(value, str) for value in rule.values()):
        return "a rule has members that are texts"
    if missing := _MEMBERS - {"who"} - set(rule):
        return f"it does not say {', '.join(sorted(missing))}"
    if unknown := set(rule) - _MEMBERS:
        return f"it says {', '.join(sorted(map(str, unknown)))}, which means nothing"
    if rule["role"] not in ROLES:
        return f"{rule['role']!r} is none of {', '.join(ROLES)}"
    try:
        require_sound(Given(rule["programme"], rule["role"], rule.get("who")))
    except Refused as error:
        return error.message
    return ""


def given_by(rules: list[Mapping[str, str]], claims: Mapping[str, Any]) -> Iterator[Given]:
    """What these claims give. A role for somebody whom no claim names is not given."""
    for rule in rules:
        said = claims.get(rule["claim"])
        if rule["value"] not in (said if isinstance(said, list) else [said]):
            continue
        who = claims.get(rule["who"]) if "who" in rule else None
        if "who" in rule and not (isinstance(who, str) and who):
            continue
        yield Given(rule["programme"], rule["role"], who)  # type: ignore[arg-type]
