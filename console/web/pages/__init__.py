"""The pages of the console: one module for each screen, each with a `router`. ROUTERS has them all."""

from __future__ import annotations

from console.web.pages import (
    acts,
    board,
    changes,
    checkpoints,
    decisions,
    desk,
    entrants,
    entry,
    lab,
    log,
    marking,
    open_call,
    overview,
    replay,
    requeue,
    results,
    robustness,
    sent,
    signing_in,
    what_if,
)

ROUTERS = (
    overview.router,
    signing_in.router,
    board.router,
    changes.router,
    decisions.router,
    entrants.router,
    results.router,
    log.router,
    entry.router,
    checkpoints.router,
    lab.router,
    replay.router,
    sent.router,
    what_if.router,
    robustness.router,
    desk.router,
    marking.router,
    open_call.router,
    requeue.router,
    acts.router,
)
