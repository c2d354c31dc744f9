"""The HTTP of metrics: GET /metrics in Prometheus' text format, GET /healthz, and nothing else.

Meant for a loopback address or a network that only monitors reach: it tells sizes, names of programmes and their states.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from events.errors import Unavailable

log = structlog.get_logger("phasegate.metrics")

IDLE_S = 10.0


class MetricsServer(ThreadingHTTPServer):
    """Bound when constructed (port 0: a free one); answers in threads of its own within its block. `is_healthy` says whether
    this process does its work; whether what it looks at is there is told by the metrics.
    """

    daemon_threads = True

    def __init__(self, registry: CollectorRegistry, address: tuple[str, int], is_healthy: Callable[[], bool]) -> None:
        host, port = address
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.registry, self.is_healthy = registry, is_healthy
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise Unavailable(f"cannot listen on {host}:{port}: {error}", hint="choose another address") from error
        self._answering = threading.Thread(target=self.serve_forever, name="metrics-http", daemon=True)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks the name service who we are
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.error("failed", client=str(client_address), error=repr(sys.exc_info()[1]))

    def __enter__(self) -> Self:
        self._answering.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self._answering.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    server_version = "phasegate-metrics"
    sys_version = ""
    timeout = IDLE_S

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, media_type = choose_encoder(self.headers.get("Accept", ""))
            self._send(200, media_type, encode(self.server.registry))
        elif path == "/healthz":
            is_healthy = self.server.is_healthy()
            self._send(200 if is_healthy else 503, "text/plain; charset=utf-8", b"ok\n" if is_healthy else b"stopped\n")
        else:
            self._send(404, "text/plain; charset=utf-8", b"there are /metrics and /healthz here\n")

    def _send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """A scrape is no news."""
