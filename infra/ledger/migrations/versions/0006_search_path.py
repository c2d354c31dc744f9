"""The triggers look for erasures in the ledger's own schema: a temporary table of that name, made by whoever deletes, would
come first otherwise.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    schema = bind.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for function in ("phasegate_refuse", "phasegate_refuse_unless_erased"):
        op.execute(f"ALTER FUNCTION {function}() SET search_path = {schema}, pg_temp")
