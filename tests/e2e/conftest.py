"""Real parts for the end-to-end tests; PostgreSQL comes from where the ledger's own tests have it, and the command line from
where the console's have it.
"""

from __future__ import annotations

from tests.console.conftest import phasegate
from tests.infra.conftest import postgres_database, postgres_url

__all__ = ["phasegate", "postgres_database", "postgres_url"]
