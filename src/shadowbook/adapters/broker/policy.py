"""Which broker trades, and where it is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shadowbook.adapters.broker.alpaca_connection import AlpacaPolicy


class BrokerPolicy(BaseModel):
    """Who trades."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["paper", "alpaca"] = Field(
        default="paper",
        description="paper: the embedded broker; alpaca: one that speaks its HTTP API",
    )
    base_url: str = Field(
        default="",
        description="address of the HTTP broker; keys come from the environment: "
        "SHADOWBOOK_BROKER_KEY and SHADOWBOOK_BROKER_SECRET",
    )
    connection: AlpacaPolicy = AlpacaPolicy()

    @model_validator(mode="after")
    def _reachable(self) -> BrokerPolicy:
        if self.kind == "alpaca" and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("broker.base_url must begin with http:// or https:// for alpaca")
        return self
