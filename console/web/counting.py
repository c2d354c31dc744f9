"""What the intake counts, for Prometheus. A registry for each application, so that two in one process do not mix."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter


@dataclass(slots=True)
class Counts:
    """`events`: taken in, by topic. `refused`: requests that were answered with a problem, by its code."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    events: Counter = field(init=False)
    refused: Counter = field(init=False)

    def __post_init__(self) -> None:
        self.events = Counter(
            "phasegate_intake_events_total", "Events taken in over HTTP.", ["topic"], registry=self.registry
        )
        self.refused = Counter(
            "phasegate_intake_refused_total",
            "Requests answered with a problem, before anything went to Kafka.",
            ["problem"],
            registry=self.registry,
        )
