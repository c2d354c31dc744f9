"""Asking something that may never answer, for those who must answer themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from events.errors import Unavailable

ANSWER_S = 4.0
"""How long a broker or a database may take to say that it is there. One that restarts is told as away meanwhile."""

Answer = TypeVar("Answer")


def within(seconds: float, what: str, ask: Callable[[], Answer]) -> Answer:
    """The answer, or what was raised instead. Raises Unavailable when there is neither in time: clients have patience of their
    own, and one that is connected to a frozen server has more than anybody. Its thread is left behind, so this is for commands,
    which end soon.
    """
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked
            future.set_exception(error)

    threading.Thread(target=run, name=f"ask-{what}", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():
            raise  # `ask` itself raised it
        raise Unavailable(f"{what} did not answer within {seconds:g} s", hint="phasegate doctor looks closer") from None
