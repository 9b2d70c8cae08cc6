"""Feature rows and labels on one grid of sessions and symbols, ready to be split and fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shadowbook.core.learning.labels import LabelPolicy, make_labels
from shadowbook.core.values import Floats, Panel, Sessions
from shadowbook.errors import InsufficientDataError, SchemaError


@dataclass(frozen=True, eq=False)
class Dataset:
    """What one strategy learns from.

    Attributes
    ----------
    sessions : (T,) from the first session with a feature row to the panel's last.
    symbols : N names, sorted.
    names : K feature names.
    features : (T, N, K) float64; NaN = missing, all K where there is no row.
    labels : (T, N) float64; NaN = not matured, not computable, or no row.
    prices : (T, N) float64 as known at the run's moment, quarantined spans blank.
    n_rows : feature rows there are.
    """

    sessions: Sessions
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    features: Floats
    labels: Floats
    prices: Floats
    n_rows: int


def assemble(
    rows: pd.DataFrame, names: Sequence[str], panel: Panel, horizon: int, policy: LabelPolicy
) -> Dataset:
    """Join feature rows with the labels of their sessions.

    Parameters
    ----------
    rows : ``symbol``, ``session`` and the feature columns, one row per (symbol, session).
    names : feature columns to use, in order.
    panel : prices as known at the run's moment.
    horizon : sessions ahead that a label looks.

    Raises
    ------
    SchemaError
        When a feature column is missing, a row is double or lies outside the panel.
    InsufficientDataError
        When there is no row.
    """
    missing = [name for name in names if name not in rows]
    if missing:
        held = [str(c) for c in rows if c not in ("symbol", "session", "available_at")]
        raise SchemaError(
            f"the feature log has no {', '.join(missing)}: correct strategies.*.features, there "
            f"are {', '.join(held)}"
        )
    if rows.empty:
        raise InsufficientDataError("no feature was known at this moment: run ingest and features")
    if rows.duplicated(["session", "symbol"]).any():
        raise SchemaError("a (symbol, session) stands twice in the feature rows")
    days = rows["session"].to_numpy("datetime64[D]")
    column = pd.Categorical(rows["symbol"], categories=list(panel.symbols)).codes
    at = np.searchsorted(panel.sessions, days)
    inside = (column >= 0) & (at < len(panel.sessions))
    inside &= panel.sessions[np.minimum(at, len(panel.sessions) - 1)] == days
    if not inside.all():
        row = int(np.argmin(inside))
        raise SchemaError(
            f"feature row {rows['symbol'].iloc[row]} {days[row]} has no place among the accepted "
            "prices: restore data/market or the feature log from its pin"
        )
    begin = int(at.min())
    total = len(panel.sessions) - begin
    features = np.full((total, len(panel.symbols), len(names)), np.nan)
    features[at - begin, column] = rows[list(names)].to_numpy("float64")
    present = np.zeros((total, len(panel.symbols)), dtype=bool)
    present[at - begin, column] = True
    labels = make_labels(panel.prices, horizon, policy)[begin:]
    return Dataset(
        sessions=panel.sessions[begin:],
        symbols=panel.symbols,
        names=tuple(names),
        features=features,
        labels=np.where(present, labels, np.nan),
        prices=panel.prices[begin:],
        n_rows=len(rows),
    )
