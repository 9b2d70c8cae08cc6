"""What each single bar must satisfy."""

from __future__ import annotations

from functools import partial

from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.gates.suite import Check

BAR = ("symbol", "session")
ON_THE_DAY = ("session", "session")
ACROSS = ("before", "session")

_quarantine = partial(
    Check, table="known", kind="between", key=BAR, severity="critical", action="quarantine"
)
_note = partial(Check, table="known", kind="between", key=BAR, severity="warning", action="note")

MEND = "mend the bar at the source; its session is left out until then"


def bar_checks(policy: MarketGatePolicy, columns: tuple[str, ...]) -> tuple[Check, ...]:
    """List the checks on single bars, for the columns that were measured."""
    return (
        *_price_checks(columns),
        *_range_checks(policy, columns),
        *_volume_checks(policy, columns),
        *_jump_checks(policy),
        *_series_checks(policy),
    )


def _price_checks(columns: tuple[str, ...]) -> list[Check]:
    prices = [n for n in ("open", "high", "low", "close", "adjusted_close") if n in columns]
    needed = [name for name in prices if name in ("close", "adjusted_close")]
    checks = [
        _quarantine(
            name=f"{name}_positive",
            columns=(name,),
            minimum=0,
            strict_minimum=True,
            maximum=1e9,
            span=ON_THE_DAY,
            what=f"the {name.replace('_', ' ')} is {{value}}",
            remedy=MEND,
        )
        for name in prices
    ]
    checks += [
        _quarantine(
            name=f"{name}_present",
            kind="not_null",
            columns=(name,),
            span=ON_THE_DAY,
            what=f"the {name.replace('_', ' ')} is missing",
            remedy=MEND,
        )
        for name in needed
    ]
    checks += [
        _note(
            name=f"{name}_present",
            kind="not_null",
            columns=(name,),
            what=f"the {name} is missing",
            remedy="features that need it are missing over their windows; mend it at the source",
        )
        for name in ("open", "high", "low", "volume")
        if name in columns
    ]
    return checks


def _range_checks(policy: MarketGatePolicy, columns: tuple[str, ...]) -> list[Check]:
    if "range_miss" not in columns:
        return []
    return [
        _note(
            name="range_holds_prices",
            columns=("range_miss_less_tick",),
            maximum=policy.range_tolerance,
            what="high or low misses the bar's other prices by {value} of the close",
            remedy="check the bar; a rounding or an adjustment was not applied to all prices",
        ),
        _quarantine(
            name="range_broken",
            columns=("range_miss",),
            maximum=policy.range_break,
            span=ON_THE_DAY,
            what="high or low misses the bar's other prices by {value} of the close",
            remedy=MEND,
        ),
    ]


def _volume_checks(policy: MarketGatePolicy, columns: tuple[str, ...]) -> list[Check]:
    if "volume" not in columns:
        return []
    return [
        _quarantine(
            name="volume_not_negative",
            columns=("volume",),
            minimum=0,
            maximum=1e15,
            span=ON_THE_DAY,
            what="the volume is {value}",
            remedy=MEND,
        ),
        _note(
            name="volume_level",
            columns=("volume_ratio",),
            maximum=policy.max_volume_ratio,
            what="the volume is {value} times above or below its usual level",
            remedy="check whether the source changed from shares to lots",
        ),
        _note(
            name="volume_shift",
            columns=("volume_shift",),
            maximum=policy.max_volume_shift,
            what="from here on a month's usual volume is {value} times above or below the month "
            "before",
            remedy="check whether a split was applied to prices or volumes alone",
        ),
        _note(
            name="volume_zero",
            kind="in_set",
            columns=("moved_untraded",),
            allowed=(0.0,),
            details=("move",),
            what="the price moved by {move} though the volume is 0",
            remedy="check whether the volume is missing, or the price a quote that nobody traded",
        ),
        _quarantine(
            name="bar_repeated",
            kind="in_set",
            columns=("repeated",),
            allowed=(0.0,),
            span=ON_THE_DAY,
            what="prices and volume are all those of the session before",
            remedy="reload the session; the bar was copied forward",
        ),
    ]


def _jump_checks(policy: MarketGatePolicy) -> list[Check]:
    return [
        _quarantine(
            name="split_unadjusted",
            kind="in_set",
            columns=("split",),
            allowed=(0.0,),
            span=ACROSS,
            details=("split_ratio",),
            what="the price falls as after a {split_ratio} for 1 split or spin-off, the index "
            "does not, and nothing speaks of news",
            remedy="adjust the earlier prices or restate; windows over the jump are left out",
        ),
        _note(
            name="ratio_jump",
            kind="in_set",
            columns=("ratio_jump",),
            allowed=(0.0,),
            details=("split_ratio",),
            what="the price jumps near {split_ratio} for 1, though volume, opening or the days "
            "after look like news",
            remedy="confirm that no split is missing",
        ),
        _quarantine(
            name="price_level",
            columns=("level_ratio",),
            maximum=policy.max_level_ratio,
            span=ACROSS,
            what="the price is {value} times above or below the session before",
            remedy="check the unit (cents against dollars) and the adjustment",
        ),
        _note(
            name="return_outlier",
            columns=("deviations",),
            maximum=policy.max_outlier_deviations,
            details=("move",),
            what="a log return of {move} is {value} of the symbol's own deviations",
            remedy="confirm the price at a second source",
        ),
    ]


def _series_checks(policy: MarketGatePolicy) -> list[Check]:
    return [
        _quarantine(
            name="bad_tick",
            kind="in_set",
            columns=("spike",),
            allowed=(0.0,),
            span=ON_THE_DAY,
            details=("move",),
            what="a log return of {move} is taken back the next session",
            remedy=MEND,
        ),
        _note(
            name="jump_reversed",
            kind="in_set",
            columns=("reversal",),
            allowed=(0.0,),
            details=("move",),
            what="a log return of {move} is taken back the next session, which prices do at times",
            remedy="confirm the price at a second source",
        ),
        _note(
            name="bar_strayed",
            kind="in_set",
            columns=("strayed",),
            allowed=(0.0,),
            details=("move", "near"),
            what="the whole bar stands a log return of {move} away for this session alone, at its "
            "usual volume{near}",
            remedy="compare it with a second source, and mend or remove it if it is another's",
        ),
        _quarantine(
            name="symbols_swapped",
            kind="in_set",
            columns=("swap",),
            allowed=(0.0,),
            span=ACROSS,
            details=("partner",),
            what="it takes the price of {partner}, which takes its price",
            remedy="check the source's symbols from this session on",
        ),
        _quarantine(
            name="price_frozen",
            columns=("frozen",),
            maximum=1,
            span=("frozen_from", "frozen_to"),
            details=("frozen_from",),
            what="the price has not changed since {frozen_from}, {value} times longer than its "
            "tick and history explain",
            remedy="reload the stretch; it is left out until then",
        ),
    ]
