"""What the symbols, the sessions and the feed as a whole must satisfy."""

from __future__ import annotations

from functools import partial

from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.gates.suite import Check

_quarantine = partial(
    Check, kind="between", key=("symbol", "session"), severity="critical", action="quarantine"
)
_halt = partial(Check, kind="between", key=("session",), severity="critical", action="halt")
_note = partial(Check, kind="between", key=("session",), severity="warning", action="note")


def feed_checks(policy: MarketGatePolicy) -> tuple[Check, ...]:
    """List the checks on symbols, sessions and the feed as a whole."""
    return (*_symbol_checks(policy), *_session_checks(policy), *_newest_checks(policy))


def _symbol_checks(policy: MarketGatePolicy) -> list[Check]:
    return [
        _quarantine(
            name="sessions_complete",
            table="coverage",
            columns=("missing",),
            maximum=0,
            span=("session", "last"),
            details=("last",),
            what="{value} sessions to {last} are missing",
            remedy="load them; windows over the gap are left out until then",
        ),
        _quarantine(
            name="symbol_stale",
            table="symbols",
            columns=("lag",),
            maximum=policy.max_symbol_lag_sessions,
            span=("silent_from", "open_end"),
            what="its newest bar is {value} sessions behind the feed's newest",
            remedy="load the missing bars, or leave it where the stock is no longer traded; it is "
            "not used from there on",
        ),
        _quarantine(
            name="sessions_shifted",
            table="symbols",
            kind="in_set",
            columns=("shifted",),
            allowed=(0.0,),
            key=("symbol",),
            span=("shift_from", "shift_to"),
            details=("shift_from", "shift_side", "shift_correlation", "same_day"),
            what="from about {shift_from} on its bars stand a session {shift_side}, for it goes "
            "with the market of that session ({shift_correlation}), not of its own ({same_day})",
            remedy="correct its dates, such as a time zone that turns the day",
        ),
        _quarantine(
            name="symbol_doubled",
            table="symbols",
            kind="in_set",
            columns=("has_twin",),
            allowed=(0.0,),
            key=("symbol",),
            span=("shared_from", "open_end"),
            details=("twin", "shared_from"),
            what="from {shared_from} on it carries the prices of {twin}",
            remedy="check the source's symbols; neither is used from there on",
        ),
        Check(
            name="symbol_renamed",
            table="symbols",
            kind="in_set",
            columns=("renamed",),
            allowed=(0.0,),
            key=("symbol", "session"),
            details=("successor", "successor_ratio", "symbol"),
            severity="warning",
            action="note",
            what="it ends here and {successor} begins the next session at {successor_ratio} of its "
            "price, so it was probably renamed",
            remedy="if so, map the old name to the new in market_data.files.renames, which joins "
            "their histories",
        ),
    ]


def _session_checks(policy: MarketGatePolicy) -> list[Check]:
    return [
        _halt(
            name="session_present",
            table="sessions",
            columns=("symbols",),
            minimum=1,
            what="no symbol has a bar in this session of the exchange",
            remedy="load the session or correct market_data.calendar",
        ),
        _halt(
            name="market_move",
            table="sessions",
            columns=("market_move",),
            maximum=policy.max_market_move,
            what="the symbols' median log return is {value} in size",
            remedy="check the session's unit and adjustment for all symbols",
        ),
        _halt(
            name="session_copied",
            table="sessions",
            columns=("copied_share",),
            maximum=policy.max_unchanged_share,
            what="a share of {value} of the symbols did not change",
            remedy="reload the session; it was copied from the one before",
        ),
        _note(
            name="session_resting",
            table="sessions",
            columns=("unchanged_deviations",),
            maximum=policy.max_unchanged_deviations,
            details=("unchanged_share",),
            what="a share of {unchanged_share} of the symbols did not change, {value} deviations "
            "more than ticks and history explain",
            remedy="check whether some bars were copied from the session before",
        ),
    ]


def _newest_checks(policy: MarketGatePolicy) -> list[Check]:
    return [
        _halt(
            name="feed_fresh",
            table="feed",
            columns=("lag",),
            maximum=policy.max_lag_sessions,
            what="the newest bar is {value} decided sessions old",
            remedy="ingest the newest sessions or choose an earlier --as-of",
        ),
        _halt(
            name="universe_size",
            table="feed",
            columns=("symbols",),
            minimum=policy.min_symbols,
            what="the newest session has {value} symbols",
            remedy="load the missing symbols or lower gates.market.min_symbols",
        ),
        _halt(
            name="universe_share",
            table="feed",
            columns=("universe_share",),
            minimum=policy.min_universe_share,
            what="the newest session has {value} of the usual number of symbols",
            remedy="load the missing symbols",
        ),
    ]
