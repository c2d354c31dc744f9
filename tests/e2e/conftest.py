"""Real parts for the end-to-end tests; PostgreSQL comes from where the ledger's own tests have it."""

from __future__ import annotations

from tests.infra.conftest import postgres_database, postgres_url

__all__ = ["postgres_database", "postgres_url"]
