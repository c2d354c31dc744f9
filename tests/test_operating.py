"""Metrics, alerts, dashboard and runbook are of one piece: what one of them names the others have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from flows.attention import NOTES, PROBLEMS
from flows.metrics.table import METRICS, series
from tests.test_docs import anchors

ROOT = Path(__file__).resolve().parents[1]
OPERATING = ROOT / "docs" / "operating.md"
DASHBOARDS = sorted((ROOT / "infra" / "grafana").glob("*.json"))
ALERTS = sorted((ROOT / "infra" / "alerts").glob("*.yaml"))
OF_A_PROCESS = {
    *("process_resident_memory_bytes", "process_virtual_memory_bytes", "process_cpu_seconds_total"),
    *("process_open_fds", "process_max_fds", "process_start_time_seconds"),
}
"""What prometheus_client tells of each process; docs/operating.md lists it."""

LABELS = {"le", *(label for metric in METRICS.values() for label in metric.labels)}


def rules() -> Iterator[dict[str, Any]]:
    for path in ALERTS:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def panels() -> Iterator[dict[str, Any]]:
    for path in DASHBOARDS:
        yield from json.loads(path.read_text(encoding="utf-8"))["panels"]


def expressions() -> list[str]:
    found = [rule["expr"] for rule in rules()]
    found += [target["expr"] for panel in panels() for target in panel["targets"]]
    return [expression.replace("$__rate_interval", "5m") for expression in found]


def selected(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that a query selects, with the labels that it is matched by."""
    met: list[tuple[str, set[str]]] = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.VectorSelector):
            assert node.name is not None, f"{expression!r} selects without naming a metric"
            met.append((node.name, {matcher.name for matcher in node.matchers.matchers}))
        return True

    promql.walk(promql.parse(expression), visit, lambda _node: True)
    assert met, f"{expression!r} selects nothing"
    return iter(met)


# --- queries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression", expressions())
def test_a_query_selects_metrics_that_there_are_by_labels_that_they_have(expression: str) -> None:
    known = set(series()) | OF_A_PROCESS
    for name, labels in selected(expression):
        assert name in known, f"{expression!r} names {name}, which nobody serves"
        row = METRICS.get(re.sub(r"_(bucket|sum|count)$", "", name)) or METRICS.get(name)
        assert labels <= {"le", *(row.labels if row else ())}, f"{expression!r} matches by {labels}"
    grouped = re.findall(r"\b(?:by|without) \(([^)]*)\)", expression)
    assert {label.strip() for group in grouped for label in group.split(",")} <= LABELS


def test_every_metric_is_shown_or_alerted_on() -> None:
    met = {name for expression in expressions() for name, _ in selected(expression)}
    unused = [name for name in METRICS if not {name, f"{name}_bucket"} & met]
    assert unused == []


def test_a_query_that_is_wrong_is_noticed() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        promql.parse("sum(rate(phasegate_records_total[5m])")
    assert list(selected('rate(a_total{x="1"}[5m]) / on (y) b')) == [("a_total", {"x"}), ("b", set())]


# --- alerts -----------------------------------------------------------------------------------------------------------


def test_every_alert_has_severity_summary_and_a_place_in_the_runbook() -> None:
    there = anchors(OPERATING)
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"Phasegate[A-Z]\w+", rule["alert"])
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
        assert set(rule["annotations"]) == {"summary", "runbook"}
        file, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / file == OPERATING, anchor in there) == (True, True), rule["annotations"]["runbook"]
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert label in {name for used, _ in selected(rule["expr"]) for name in METRICS[used].labels}
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 0


def test_what_status_says_is_explained_in_the_runbook_under_its_code() -> None:
    assert {*PROBLEMS, *NOTES} - anchors(OPERATING) == set()


def test_every_problem_of_status_has_an_alert() -> None:
    alerted = {rule["annotations"]["runbook"].partition("#")[2] for rule in rules()}
    assert {*PROBLEMS, *NOTES} - alerted == set()


# --- dashboard --------------------------------------------------------------------------------------------------------


def test_a_dashboard_has_the_form_that_grafana_reads() -> None:
    for path in DASHBOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        assert {"uid", "title", "panels", "templating", "schemaVersion", "time"} <= set(board)
        sources = {row["name"] for row in board["templating"]["list"] if row["type"] == "datasource"}
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in board["panels"]:
            assert panel["title"]
            assert panel["description"]
            assert panel["type"] in {"stat", "timeseries", "table"}
            for target in panel["targets"]:
                assert target["datasource"]["uid"].strip("${}") in sources, "no data source of one machine"
                assert target["refId"]
    assert DASHBOARDS


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not own & taken, panel["title"]
        taken |= own


# --- documents --------------------------------------------------------------------------------------------------------


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(phasegate_\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \|$", OPERATING.read_text(), re.MULTILINE)
    told = {name: (kind, labels, meaning) for name, kind, labels, meaning in rows}
    assert told == {
        name: (
            metric.kind,
            ", ".join(metric.labels) or "-",
            metric.meaning + (". Of `record --metrics`" if metric.by == "record" else ""),
        )
        for name, metric in METRICS.items()
    }


def test_what_processes_tell_of_themselves_is_listed() -> None:
    assert {name for name in OF_A_PROCESS if f"`{name}`" not in OPERATING.read_text()} == set()
