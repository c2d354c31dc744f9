"""Whether a reader of a new schema can read all that was written under an old one (BACKWARD).

Sound, not complete: an empty answer means that every document which fits the old schema fits the new one. What cannot
be compared (a pattern with another) counts as a break; a change that needs it is a new version with an upcasting step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any] | bool

_SAYS_NOTHING = frozenset(
    {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated"}
)
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_COMPARED = frozenset(
    {"type", "enum", "const", "properties", "patternProperties", "additionalProperties", "required"}
    | {"items", "anyOf", "$ref", *_LOWER_BOUNDS, *_UPPER_BOUNDS}
)
_REFERENCES_MAX = 16
_MAY_GO = frozenset({"pattern", "format", "multipleOf", "uniqueItems", "propertyNames"})
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def breaks(old_schema: Schema, new_schema: Schema) -> list[str]:
    """Why a reader of the new schema would refuse what the old one allowed, each with its place. Empty: it reads all.

    A member that is declared no more is always a break: where its object is open it would be read past, not read.
    """
    return list(dict.fromkeys(_Comparison(old_schema, new_schema).at("", old_schema, new_schema)))


class _Comparison:
    """Two documents, to resolve references in. `under_way` ends recursion: a pair being compared is taken to hold."""

    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self.old_root = old_root
        self.new_root = new_root
        self.under_way: set[tuple[str, str]] = set()

    def at(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        """The breaks between two schemas at a place, named by its JSON pointer with `*` for any name or index."""
        pair = (repr(old), repr(new))
        if pair in self.under_way:
            return
        self.under_way.add(pair)
        yield from self._resolved(path, _resolve(old, self.old_root), _resolve(new, self.new_root))
        self.under_way.discard(pair)

    def _resolved(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        if old is False:
            return
        if isinstance(new, bool):
            if not new:
                yield f"{path or '/'}: nothing is allowed any more"
            return
        if isinstance(old, bool):
            old = {}
        if "anyOf" in old:
            siblings = {name: value for name, value in old.items() if name != "anyOf"}
            for branch in old["anyOf"]:
                yield from self._resolved(path, _both(siblings, _resolve(branch, self.old_root)), new)
        elif "anyOf" in new:
            yield from self._some_branch(path, old, new)
        else:
            yield from self._plain(path, old, new)

    def _some_branch(self, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        """One branch of the new schema must read all of the old one; the answer is that of the closest branch."""
        siblings = {name: value for name, value in new.items() if name != "anyOf"}
        branches = [_both(siblings, _resolve(branch, self.new_root)) for branch in new["anyOf"]]
        answers = [list(self._resolved(path, old, branch)) for branch in branches]
        yield from min(answers, key=len, default=[f"{path or '/'}: nothing is allowed any more"])

    def _plain(self, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        where = path or "/"
        yield from _narrowed_values(where, old, new)
        yield from _narrowed_bounds(where, old, new)
        yield from self._not_comparable(where, old, new)
        yield from self._members(path, old, new)
        if "items" in new:
            yield from self.at(f"{path}/*", old.get("items", True), new["items"])

    def _members(self, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        if "object" not in _types(old):
            return
        for name in new.get("required", ()):
            if name not in old.get("required", ()):
                yield f"{path}/{name}: required now; old data may lack it"
        declared = {**old.get("properties", {}), **new.get("properties", {})}
        for name in declared:
            if _declares(old, name) and not _declares(new, name):
                yield f"{path}/{name}: declared no more; old data may have it"
            else:
                for rule in _rules_of(new, name):
                    answers = [list(self.at(f"{path}/{name}", held, rule)) for held in _rules_of(old, name)]
                    yield from min(answers, key=len)
        yield from self._patterns(path, old, new)
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if before is not False and after is False:
            yield f"{path}/*: closed now; old data may have members of any name"
        else:
            yield from self.at(f"{path}/*", before, after)

    def _patterns(self, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        """Names by pattern: the same pattern is compared, another one cannot be."""
        before, after = old.get("patternProperties", {}), new.get("patternProperties", {})
        for pattern in {**before, **after}:
            if pattern in before and pattern in after:
                yield from self.at(f"{path}/{pattern}", before[pattern], after[pattern])
            elif before or old.get("additionalProperties", True) is not False:
                yield f"{path}: names that match {pattern} are read by another rule now"

    def _not_comparable(self, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        """Every other keyword must stay as it is, with what it refers to; those that only narrow may go."""
        same_parts = _parts(self.old_root) == _parts(self.new_root)
        for name in sorted((old.keys() | new.keys()) - _COMPARED - _SAYS_NOTHING):
            before, after = old.get(name), new.get(name)
            if name in _MAY_GO and name not in new:
                continue
            if before != after or ("$ref" in repr(after) and not same_parts):
                yield f"{where}: {name} is {after!r} now and was {before!r}"


def _parts(root: Schema) -> Any:
    return {} if isinstance(root, bool) else root.get("$defs", {})


def _resolve(schema: Schema, root: Schema) -> Schema:
    """The schema behind a local reference. Members beside `$ref` hold as well."""
    for _ in range(_REFERENCES_MAX):
        if isinstance(schema, bool) or "$ref" not in schema:
            return schema
        target = str(schema["$ref"])
        found: Any = root
        for step in target.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        schema = _both({name: value for name, value in schema.items() if name != "$ref"}, found)
    raise ValueError(f"{target!r} refers to itself; a reference must end at a schema")


def _both(siblings: Mapping[str, Any], schema: Schema) -> Schema:
    """What fits both. Raises ValueError where the two say something about the same keyword."""
    said = {name: value for name, value in siblings.items() if name not in _SAYS_NOTHING}
    if isinstance(schema, bool):
        return said if schema else False
    if twice := said.keys() & schema.keys():
        raise ValueError(f"{sorted(twice)} stands beside $ref or anyOf and inside it; write it once")
    return {**schema, **said}


def _types(schema: Mapping[str, Any]) -> set[str]:
    """The types that a schema allows; `number` includes `integer`."""
    written = schema.get("type", _TYPES)
    types = {written} if isinstance(written, str) else set(written)
    return types | {"integer"} if "number" in types else types


def _values(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    found: list[Any] | None = schema.get("enum")
    return found


def _narrowed_values(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = _values(old), _values(new)
    if after is not None:
        allowed = {json.dumps(value) for value in after}  # Not `in after`: to Python, True is 1.
        lost = ["any other value"] if before is None else [repr(v) for v in before if json.dumps(v) not in allowed]
        if lost:
            yield f"{where}: {', '.join(lost)} is refused now; allowed are {after}"
    lost_types = sorted((_types(old) if before is None else set(map(_type_of, before))) - _types(new))
    if lost_types:
        yield f"{where}: {', '.join(lost_types)} is refused now; allowed is {new.get('type')}"


def _type_of(value: Any) -> str:
    """The JSON type of a value; `True` is no integer."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _narrowed_bounds(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in (*_LOWER_BOUNDS, *_UPPER_BOUNDS):
        before, after = old.get(name), new.get(name)
        raised = name in _LOWER_BOUNDS and before is not None and after is not None and after > before
        lowered = name in _UPPER_BOUNDS and before is not None and after is not None and after < before
        if after is not None and (before is None or raised or lowered):
            yield f"{where}: {name} is {after} now and was {'nothing' if before is None else before}"


def _declares(schema: Mapping[str, Any], name: str) -> bool:
    """The member is spoken of by name, and allowed."""
    return schema.get("properties", {}).get(name, False) is not False


def _rules_of(schema: Mapping[str, Any], name: str) -> list[Schema]:
    """Everything that a member of this name must fit: never empty."""
    by_name = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    by_pattern = [rule for pattern, rule in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
    return by_name + by_pattern or [schema.get("additionalProperties", True)]
