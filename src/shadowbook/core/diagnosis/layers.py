"""One layer of some sessions, as it was recorded and as the pinned code makes it: bit for bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from shadowbook.core.diagnosis.findings import Layer, LayerComparison
from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError

PLACES = 5
"""Differences that are named; the others are counted."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One side of a layer in one session.

    Attributes
    ----------
    rows : n names, sorted, each once: symbols, or orders.
    columns : F names of what a row says, each once.
    values : (n, F); NaN = missing.

    Raises
    ------
    SchemaError
        The names do not fit the values, or stand twice.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Floats

    def __post_init__(self) -> None:
        """Check what the alignment relies on."""
        if self.values.shape != (len(self.rows), len(self.columns)):
            raise SchemaError(
                f"a sheet of {len(self.rows)} rows and {len(self.columns)} columns has values of "
                f"shape {self.values.shape}: give one number for each row and column"
            )
        for names in (self.rows, self.columns):
            if len(set(names)) != len(names):
                raise SchemaError("a row or column of a sheet stands twice: name each once")


@dataclass(frozen=True, eq=False)
class Pair:
    """A session's sheet as it was recorded, and as it is rebuilt."""

    session: date
    recorded: Sheet
    rebuilt: Sheet


def compare(layer: Layer, pairs: Iterable[Pair]) -> LayerComparison:
    """Hold what was recorded against what is rebuilt.

    Numbers are equal when every bit is, but NaN equals NaN and 0.0 equals -0.0. A row or column
    that only one side has differs in each of its cells.

    Parameters
    ----------
    pairs : one a session, in order of sessions.

    Returns
    -------
    LayerComparison; the places are those of the first session that differs.

    >>> one = Sheet(("AAPL", "KO"), ("close",), np.array([[150.0], [np.nan]]))
    >>> two = Sheet(("AAPL",), ("close",), np.array([[151.5]]))
    >>> found = compare(Layer.RAW_DATA, [Pair(date(2022, 1, 3), one, two)])
    >>> found.cells, found.diverging, found.largest
    (2, 2, 1.5)
    >>> found.where
    ('AAPL close: 150.0 recorded, 151.5 rebuilt', 'KO close: nan recorded, nothing rebuilt')
    """
    cells = diverging = 0
    largest = np.nan
    first: date | None = None
    last: date | None = None
    where: tuple[str, ...] = ()
    for pair in pairs:
        laid = _aligned(pair.recorded, pair.rebuilt)
        differs = ~(
            (laid.recorded == laid.rebuilt) | (np.isnan(laid.recorded) & np.isnan(laid.rebuilt))
        )
        differs |= laid.alone
        cells += differs.size
        n_differing = int(differs.sum())
        if not n_differing:
            continue
        diverging += n_differing
        last = pair.session
        both = differs & np.isfinite(laid.recorded) & np.isfinite(laid.rebuilt)
        if both.any():
            apart = np.abs(laid.recorded[both] - laid.rebuilt[both]).max()
            largest = float(np.fmax(largest, apart))
        if first is None:
            first, where = pair.session, _places(laid, differs)
    if not diverging:
        largest = 0.0
    return LayerComparison(layer, cells, diverging, largest, first, where, last)


@dataclass(frozen=True, eq=False)
class _Laid:
    """Both sides on the same rows and columns; ``alone`` = one side has no such cell."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    recorded: Floats
    rebuilt: Floats
    on_record: np.ndarray
    on_rebuilt: np.ndarray

    @property
    def alone(self) -> np.ndarray:
        apart: np.ndarray = self.on_record != self.on_rebuilt
        return apart


def _aligned(recorded: Sheet, rebuilt: Sheet) -> _Laid:
    if recorded.rows == rebuilt.rows and recorded.columns == rebuilt.columns:
        there = np.ones(recorded.values.shape, dtype=bool)
        values = (recorded.values, rebuilt.values)
        return _Laid(recorded.rows, recorded.columns, *values, there, there)
    rows = tuple(sorted({*recorded.rows, *rebuilt.rows}))
    columns = tuple(dict.fromkeys((*recorded.columns, *rebuilt.columns)))
    one, there = _spread(recorded, rows, columns)
    other, too = _spread(rebuilt, rows, columns)
    # A cell that neither side has is none.
    known = there | too
    one[~known] = other[~known] = np.nan
    return _Laid(rows, columns, one, other, there, too)


def _spread(
    sheet: Sheet, rows: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[Floats, np.ndarray]:
    values = np.full((len(rows), len(columns)), np.nan)
    there = np.zeros(values.shape, dtype=bool)
    row_of = {name: i for i, name in enumerate(rows)}
    column_of = {name: i for i, name in enumerate(columns)}
    at = np.ix_([row_of[name] for name in sheet.rows], [column_of[name] for name in sheet.columns])
    values[at] = sheet.values
    there[at] = True
    return values, there


def _places(laid: _Laid, differs: np.ndarray) -> tuple[str, ...]:
    def told(values: Floats, there: np.ndarray, at: tuple[int, int]) -> str:
        return repr(float(values[at])) if there[at] else "nothing"

    return tuple(
        f"{laid.rows[row]} {laid.columns[column]}: "
        f"{told(laid.recorded, laid.on_record, (row, column))} recorded, "
        f"{told(laid.rebuilt, laid.on_rebuilt, (row, column))} rebuilt"
        for row, column in np.argwhere(differs)[:PLACES].tolist()
    )
