"""How challengers become champions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shadowbook.core.promotion.court_policy import CourtPolicy


class PromotionPolicy(BaseModel):
    """What the court asks."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    court: CourtPolicy = CourtPolicy()
