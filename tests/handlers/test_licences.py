"""Licences: whether one limits the field of use or the user, by id, by name, and in SPDX expressions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.licences import FREE_LICENCES, LIMITED_LICENCES, Freedom, freedom, freedom_of, is_disclosed
from handlers.manifest import FOLDER

FREE, LIMITED, UNKNOWN = Freedom.FREE, Freedom.LIMITED, Freedom.UNKNOWN


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Apache-2.0", FREE),
        ("GPL-3.0-only", FREE),
        ("GPL-2.0+", FREE),
        ("CC-BY-3.0", FREE),
        ("CC-BY-NC-4.0", LIMITED),
        ("CC-BY-ND-4.0", LIMITED),
        ("CC-BY-NC-SA-3.0-DE", LIMITED),
        ("JSON", LIMITED),
        ("BUSL-1.1", LIMITED),
        ("LicenseRef-ours", UNKNOWN),
        ("AFL-2.0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_an_id_is_free_limited_or_unknown(licence: str, expected: Freedom) -> None:
    assert freedom_of(licence) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Apache License, Version 2.0", FREE),
        ("MIT  License", FREE),
        ("Llama 3.1 Community License Agreement", LIMITED),
        ("Gemma Terms of Use", LIMITED),
        ("CreativeML Open RAIL-M", LIMITED),
        ("OpenRAIL++", LIMITED),
        ("for non-commercial use only", LIMITED),
        ("Research License", LIMITED),
        ("As released by the team", UNKNOWN),
    ],
)
def test_a_name_is_known_where_people_write_it_for_an_id_or_it_says_its_limit(name: str, expected: Freedom) -> None:
    assert freedom_of(name) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT OR CC-BY-NC-4.0", FREE),
        ("MIT AND CC-BY-NC-4.0", LIMITED),
        ("MIT AND LicenseRef-a", UNKNOWN),
        ("CC-BY-NC-4.0 OR LicenseRef-a", UNKNOWN),
        ("MIT OR Apache-2.0 AND JSON", FREE),
        ("(MIT OR Apache-2.0) AND JSON", LIMITED),
        ("((MIT))", FREE),
        ("GPL-2.0-only WITH Classpath-exception-2.0", FREE),
        ("GPL-2.0-only WITH Classpath-exception-2.0 AND JSON", LIMITED),
        ("MIT WITH AdditionRef-ours", UNKNOWN),
        ("MIT OR", UNKNOWN),
        ("MIT ISC", UNKNOWN),
        ("(MIT", UNKNOWN),
        ("MIT)", UNKNOWN),
        ("OR MIT", UNKNOWN),
    ],
)
def test_an_expression_takes_the_best_of_alternatives_and_the_least_of_what_holds_together(
    expression: str, expected: Freedom
) -> None:
    assert freedom_of(expression) is expected


def test_of_several_licences_the_least_counts_and_none_is_unknown() -> None:
    assert freedom(["MIT", "ISC"]) is FREE
    assert freedom(["MIT", "CC-BY-NC-4.0", "LicenseRef-a"]) is LIMITED
    assert freedom([]) is UNKNOWN


@pytest.mark.parametrize("text", ["NONE", "NOASSERTION", "", " "])
def test_none_and_no_assertion_disclose_nothing(text: str) -> None:
    assert not is_disclosed(text)
    assert is_disclosed("MIT")


def test_the_lists_name_spdx_ids_and_nothing_else() -> None:
    path = Path(__file__).resolve().parents[2] / "handlers" / FOLDER / "spdx.schema.json"
    spdx = set(json.loads(path.read_text(encoding="utf-8"))["enum"])
    assert spdx >= FREE_LICENCES | LIMITED_LICENCES
    assert not FREE_LICENCES & LIMITED_LICENCES


parts = st.lists(
    st.sampled_from(["MIT", "JSON", "x", "(", ")", "OR", "AND", "WITH", " ", "llama license"]), max_size=40
)


@given(st.text() | parts.map(" ".join))
def test_no_text_stops_it(text: str) -> None:
    assert freedom_of(text) in Freedom


@pytest.mark.parametrize("part", ["(", "llama ", "MIT OR ", "(MIT OR "])
def test_a_text_of_any_length_is_read_or_unknown_at_once(part: str) -> None:
    assert freedom_of(part * 100) in (FREE, LIMITED, UNKNOWN)
    assert freedom_of(part * 100_000) is UNKNOWN
