"""The pages of the console: one module for each screen, each with a `router`. ROUTERS has them all."""

from __future__ import annotations

from console.web.pages import board, decisions, entrants, overview, results

ROUTERS = (overview.router, board.router, decisions.router, entrants.router, results.router)
