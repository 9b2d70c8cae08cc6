"""Every limit of the market gate, with the reason it stands where it does."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SeriesPolicy(BaseModel):
    """Limits for one market series beside the symbols."""

    model_config = FROZEN

    max_lag_sessions: int = Field(
        default=1, ge=0, description="newest value may be this many decided sessions old"
    )
    max_move: float = Field(
        default=0.3,
        gt=0,
        description="largest one-session log move; the Dow's of 1987-10-19 was 0.26",
    )
    max_unchanged: int = Field(
        default=3, ge=1, description="unchanged sessions in a row that may be chance"
    )
    max_missing_share: float = Field(
        default=0.0, ge=0, lt=1, description="share of sessions between first and last without one"
    )


class MarketGatePolicy(BaseModel):
    """Limits of the market gate.

    The scale of every jump is the symbol's own: a trimmed mean absolute return over its last
    ``scale_window`` sessions, times 1.2533 (a normal's deviation over its mean absolute
    value), and never finer than the price's own tick.
    """

    model_config = FROZEN

    min_symbols: int = Field(
        default=5, ge=1, description="fewest symbols in the newest session; fewer rank nothing"
    )
    min_universe_share: float = Field(
        default=0.8, gt=0, le=1, description="newest session's symbols over the usual number"
    )
    max_quarantined_share: float = Field(
        default=1 / 3,
        gt=0,
        le=1,
        description="share of symbols one check may quarantine in one session; more is the feed",
    )
    max_quarantined_bars: float = Field(
        default=0.001,
        gt=0,
        le=1,
        description="share of all bars one check may quarantine; blanks 22 % of year windows",
    )
    max_lag_sessions: int = Field(
        default=1, ge=0, description="newest bar may be this many decided sessions old"
    )
    max_symbol_lag_sessions: int = Field(
        default=0, ge=0, description="sessions a symbol's newest bar may lag the feed's newest"
    )
    range_tolerance: float = Field(
        default=1e-4, ge=0, description="high/low may miss open/close by a tick or this share"
    )
    range_break: float = Field(
        default=0.01, gt=0, description="missing them by more than this share, the bar is wrong"
    )
    scale_window: int = Field(
        default=63, ge=21, le=504, description="sessions behind a symbol's own scale of returns"
    )
    least_volatility: float = Field(
        default=0.005, gt=0, le=0.1, description="scale is never taken below this"
    )
    typical_volatility: float = Field(
        default=0.02, gt=0, le=0.2, description="scale of a symbol without history"
    )
    calm_volatility: float = Field(
        default=0.01,
        gt=0,
        le=0.1,
        description="a calm stock's session volatility; how long a coarse tick may hide it",
    )
    min_frozen_sessions: int = Field(
        default=5, ge=2, description="unchanged sessions in a row that are never blamed: a week"
    )
    frozen_chance: float = Field(
        default=1e-8,
        gt=0,
        lt=0.01,
        description="an unchanged run less likely is blamed; 1e-8 is 1 run in 600 samples' bars",
    )
    max_outlier_deviations: float = Field(
        default=12.0,
        gt=3,
        description="own deviations; earnings reach ten about once in 15 symbol years",
    )
    max_level_ratio: float = Field(
        default=8.0, gt=2, description="no one-session price ratio beyond it is a market's"
    )
    max_market_move: float = Field(
        default=0.3, gt=0, description="median log move of all symbols; 1987-10-19 was 0.26"
    )
    max_unchanged_share: float = Field(
        default=0.5, gt=0, le=1, description="share of symbols unchanged that is a copied session"
    )
    max_unchanged_deviations: float = Field(
        default=6.0, gt=0, description="unchanged symbols over what ticks explain, deviations"
    )
    spike_deviations: float = Field(
        default=5.0, gt=2, description="own deviations of a jump that may be a bad tick"
    )
    spike_deviations_alone: float = Field(
        default=8.0,
        gt=2,
        description="and from where closes alone tell one: 75 of 166,260 get there",
    )
    spike_least: float = Field(
        default=0.04, gt=0, description="log size below which a bad tick is not told from noise"
    )
    spike_left: float = Field(
        default=0.25, ge=0, lt=1, description="share of a bad tick's jump the next session leaves"
    )
    spike_whole_bar: float = Field(
        default=0.25,
        gt=0,
        description="log size from where a whole bar away for one session is left out, not noted",
    )
    split_ratios: tuple[int, ...] = Field(
        default=(2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 50, 100),
        min_length=1,
        description="whole ratios of splits and reverse splits",
    )
    split_deviations: float = Field(
        default=3.0, gt=0, description="what may be left of a jump after the ratio, deviations"
    )
    split_tolerance: float = Field(
        default=0.06, gt=0, lt=0.2, description="and at most, in log price"
    )
    split_restless: float = Field(
        default=1.75,
        gt=1,
        description="next ten sessions' typical size over the usual; chance gets there in 1 of 12",
    )
    split_dollar_volume: float = Field(
        default=3.0, gt=1, description="dollar volume over its 21-session median; news trades more"
    )
    split_gap_share: float = Field(
        default=0.7, gt=0, le=1, description="share of a split's jump that the open already has"
    )
    spinoff_least: float = Field(
        default=0.25, gt=0, description="log fall at the open that ordinary trading never is"
    )
    max_volume_ratio: float = Field(
        default=100.0, gt=1, description="volume over its 21-session median; lots against shares"
    )
    max_volume_shift: float = Field(
        default=5.0, gt=1, description="a month's median volume over that before; splits of volume"
    )
    shift_sessions: int = Field(
        default=252, ge=126, le=1260, description="sessions in which a shift of days is looked for"
    )
    shift_correlation: float = Field(
        default=0.3, gt=0, lt=1, description="correlation with the market a session off"
    )
    shift_margin: float = Field(
        default=0.25, gt=0, lt=2, description="and so much above that of the same session"
    )
    max_restatement: float = Field(
        default=0.1, gt=0, description="log size of a restated price that asks for a look"
    )
    index: SeriesPolicy = SeriesPolicy()
    vix: SeriesPolicy = SeriesPolicy(max_move=1.2, max_unchanged=5, max_missing_share=0.01)
