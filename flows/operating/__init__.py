"""What those see who run a deployment: the parts, the logs, the flows, each looked at in bounded time."""
