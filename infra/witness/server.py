"""The witness's HTTP: POST <prefix>/add-checkpoint, and nothing else.

Meant for a loopback address or behind a proxy that ends TLS and limits who may ask how often: whoever reaches it can make
it verify signatures, and no more. Requests say their length and are not longer than BODY_MAX; idle ones are hung up on.
"""

from __future__ import annotations

import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore
from typing import Any

import structlog

from events.errors import Tampered, Unavailable
from events.notation import read_number
from events.witnessing import BODY_MAX, PATH
from infra.witness.cosigning import Answer, Witness

log = structlog.get_logger("phasegate.witness")

IDLE_S = 10.0
CONNECTIONS_MAX = 64


class WitnessServer(ThreadingHTTPServer):
    """Bound when constructed (port 0: a free one); `serve_forever` answers until `shutdown`."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, witness: Witness, host: str, port: int, prefix: str = "") -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.witness, self.path = witness, f"{prefix.rstrip('/')}/{PATH}"
        self._free = BoundedSemaphore(CONNECTIONS_MAX)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise Unavailable(f"cannot listen on {host}:{port}: {error}", hint="choose another --listen") from error

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks the name service who we are
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(timeout=IDLE_S):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.error("failed", client=str(client_address), error=repr(sys.exc_info()[1]))


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "phasegate-witness"
    sys_version = ""
    timeout = IDLE_S

    def do_POST(self) -> None:
        if self.path != self.server.path:
            self._refuse(404, f"there is only {self.server.path} here")
        elif (length := self._length()) is not None:
            body = self.rfile.read(length)
            if len(body) == length:
                self._answer(body)
            else:
                self.close_connection = True

    def do_GET(self) -> None:
        self._refuse(405 if self.path == self.server.path else 404, f"POST {self.server.path}")

    do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the names that http.server looks for

    def _length(self) -> int | None:
        """The length that the request says; None when it was answered already."""
        said = self.headers.get_all("Content-Length", [])
        status, why, length = 411, "say Content-Length, once; no Transfer-Encoding is taken", 0
        if len(said) == 1 and "Transfer-Encoding" not in self.headers:
            try:
                length = read_number(said[0].encode("latin-1", "replace"), "Content-Length")
                status, why = (413, f"at most {BODY_MAX} bytes") if length > BODY_MAX else (200, "")
            except Tampered as error:
                status, why = 400, error.message
        if status == 200:
            return length
        self._refuse(status, why)
        return None

    def _answer(self, body: bytes) -> None:
        try:
            answer = self.server.witness.answer(body)
        except Unavailable as error:
            log.error("nothing-kept", error=error.message)  # noqa: TRY400 - the message says it all
            self._refuse(503, "nothing can be kept now, so nothing is cosigned")
            return
        told = {"status": answer.status, "origin": answer.origin, "size": answer.size}
        if answer.status in (200, 409):
            log.info("cosigned" if answer.status == 200 else "asked-from-another-size", **told)
        else:
            log.warning("declined", **told, why=answer.body.decode("utf-8", "replace").strip())
        self._send(answer)

    def _refuse(self, status: int, why: str) -> None:
        """An answer to a request whose body was not read: the connection cannot be used any further."""
        self.close_connection = True
        self._send(Answer(status, f"{why}\n".encode()))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Every answer is logged by `_answer`; what is no HTTP is not worth a line."""
