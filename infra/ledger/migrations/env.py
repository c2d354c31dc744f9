"""Alembic's entry: runs the revisions on the connection that `infra.ledger.database.upgrade` holds."""

from __future__ import annotations

from alembic import context

from infra.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
