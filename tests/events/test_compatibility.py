"""What counts as a break, by example; and the law: no break means that every old document is still read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from events.compatibility import Schema, breaks


def closed(required: tuple[str, ...] = (), **members: Schema) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(required), "additionalProperties": False}


TEXT: Schema = {"type": "string"}
ID: dict[str, Any] = {"type": "string", "pattern": "^[a-z]+$"}
NULL: Schema = {"type": "null"}
MAYBE: Schema = {"anyOf": [TEXT, NULL]}
OPEN = {"type": "object", "properties": {"a": TEXT}}
BY_NAME = {"type": "object", "patternProperties": {"^a": TEXT}, "additionalProperties": False}


def tree(leaf: Schema) -> dict[str, Any]:
    node = closed(value=leaf, parts={"type": "array", "items": {"$ref": "#/$defs/Node"}})
    return {"$ref": "#/$defs/Node", "$defs": {"Node": node}}


BREAKS = [
    (closed(a=TEXT), closed(("b",), a=TEXT, b=TEXT), ["/b: required now; old data may lack it"]),
    (closed(a=TEXT), closed(("a",), a=TEXT), ["/a: required now; old data may lack it"]),
    (closed(a=TEXT, b=TEXT), closed(a=TEXT), ["/b: declared no more; old data may have it"]),
    ({**OPEN, "properties": {"a": TEXT, "b": TEXT}}, OPEN, ["/b: declared no more; old data may have it"]),
    (OPEN, closed(a=TEXT), ["/*: closed now; old data may have members of any name"]),
    (OPEN, {**OPEN, "properties": {"a": TEXT, "b": TEXT}}, ["/b: array, boolean, "]),
    (closed(a=MAYBE), closed(a=TEXT), ["/a: null is refused now; allowed is string"]),
    (closed(a=TEXT), closed(a={"type": "integer"}), ["/a: string is refused now; allowed is integer"]),
    (closed(a={"type": "number"}), closed(a={"type": "integer"}), ["/a: number is refused now"]),
    (closed(a={"enum": ["x", "y"]}), closed(a={"enum": ["x", "z"]}), ["/a: 'y' is refused now; allowed are"]),
    (closed(a={"enum": [1]}), closed(a={"enum": [True]}), ["/a: 1 is refused now; allowed are [True]"]),
    (closed(a={"const": 1}), closed(a=TEXT), ["/a: integer is refused now; allowed is string"]),
    (closed(a=TEXT), closed(a={"type": "string", "const": "x"}), ["/a: any other value is refused now"]),
    (closed(a=TEXT), closed(a=ID), ["/a: pattern is '^[a-z]+$' now and was None"]),
    (closed(a={"minimum": 0}), closed(a={"minimum": 1}), ["/a: minimum is 1 now and was 0"]),
    (closed(a={"maximum": 2}), closed(a={"maximum": 1}), ["/a: maximum is 1 now and was 2"]),
    (closed(a=TEXT), closed(a={"type": "string", "maxLength": 5}), ["/a: maxLength is 5 now and was nothing"]),
    (closed(a={"items": TEXT}), closed(a={"items": ID}), ["/a/*: pattern is"]),
    (BY_NAME, {**BY_NAME, "patternProperties": {"^b": TEXT}}, ["names that match ^a are", "names that match ^b are"]),
    (BY_NAME, {**BY_NAME, "properties": {"ab": {"type": "integer"}}}, ["/ab: string is refused now"]),
    (BY_NAME, {**BY_NAME, "patternProperties": {"^a": ID}}, ["/^a: pattern is"]),
    (tree(TEXT), tree(ID), ["/value: pattern is", "/parts/*/value: pattern is"]),
    ({"anyOf": [ID, NULL]}, {"anyOf": [{"type": "integer"}, NULL]}, ["/: string is refused now"]),
    ({"oneOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": TEXT}}, {"oneOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": ID}},
     ["/: oneOf is"]),
    (closed(a=True), closed(a=False), ["/a: declared no more"]),
]  # fmt: skip

FINE = [
    (closed(a=TEXT), closed(a=TEXT, b=TEXT)),
    (closed(("a",), a=TEXT), closed(a=TEXT)),
    (closed(a=TEXT), OPEN),
    (closed(a=TEXT), closed(a=MAYBE)),
    (closed(a=ID), closed(a=TEXT)),
    (closed(a={"type": "integer"}), closed(a={"type": "number"})),
    (closed(a={"enum": ["x"]}), closed(a={"enum": ["x", "y"]})),
    (closed(a={"const": "x"}), closed(a=TEXT)),
    (closed(a={"minimum": 1, "maxLength": 3}), closed(a={"minimum": 0, "maxLength": 4})),
    (tree(ID), tree(TEXT)),
    (closed(a={**ID, "description": "old"}), closed(a={**ID, "description": "new"})),
]


@pytest.mark.parametrize(("old", "new", "said"), BREAKS)
def test_a_narrower_schema_is_a_break_and_names_its_place(old: Schema, new: Schema, said: list[str]) -> None:
    found = breaks(old, new)
    assert len(found) == len(said), found
    assert all(fragment in message for fragment, message in zip(said, found, strict=True)), found


@pytest.mark.parametrize(("old", "new"), FINE)
def test_a_wider_schema_is_no_break(old: Schema, new: Schema) -> None:
    assert breaks(old, new) == []


def test_a_reference_that_ends_nowhere_is_refused() -> None:
    circle = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}
    with pytest.raises(ValueError, match="refers to itself"):
        breaks(circle, TEXT)


# --- the law ----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "ab"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, "", "a", "b", "aa"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=5
)


def _objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=2),
        },
    )


PLAIN = st.sampled_from(
    [
        True, False, {}, TEXT, ID, NULL, {"type": "integer"}, {"type": ["integer", "string"]}, {"type": "number"},
        {"enum": ["a", 1]}, {"enum": [True, "b"]}, {"const": None}, {"const": "a"}, {"type": "integer", "minimum": 1},
        {"minLength": 1}, {"type": "string", "maxLength": 1}, {"type": "array"}, {"type": "boolean"},
    ]
)  # fmt: skip
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: (
        _objects(inner)
        | st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda branches: {"anyOf": branches}, st.lists(inner, min_size=1, max_size=2))
    ),
    max_leaves=5,
)


@given(SCHEMAS)
def test_a_schema_reads_what_was_written_under_itself(schema: Schema) -> None:
    assert breaks(schema, schema) == []


@settings(max_examples=1500)
@given(SCHEMAS, SCHEMAS, st.lists(VALUES, min_size=1, max_size=10))
def test_without_a_break_every_old_document_is_read(old: Schema, new: Schema, documents: list[Any]) -> None:
    if breaks(old, new) == []:
        before, after = Draft202012Validator(old), Draft202012Validator(new)
        assert [document for document in documents if before.is_valid(document) and not after.is_valid(document)] == []
