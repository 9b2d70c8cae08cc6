"""Where the ledger is kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LedgerPolicy(BaseModel):
    """Where the ledger is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    url: str | None = Field(
        default=None,
        description="SQLAlchemy URL, such as postgresql+psycopg://user@host/name; null: SQLite in "
        "the workspace, ledger/ledger.db",
    )
