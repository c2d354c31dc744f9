"""What a cluster's clock says, without writing anything.

Kafka has no request for the time. But whoever leads the metadata quorum (KRaft) tells of itself, when it is asked for the
quorum, that it was caught up at this moment: `LastCaughtUpTimestamp` of the leader is its own clock (KIP-836).
"""

from __future__ import annotations

from kafka import KafkaAdminClient

from events.errors import Unavailable


def leader_time(admin: KafkaAdminClient) -> tuple[int, int]:
    """The node that leads the quorum, and its clock (Unix milliseconds). Raises Unavailable where it does not tell it."""
    (topic,) = admin.describe_metadata_quorum()["topics"]
    (partition,) = topic["partitions"]
    leader = partition["leader_id"]
    for voter in partition["current_voters"]:
        if voter["replica_id"] == leader and voter["last_caught_up_timestamp"] > 0:
            return leader, voter["last_caught_up_timestamp"]
    raise Unavailable(f"node {leader}, which leads the quorum, does not tell its time", hint="Kafka 3.3 and later do")
