"""How a challenger is given capital, and what takes it away again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

GuardName = Literal["drawdown", "shortfall", "slippage", "fill_ratio", "position_agreement"]


class RampPolicy(BaseModel):
    """Steps of capital after the court has said PROMOTE, and the guards over each of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: tuple[float, ...] = Field(
        default=(0.05, 0.10, 0.25, 0.50, 1.0),
        min_length=2,
        max_length=20,
        description="share of the strategy's risk that the challenger has, step by step; the last "
        "is 1, and only after it is the challenger champion",
    )
    min_sessions: int = Field(
        default=10, ge=2, le=252, description="sessions of a step before the next may begin"
    )
    max_sessions: int = Field(
        default=63,
        ge=2,
        le=2520,
        description="sessions of a step after which a person must say whether it goes on",
    )
    first_look: int = Field(
        default=5,
        ge=2,
        le=252,
        description="sessions of a step before an average over it may breach a limit",
    )
    max_capital: float | None = Field(
        default=None,
        gt=0.0,
        le=1e12,
        description="most capital of the challenger's A/B book in currency, whatever the step; "
        "null: none",
    )
    split: Literal["matched", "randomized"] = Field(
        default="matched",
        description="matched: both books trade every name, the A/B book its share; randomized: a "
        "name is traded by one of them a session, drawn by a digest",
    )
    max_drawdown: float | None = Field(
        default=0.15,
        gt=0.0,
        le=1.0,
        description="guard: fall of the A/B book from its peak since the ramp began; null: off",
    )
    max_shortfall: float | None = Field(
        default=3.5,
        gt=0.0,
        le=100.0,
        description="guard: net return of the A/B book below the champion's over the step, in "
        "standard errors; null: off",
    )
    max_excess_slippage_bps: float | None = Field(
        default=3.0,
        gt=0.0,
        le=1000.0,
        description="guard: slippage above the champion's over the step, in basis points, where "
        "it is three standard errors above it as well; null: off",
    )
    min_fill_ratio: float | None = Field(
        default=0.8,
        gt=0.0,
        le=1.0,
        description="guard: mean share of what was ordered that was filled; null: off",
    )
    min_position_agreement: float | None = Field(
        default=0.9,
        gt=0.0,
        le=1.0,
        description="guard: mean agreement of the A/B book's positions with those of its own "
        "shadow book; null: off",
    )
    approval_for_last_step: bool = Field(
        default=True,
        description="true: the last step waits for a person other than the requester",
    )
    open_pages_hold: bool = Field(
        default=True,
        description="true: while an alert of the monitor or drift pages, no step begins",
    )

    @field_validator("steps")
    @classmethod
    def _ascend_to_all(cls, given: Sequence[float]) -> Sequence[float]:
        if given[0] <= 0.0 or any(b <= a for a, b in pairwise(given)):
            raise ValueError("must ascend from above 0 without repeating")
        if given[-1] != 1.0:
            raise ValueError(f"must end at 1.0, not at {given[-1]:g}")
        return given

    @model_validator(mode="after")
    def _sessions_in_order(self) -> Self:
        if not self.first_look <= self.min_sessions <= self.max_sessions:
            raise ValueError(
                f"first_look ({self.first_look}), min_sessions ({self.min_sessions}) and "
                f"max_sessions ({self.max_sessions}) must not descend"
            )
        return self

    @property
    def limits(self) -> dict[GuardName, float]:
        """Limits of the guards that are on.

        >>> RampPolicy(max_drawdown=None, min_fill_ratio=None).limits
        {'shortfall': 3.5, 'slippage': 3.0, 'position_agreement': 0.9}
        """
        given: dict[GuardName, float | None] = {
            "drawdown": self.max_drawdown,
            "shortfall": self.max_shortfall,
            "slippage": self.max_excess_slippage_bps,
            "fill_ratio": self.min_fill_ratio,
            "position_agreement": self.min_position_agreement,
        }
        return {name: limit for name, limit in given.items() if limit is not None}
