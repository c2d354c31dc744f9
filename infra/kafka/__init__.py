"""Apache Kafka: a local broker without Docker, and the bus over any cluster."""
