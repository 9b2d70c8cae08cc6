"""What a book has done since its launch, read from the ledger and from prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.track import LiveRecord
from shadowbook.core.values import Floats, Panel, Sessions

RETURNS = ("net", "signal", "execution", "cost", "turnover")
MIN_NAMES = 5
"""A session with fewer rated names has no information coefficient."""

Key = tuple[str, str]
"""Strategy and book."""


def live_records(
    ledger: Ledger,
    panel: Panel,
    horizons: Mapping[str, int],
    strategy: str | None = None,
    book: str | None = None,
    since: datetime | None = None,
) -> dict[Key, LiveRecord]:
    """Read books with their information coefficients, as far as labels have matured.

    Parameters
    ----------
    panel : prices as known now; sessions after its last one count as not matured.
    horizons : strategy -> sessions that a score speaks about.
    since : the first decision moment that is read.

    Returns
    -------
    (strategy, book) -> record, in order of first record in the ledger.
    """
    returns = ledger.frame("book_returns", strategy, book, since)
    scores = ledger.frame("predictions", strategy, book, since)
    keys = ["strategy", "book"]
    rated = dict(iter(scores.groupby(keys, observed=True, sort=False)))
    forward = {name: forward_returns(panel.prices, horizon) for name, horizon in horizons.items()}
    found = {}
    for key, rows in returns.groupby(keys, observed=True, sort=False):
        name, its_book = str(key[0]), str(key[1])
        if name not in forward:
            continue
        sessions = rows["session"].to_numpy("datetime64[D]")
        table = score_table(rated.get(key), sessions, panel)
        now, lagged = skill(table, forward[name], sessions, panel)
        found[name, its_book] = LiveRecord(
            strategy=name,
            book=its_book,
            sessions=sessions,
            model_versions=rows["model_version"].to_numpy("int64"),
            information_coefficient=now,
            lagged_ic=lagged,
            **{part: rows[part].to_numpy("float64") for part in RETURNS},
        )
    return found


def score_table(rows: pd.DataFrame | None, sessions: Sessions, panel: Panel) -> Floats:
    """Lay scores out by session and the panel's symbols, (T, N); NaN = not rated."""
    table = np.full((len(sessions), len(panel.symbols)), np.nan)
    if rows is None or not len(rows):
        return table
    at = np.searchsorted(sessions, rows["session"].to_numpy("datetime64[D]"))
    names = rows["symbol"].cat.categories
    place = pd.Index(panel.symbols).get_indexer(names)
    columns = place[rows["symbol"].cat.codes]
    known = columns >= 0
    table[at[known], columns[known]] = rows["score"].to_numpy("float64")[known]
    return table


def skill(
    scores: Floats, forward: Floats, sessions: Sessions, panel: Panel
) -> tuple[Floats, Floats]:
    """Correlate each session's scores, and those of the session before, with what followed.

    Parameters
    ----------
    scores : (T, N) by the book's sessions and the panel's symbols.
    forward : (S, N) by the panel's sessions.
    sessions : (T,) of the book.

    Returns
    -------
    Two (T,) series; NaN where labels have not matured or fewer than ``MIN_NAMES`` are rated.
    """
    outcomes = np.full(scores.shape, np.nan)
    at = np.searchsorted(panel.sessions, sessions)
    there = at < len(panel.sessions)
    there[there] = panel.sessions[at[there]] == sessions[there]
    outcomes[there] = forward[at[there]]
    older = np.full(scores.shape, np.nan)
    older[1:] = scores[:-1]
    return (
        rank_correlation(scores, outcomes, MIN_NAMES),
        rank_correlation(older, outcomes, MIN_NAMES),
    )


def tail(record: LiveRecord, rows: NDArray[np.bool_] | slice | Sequence[int]) -> LiveRecord:
    """Cut rows out of a record."""
    index = np.asarray(rows) if not isinstance(rows, slice) else rows
    return LiveRecord(
        strategy=record.strategy,
        book=record.book,
        sessions=record.sessions[index],
        model_versions=record.model_versions[index],
        information_coefficient=record.information_coefficient[index],
        lagged_ic=record.lagged_ic[index],
        **{part: getattr(record, part)[index] for part in RETURNS},
    )


def of_version(record: LiveRecord) -> LiveRecord:
    """Return the sessions since the version that scores now took the book over."""
    versions = record.model_versions
    other = np.flatnonzero(versions != versions[-1]) if len(versions) else versions
    return tail(record, slice(int(other[-1]) + 1 if len(other) else 0, None))
