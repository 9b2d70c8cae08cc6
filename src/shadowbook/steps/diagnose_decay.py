"""Whether a book has decayed: its launch baseline, its record since, and the market around both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from shadowbook.core.bitemporal import rows_between
from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.decay import DecayPolicy, assess
from shadowbook.core.diagnosis.findings import Decay
from shadowbook.core.learning.causality import audit_causality
from shadowbook.core.learning.features import build_features, lookback
from shadowbook.core.stats.ranks import centered_ranks
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats, Panel
from shadowbook.errors import LeakageError
from shadowbook.steps.baseline import registered_baseline, unpacked
from shadowbook.steps.diagnose_sources import Books
from shadowbook.steps.history import Moment
from shadowbook.steps.known import accepted
from shadowbook.steps.live import live_records, of_version, tail
from shadowbook.workspace import Workspace

YEAR = 252
MONTH = 21
CUTS = 5
"""Sessions of the live span at which it is proved that no feature sees the future."""


@dataclass(frozen=True, eq=False)
class Track:
    """What a version promised and what its book has done.

    Attributes
    ----------
    panel : prices as known at the last session that counts.
    version : that scored last.
    backtest : of that version; None where it kept none.
    live : sessions under it, up to the last that counts.
    """

    panel: Panel
    version: int
    backtest: Backtest | None
    live: LiveRecord


def track_of(workspace: Workspace, books: Books, key: tuple[str, str], moment: Moment) -> Track:
    """Read a book's sessions under the version that scored last, up to a session.

    Parameters
    ----------
    key : strategy and book.
    moment : the last session that counts; labels that matured after its decision do not.
    """
    strategy, book = key
    horizon = workspace.settings.strategy(strategy).horizon
    panel = accepted(workspace.market, moment.as_of).panel(moment.as_of)
    record = live_records(books.ledger, panel, {strategy: horizon}, strategy, book)[key]
    live = of_version(tail(record, record.sessions <= np.datetime64(moment.session, "D")))
    version = int(live.model_versions[-1])
    return Track(panel, version, _backtest(workspace, books, strategy, version), live)


def decay_of(track: Track, policy: DecayPolicy) -> Decay:
    """Assess a book against what it promised; it cannot be told where no backtest was kept."""
    if track.backtest is None:
        reason = (
            f"version {track.version} of {track.live.strategy} kept no backtest, so neither decay "
            "nor the gap to it was assessed: retrain"
        )
        return Decay(None, math.nan, (reason,))
    context = context_of(track.panel, track.backtest, track.live)
    return assess(track.backtest, track.live, context, policy)


def context_of(panel: Panel, backtest: Backtest, live: LiveRecord) -> Context:
    """Lay out the market from a year before the backtest on, and audit the features.

    The plain factors hold every name by its centered rank at the close before: ``momentum`` by the
    return of the last twelve months without the newest one (Jegadeesh & Titman 1993), ``reversal``
    by the return of the newest month turned round (Jegadeesh 1990).
    """
    begin = int(np.searchsorted(panel.sessions, backtest.sessions[0]))
    around = rows_between(panel, max(begin - YEAR, 0), len(panel.sessions))
    # The year before the first session of the context is what its factors are made of.
    wide = rows_between(panel, max(begin - 2 * YEAR - 1, 0), len(panel.sessions))
    n_sessions = len(around.sessions)
    passed, note = _audit(panel, live.sessions[0].astype(date))
    return Context(
        sessions=around.sessions,
        market_returns=around.market_returns,
        factor_returns={
            name: returns[-n_sessions:] for name, returns in _factors(wide.prices).items()
        },
        availability_audit=passed,
        availability_note=note,
    )


def _factors(prices: Floats) -> dict[str, Floats]:
    known = np.where(np.isfinite(prices) & (prices > 0.0), prices, np.nan)
    moves = np.full(prices.shape, np.nan)
    moves[1:] = known[1:] / known[:-1] - 1.0
    past = {
        "momentum": _lagged(known, MONTH) / _lagged(known, YEAR) - 1.0,
        "reversal": _lagged(known, MONTH) / known - 1.0,
    }
    there = np.isfinite(known)
    return {
        name: _earned(centered_ranks(np.where(there, scores, np.nan)), moves)
        for name, scores in past.items()
    }


def _lagged(values: Floats, by: int) -> Floats:
    older = np.full(values.shape, np.nan)
    older[by:] = values[: len(values) - by]
    return older


def _earned(ranks: Floats, moves: Floats) -> Floats:
    """Return what holding by rank at one close earned to the next; NaN without any name."""
    held = np.where(np.isfinite(ranks[:-1]) & np.isfinite(moves[1:]), ranks[:-1], 0.0)
    gross = np.abs(held).sum(axis=1)
    earned = np.full(len(moves), np.nan)
    total = (held * np.nan_to_num(moves[1:])).sum(axis=1)
    np.divide(total, gross, out=earned[1:], where=gross > 0.0)
    return earned


def _audit(panel: Panel, first: date) -> tuple[bool, str]:
    """Prove at some sessions since the launch that no feature sees the future."""
    launched = int(np.searchsorted(panel.sessions, np.datetime64(first, "D")))
    part = rows_between(panel, max(launched - lookback(), 0), len(panel.sessions))
    last = len(part.sessions) - 2
    cuts = np.unique(np.linspace(min(lookback(), max(last, 0)), max(last, 0), CUTS).astype(int))
    try:
        audit_causality(build_features, part, [int(cut) for cut in cuts])
    except LeakageError as error:
        return False, str(error)
    days = len(cuts)
    return True, f"no feature of {days} audited sessions changes with what comes after it"


def _backtest(workspace: Workspace, books: Books, strategy: str, version: int) -> Backtest | None:
    kept = books.shelf.backtest(strategy, version) if books.shelf is not None else None
    if kept is not None:
        return unpacked(kept)
    if books.shelf is not None and books.shelf.load(strategy, version) is not None:
        return None
    return registered_baseline(workspace, strategy, version)
