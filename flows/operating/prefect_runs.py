"""The runs of the flows, as Prefect's API tells them: the last ones, those that went wrong, those that nobody takes. Does not
import Prefect (2 s).
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.errors import Unavailable
from events.values import format_instant

FLOWS = ("progress", "rounds", "attest", "attest-all", "publish")
LAST, WRONG = 12, 12
OF_ONE = 200
"""Runs among which those of one programme are looked for: Prefect gives no more at a time, and cannot be asked by parameter."""

ASK_S = 2.0
BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FlowRun:
    """`state` is Prefect's name of it; `began` an instant as ours are written, `seconds` how long it ran."""

    name: str
    flow: str
    programme: str
    kind: str
    state: str
    message: str
    began: str
    seconds: int
    address: str


@dataclass(frozen=True, slots=True)
class Runs:
    """Of all programmes, or of one. `address`: Prefect's own pages."""

    address: str
    last: tuple[FlowRun, ...]
    wrong: tuple[FlowRun, ...]
    late: tuple[FlowRun, ...]

    def only(self, is_wanted: Callable[[str], bool]) -> Runs:
        """Those of some programmes."""
        kept = [tuple(run for run in runs if is_wanted(run.programme)) for runs in (self.last, self.wrong, self.late)]
        return Runs(self.address, *kept)

    @property
    def shown(self) -> Runs:
        """As many as have room on a page."""
        return Runs(self.address, self.last[:LAST], self.wrong[:WRONG], self.late[:WRONG])


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """Where Prefect answers, and what its requests bear. `pages` is where a browser goes."""

    address: str
    pages: str
    headers: Mapping[str, str]

    def runs(self) -> Runs:
        """Raises Unavailable."""
        flows = {
            row["id"]: row["name"] for row in self._ask("flows/filter", {"flows": {"name": {"any_": list(FLOWS)}}})
        }
        if not flows:
            return Runs(self.pages, (), (), ())
        begun = {"type": {"any_": ["RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED", "CANCELLING"]}}
        last = self._runs(flows, {"state": begun}, "START_TIME_DESC")
        wrong = self._runs(flows, {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}, "START_TIME_DESC")
        late = self._runs(flows, {"state": {"name": {"any_": ["Late"]}}}, "EXPECTED_START_TIME_ASC")
        return Runs(self.pages, *(tuple(map(self._run, rows)) for rows in (last, wrong, late)))

    def _runs(self, flows: Mapping[str, str], wanted: Mapping[str, Any], sort: str) -> Iterable[dict[str, Any]]:
        body = {"flow_runs": wanted, "flows": {"id": {"any_": list(flows)}}, "sort": sort, "limit": OF_ONE}
        return ({**row, "flow": flows.get(row["flow_id"], "")} for row in self._ask("flow_runs/filter", body))

    def _run(self, row: Mapping[str, Any]) -> FlowRun:
        state = row.get("state") or {}
        return FlowRun(
            str(row["name"]),
            str(row["flow"]),
            str((row.get("parameters") or {}).get("programme") or ""),
            str(row.get("state_type") or ""),
            str(row.get("state_name") or ""),
            str(state.get("message") or "")[:300],
            _instant(row.get("start_time") or row.get("expected_start_time")),
            round(row.get("total_run_time") or 0),
            f"{self.pages}/runs/flow-run/{row['id']}",
        )

    def _ask(self, path: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        headers = {"content-type": "application/json", **self.headers}
        asked = urllib.request.Request(f"{self.address}/{path}", json.dumps(body).encode(), headers)  # noqa: S310 - as the setting says
        try:
            with urllib.request.urlopen(asked, timeout=ASK_S) as answer:  # noqa: S310 - same
                found = json.loads(answer.read(BYTES_MAX))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unavailable(
                f"Prefect at {self.address} does not answer: {error}", hint="is its server up?"
            ) from error
        if not isinstance(found, list):
            raise Unavailable(f"what answers at {self.address} is no Prefect server", hint="correct PREFECT_API_URL")
        return found


def _instant(text: str | None) -> str:
    """Prefect writes microseconds; empty where that is no time."""
    try:
        return format_instant(round(datetime.fromisoformat(text or "").timestamp() * 1000))
    except ValueError:
        return ""


def prefect_api(environment: Mapping[str, str] = os.environ) -> PrefectApi | None:
    """The server that the variables of Prefect name; None where they name none."""
    address = environment.get("PREFECT_API_URL", "").rstrip("/")
    if not address.startswith(("http://", "https://")):
        return None
    headers = {}
    if key := environment.get("PREFECT_API_KEY"):
        headers["authorization"] = f"Bearer {key}"
    elif said := environment.get("PREFECT_API_AUTH_STRING"):
        headers["authorization"] = f"Basic {base64.b64encode(said.encode()).decode()}"
    return PrefectApi(
        address, environment.get("PREFECT_UI_URL", "").rstrip("/") or address.removesuffix("/api"), headers
    )
