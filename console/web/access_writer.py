"""Writing the access log beside answering: many lines in one transaction, by a thread of its own."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future

import structlog

from infra.access import Access, AccessLog

AT_ONCE = 500
WAITING_MAX = 20_000

log = structlog.get_logger("phasegate.web")
Line = tuple[Access, "Future[None]"]


class Writer:
    """`put` returns at once; its future ends when the line is durable, or with the error for which it is not."""

    def __init__(self, kept: AccessLog) -> None:
        self._log = kept
        self._waiting: queue.Queue[Line | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def put(self, line: Access) -> Future[None]:
        done: Future[None] = Future()
        try:
            self._waiting.put_nowait((line, done))
        except queue.Full as error:
            done.set_exception(error)
        return done

    def close(self) -> None:
        """After what waits is written."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            lines: list[Line] = []
            item = self._waiting.get()
            while item is not None:
                lines.append(item)
                if len(lines) == AT_ONCE or self._waiting.empty():
                    break
                item = self._waiting.get()
            goes_on = item is not None
            self._write(lines)

    def _write(self, lines: list[Line]) -> None:
        if not lines:
            return
        try:
            self._log.append([line for line, _ in lines])
        except Exception as error:
            log.exception("access log failed", lines=len(lines))
            for _, done in lines:
                done.set_exception(error)
        else:
            for _, done in lines:
                done.set_result(None)
