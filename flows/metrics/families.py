"""Metric families from the table, so that a name, its kind and its labels are written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from flows.metrics.table import METRICS

Labels = TypeVar("Labels", bound=tuple[str, ...])


def family(name: str, values: Mapping[Labels, float]) -> Metric:
    """The family of this name in METRICS with a value for each combination of labels, which are in the table's order."""
    row = METRICS[name]
    make = CounterMetricFamily if row.kind == "counter" else GaugeMetricFamily
    made = make(name, row.meaning, labels=row.labels)
    for labels, value in sorted(values.items()):
        made.add_metric(labels, value)
    return made


def seconds_since(since_ms: int | None, now_ms: int) -> float:
    """How long ago that was; 0 for None, and for a stamp that is in the future of this clock."""
    return 0 if since_ms is None else max(0, now_ms - since_ms) / 1000


def states_of(state: str, all_states: Sequence[str]) -> Mapping[str, int]:
    """1 for the one, 0 for the others: a series that is there all the time can be alerted on."""
    return {name: int(name == state) for name in all_states}
