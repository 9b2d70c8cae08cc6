"""What a challenger has to show before it becomes champion."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.promotion.budget import BudgetPolicy


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ReplacementPolicy(_Section):
    """What another recipe has to show."""

    min_effect: float = Field(
        default=0.2,
        ge=0.0,
        le=5.0,
        description="annual Sharpe ratio by which it must be ahead, whatever the p-value",
    )
    significance: Literal["sequential", "fixed"] = Field(
        default="sequential",
        description="how a shadow book alone may prove it: sequential counts every daily look; "
        "fixed looks once, when min_sessions are there",
    )
    min_history_sessions: int = Field(
        default=504, ge=63, le=100_000, description="of paired walk forward, else it proves nothing"
    )
    min_deflated_sharpe: float | None = Field(
        default=0.95,
        gt=0.0,
        lt=1.0,
        description="probability that its lead in history is more than the best of its trials has "
        "by luck; null: not asked",
    )
    snooping_resamples: int = Field(
        default=10_000, ge=200, le=1_000_000, description="draws of the data snooping test"
    )
    min_parity: float | None = Field(
        default=0.01,
        gt=0.0,
        lt=0.5,
        description="p-value below which its shadow book does not behave as its history; null: not "
        "asked",
    )
    harm_margin: float | None = Field(
        default=2.0,
        gt=0.0,
        le=10.0,
        description="annual Sharpe ratio that its shadow book must be shown not to lag by; null: "
        "not asked",
    )
    min_signal_correlation: float | None = Field(
        default=None,
        ge=-1.0,
        le=1.0,
        description="rank correlation of its scores and the champion's; null: not asked, since "
        "another recipe may see the world another way",
    )
    min_position_agreement: float | None = Field(
        default=None, ge=0.0, le=1.0, description="share of positions held in common; null likewise"
    )


class RefreshPolicy(_Section):
    """What the same recipe on newer data has to show."""

    margin: float = Field(
        default=2.0,
        gt=0.0,
        le=10.0,
        description="annual Sharpe ratio that its shadow book must be shown not to lag by",
    )
    max_refit_distance: float | None = Field(
        default=2.0,
        ge=1.0,
        le=10.0,
        description="how much further from the champion's its scores may rank than refits of the "
        "recipe did in history: 1 less the rank correlation, as a ratio; null: not asked",
    )
    refit_slack: float = Field(
        default=0.04,
        ge=0.0,
        le=1.0,
        description="distance that is never too far, however alike refits are",
    )
    min_signal_correlation: float | None = Field(
        default=0.5,
        ge=-1.0,
        le=1.0,
        description="rank correlation of its scores and the champion's, whatever refits did; null: "
        "not asked",
    )
    min_position_agreement: float | None = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="share of positions held in common; null: not asked",
    )
    min_training_share: float | None = Field(
        default=0.9,
        gt=0.0,
        le=1.0,
        description="labels it was fitted on, as a share of the champion's; null: not asked",
    )


class CourtPolicy(_Section):
    """What every challenger has to show, and what its kind has to."""

    budget: BudgetPolicy = BudgetPolicy()
    replacement: ReplacementPolicy = ReplacementPolicy()
    refresh: RefreshPolicy = RefreshPolicy()
    safety_alpha: float = Field(
        default=0.05,
        gt=0.0,
        lt=0.5,
        description="chance of an error of the tests of harm and non-inferiority, over all looks",
    )
    min_sessions: int = Field(
        default=63, ge=21, le=2520, description="sessions of its shadow book beside the champion"
    )
    max_sessions: int = Field(
        default=504,
        ge=63,
        le=25_200,
        description="sessions since its training moment after which it is too old",
    )
    max_drawdown_ratio: float | None = Field(
        default=1.5,
        ge=1.0,
        le=100.0,
        description="deepest drawdown of its shadow book over the champion's; null: not asked",
    )
    max_cost_ratio: float | None = Field(
        default=2.0, gt=0.0, le=100.0, description="its costs over the champion's; null: not asked"
    )
    max_turnover_ratio: float | None = Field(
        default=2.0, gt=0.0, le=100.0, description="likewise of turnover"
    )
    training_data: bool = Field(
        default=True,
        description="whether the features that it learned from are computed again and must be the "
        "same to the last bit",
    )
    drift: bool = Field(
        default=True,
        description="whether drift that began after its training holds it back while it lasts",
    )
    gate: bool = Field(
        default=True, description="whether the newest data must have passed the gate"
    )
    max_drill_age_sessions: int | None = Field(
        default=21,
        ge=0,
        le=252,
        description="sessions that a passed drill of the way back is good for; null: not asked",
    )
    approval: bool = Field(
        default=False, description="whether a second person must approve; never the requester"
    )
