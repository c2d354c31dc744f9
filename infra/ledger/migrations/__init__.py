"""Alembic environment. Revisions are never edited once released."""
