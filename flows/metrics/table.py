"""Every metric, written once by hand: its name, kind, labels and meaning. Dashboards, alerts and docs/operating.md are held
to this table (tests/infra/test_grafana.py, tests/test_operating.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`by`: who serves it, `phasegate metrics` or `phasegate record --metrics`."""

    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    by: Literal["metrics", "record"] = "metrics"


METRICS: Mapping[str, Metric] = {
    "phasegate_records_total": Metric(
        "counter",
        ("topic", "verdict"),
        "Entries of all logs, by verdict; a record that pended counts as pending and again as what it became",
    ),
    "phasegate_refused_total": Metric("counter", ("reason",), "Refused records of all logs, by reason code"),
    "phasegate_replay_different_total": Metric(
        "counter", ("programme",), "Attestations on record that a decision came out differently when it was replayed"
    ),
    "phasegate_log_size": Metric("gauge", ("programme",), "Entries of a log"),
    "phasegate_checkpoint_behind_entries": Metric(
        "gauge", ("programme",), "Entries of a log that no signed checkpoint covers"
    ),
    "phasegate_checkpoint_age_seconds": Metric(
        "gauge",
        ("programme",),
        "How long ago the first record that no signed checkpoint covers was received; 0 when all are covered",
    ),
    "phasegate_phase_state": Metric(
        "gauge", ("programme", "phase", "state"), "1 for the state that a phase is in, 0 for the others"
    ),
    "phasegate_transition_overdue_seconds": Metric(
        "gauge", ("programme",), "How long something is due that no flow has done; 0 when nothing is"
    ),
    "phasegate_lag_records": Metric(
        "gauge", ("topic", "partition"), "Records on the bus that are not recorded, measured outside the recorder"
    ),
    "phasegate_lag_seconds": Metric(
        "gauge", ("topic", "partition"), "How long ago the first record that is not recorded was received"
    ),
    "phasegate_up": Metric("gauge", ("part",), "1 when a part answered the last look at it, within seconds; else 0"),
    "phasegate_collected_timestamp_seconds": Metric(
        "gauge", ("part",), "When a part was last looked at with success (Unix time): the age of what is served of it"
    ),
    "phasegate_build_info": Metric("gauge", ("version", "engine"), "1; the version of phasegate and its newest engine"),
    "phasegate_record_seconds": Metric(
        "histogram", (), "From the broker's receipt of a record to its commit in the ledger", "record"
    ),
}


def series() -> Iterator[str]:
    """The names under which Prometheus keeps them: a histogram has three."""
    for name, metric in METRICS.items():
        if metric.kind == "histogram":
            yield from (f"{name}_bucket", f"{name}_sum", f"{name}_count")
        else:
            yield name
