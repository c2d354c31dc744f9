"""Serving the application: bound when constructed, answered in a thread, stopped after what is under way is answered."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from events.errors import Unavailable

FINISH_WITHIN_S = 30
HEADER_BYTES_MAX = 65_536


class WebServer:
    """`with WebServer(app, host, port) as server:` answers within. Port 0 is a free one; `url` says which."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=512)
        except (OSError, OverflowError) as error:
            raise Unavailable(f"cannot listen on {host}:{port}: {error}", hint="choose another --listen") from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        # Signals are the command's affair: in a thread uvicorn leaves them alone.
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                http="h11",
                ws="none",
                lifespan="on",
                h11_max_incomplete_event_size=HEADER_BYTES_MAX,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=FINISH_WITHIN_S,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)
        self._ended = threading.Event()

    @property
    def is_answering(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise Unavailable("the application did not start", hint="its log says why")
            self._ended.wait(0.02)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
