"""What counts as drift, and what may follow from it by itself."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StreamPolicy(_Section):
    """Detectors of concept drift on streams of errors."""

    years_between_false_alarms: float = Field(
        default=10.0, gt=0.0, le=1000.0, description="run length that settings are calibrated to"
    )
    n_histories: int = Field(
        default=200, ge=20, le=100_000, description="resampled histories that measure it"
    )


class AttributionShiftPolicy(_Section):
    """How SHAP values are compared."""

    rows: int = Field(
        default=2000,
        ge=100,
        le=1_000_000,
        description="rows explained of the current window; of more, evenly spaced sessions are "
        "taken, and as many apart in the reference",
    )
    n_resamples: int = Field(default=1000, ge=100, le=100_000, description="draws of the bootstrap")


class RetrainPolicy(_Section):
    """How often drift may start a retraining."""

    active: bool = Field(default=True, description="false: drift starts no retraining")
    cooldown_sessions: int = Field(
        default=21, ge=0, le=2520, description="sessions after one in which none is started"
    )
    max_a_month: int = Field(
        default=2, ge=0, le=31, description="retrainings by drift a calendar month and strategy"
    )
    patience_minutes: float = Field(
        default=240, ge=0, le=2880, description="how long one waits for a workspace in use"
    )


class DriftPolicy(_Section):
    """What a version's inputs, scores and outcomes are held against, and how strictly."""

    reference_sessions: int = Field(
        default=1260,
        ge=252,
        le=25_200,
        description="sessions before a version's training moment that it is held against",
    )
    windows: tuple[int, ...] = Field(
        default=(21, 63), min_length=1, max_length=4, description="trailing sessions scanned"
    )
    n_bins: int = Field(
        default=10, ge=2, le=100, description="cells of the population stability index"
    )
    n_resamples: int = Field(
        default=2000, ge=200, le=100_000, description="draws behind each null distribution"
    )
    false_discovery_rate: float = Field(
        default=0.02, gt=0.0, lt=0.5, description="of columns that a scan calls drifted"
    )
    min_distance: float = Field(
        default=0.05,
        ge=0.0,
        lt=1.0,
        description="a Kolmogorov-Smirnov distance up to it never counts: what a universe of 20 "
        "moves its ranks by when it loses one name",
    )
    min_missing_difference: float = Field(
        default=0.01, gt=0.0, lt=1.0, description="smaller changes of a missing share never count"
    )
    persistence: int = Field(
        default=3, ge=1, le=252, description="scans in alarm in a row before an incident is opened"
    )
    clear_sessions: int = Field(
        default=21, ge=1, le=252, description="scans without alarm in a row before it is closed"
    )
    held_out_years: int = Field(
        default=5,
        ge=0,
        le=100,
        description="years of the reference that are each held against the others, to measure "
        "false alarms; 0: not measured",
    )
    streams: StreamPolicy = StreamPolicy()
    attributions: AttributionShiftPolicy = AttributionShiftPolicy()
    retrain: RetrainPolicy = RetrainPolicy()

    @field_validator("windows")
    @classmethod
    def _ascending(cls, given: tuple[int, ...]) -> tuple[int, ...]:
        if any(window < 5 or window > 504 for window in given):
            raise ValueError("must be of 5 to 504 sessions")
        if list(given) != sorted(set(given)):
            raise ValueError("must ascend without repeating")
        return given
