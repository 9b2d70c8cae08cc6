"""What scans look back on: logged features and prices, placed in one panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.values import Floats, Panel


@dataclass(frozen=True, eq=False)
class Logged:
    """Rows of the feature log by the sessions and symbols of a panel, as flat arrays.

    Attributes
    ----------
    names : columns of ``values``.
    at, column : (R,) session and symbol of each row, by their numbers in the panel.
    values : (R, K).
    """

    names: tuple[str, ...]
    at: NDArray[np.int64]
    column: NDArray[np.int64]
    values: Floats

    def table(self, names: Sequence[str], begin: int, panel: Panel) -> Floats:
        """Lay features out from a session of the panel on, (T, N, K)."""
        chosen = self.at >= begin
        shape = (len(panel.sessions) - begin, len(panel.symbols), len(names))
        table = np.full(shape, np.nan)
        columns = [self.names.index(name) for name in names]
        table[self.at[chosen] - begin, self.column[chosen]] = self.values[chosen][:, columns]
        return table


def logged_of(rows: pd.DataFrame, names: tuple[str, ...], panel: Panel) -> Logged:
    """Place rows of the feature log in a panel; rows outside of it are left out."""
    days = rows["session"].to_numpy("datetime64[D]")
    at = np.searchsorted(panel.sessions, days)
    column = pd.Index(panel.symbols).get_indexer(pd.Index(rows["symbol"]))
    inside = (column >= 0) & (at < len(panel.sessions))
    inside[inside] = panel.sessions[at[inside]] == days[inside]
    values = rows[list(names)].to_numpy("float64")
    return Logged(names, at[inside], column[inside], values[inside])


@dataclass(frozen=True, eq=False)
class Past:
    """Features and prices of a span and of what lies before it.

    Attributes
    ----------
    whole : prices as known in the last session of the span: its sessions and symbols.
    first : prices as known in the first one.
    logged : rows of the feature log in ``whole``.
    """

    whole: Panel
    first: Panel
    logged: Logged
