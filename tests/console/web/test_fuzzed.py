"""The intake under requests that nobody would write, made from its own OpenAPI document: never a defect, and every answer is
as the document says.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from events.envelope import encode
from tests.support.website import Website, registration

pytestmark = pytest.mark.kafka

load_all_checks()
HELD = CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
)
OPERATIONS = ("POST /v1/events", "GET /v1/receipts/{topic}/{partition}/{offset}", "GET /healthz", "GET /readyz")
BOUNDED = settings(
    max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
VALUE = encode(registration("ash"))


@pytest.fixture(scope="module")
def operations(site: Website) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{site.client.base_url}/v1/openapi.json")
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {operation.label: operation for operation in found}


def test_the_document_tells_of_every_operation(operations: dict[str, Any]) -> None:
    assert set(operations) == set(OPERATIONS)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_is_a_defect(site: Website, operations: dict[str, Any], label: str, mode: GenerationMode) -> None:
    operation, key = operations[label], site.key()
    if mode is GenerationMode.NEGATIVE and "{" not in label and "POST" not in label:
        return  # It has no parameter that could be wrong.

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: Any) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        case.validate_response(case.call(headers=headers), checks=HELD)

    fuzz()


PIECES = st.sampled_from([VALUE, b"[", b"]", b",", b"{", b"}", b'"', b"\\", b"\xff", b"\x00", b"1e999", b" "])
MEDIA_TYPES = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json")


@BOUNDED
@given(st.sampled_from(MEDIA_TYPES), st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=60))
@example("application/cloudevents-batch+json", b"[" + VALUE + b"," + VALUE + b"]")
def fuzz_bodies(site: Website, key: str, media_type: str, body: bytes) -> None:
    answer = site.post(body, key, {"content-type": media_type})
    assert answer.status_code in {202, 400, 422}
    assert answer.status_code == 202 or answer.headers["content-type"] == "application/problem+json"


def test_no_body_is_a_defect(site: Website) -> None:
    key = site.key()
    fuzz_bodies(site, key)


@BOUNDED
@given(st.dictionaries(st.from_regex(r"ce-[a-z0-9_-]{0,12}", fullmatch=True), st.binary(max_size=20), max_size=5))
def fuzz_headers(site: Website, key: str, more: dict[str, bytes]) -> None:
    own = {"ce-specversion": b"1.0", "ce-id": b"a", "ce-source": b"urn:x", "content-type": b"application/json"}
    pairs = [(name.encode(), raw.strip()) for name, raw in (own | more).items()]
    allowed = [(name, raw) for name, raw in pairs if all(byte > 31 and byte != 127 for byte in raw)]
    headers = httpx.Headers([(b"authorization", f"Bearer {key}".encode()), *allowed])
    answer = site.client.post("/v1/events", content=b"{}", headers=headers)
    assert answer.status_code in {400, 422}


def test_no_header_is_a_defect(site: Website) -> None:
    fuzz_headers(site, site.key())
