"""The append-only, hash-chained ledger (SQLAlchemy, Alembic)."""
