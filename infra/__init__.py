"""The outside world: Kafka, the ledger, keys, settings, metrics."""
