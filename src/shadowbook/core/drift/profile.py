"""A reference that is sorted once and held against many windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from shadowbook.core.drift.cells import Cells, cells_of
from shadowbook.core.drift.distributions import (
    ks_distance,
    missing_share,
    ordered,
    psi_from_proportions,
)
from shadowbook.core.values import Floats

Table = pd.DataFrame | Floats


@dataclass(frozen=True, eq=False)
class _Column:
    """A column's finite values, ascending, and the cells they make; none without a value."""

    finite: Floats
    missing: float
    cells: Cells | None
    shares: Floats


@dataclass(frozen=True, eq=False)
class ReferenceProfile:
    """The columns of a reference, each sorted and cut into cells.

    Attributes
    ----------
    names : of the columns, in order.
    """

    names: tuple[str, ...]
    _columns: tuple[_Column, ...]

    @classmethod
    def fit(cls, reference: Table, n_bins: int = 10) -> Self:
        """Sort a reference.

        Parameters
        ----------
        reference : (n, K) table; values that are not finite count as missing.
        n_bins : cells of the population stability index; see `distributions.psi`.

        Raises
        ------
        ValueError
            When it is no table, two columns have one name, or ``n_bins`` is below 2.
        """
        if n_bins < 2:
            raise ValueError(f"n_bins is {n_bins}: at least 2 are needed")
        names, columns = _columns_of(reference)
        return cls(names, tuple(_sorted(values, n_bins) for values in columns))

    def scan(self, current: Table) -> pd.DataFrame:
        """Hold a window against the reference; only the window is sorted.

        Parameters
        ----------
        current : (m, K) table with the same columns; of a DataFrame they are taken by name.

        Returns
        -------
        A row a column, in order of the reference: ``psi``, ``ks_statistic``,
        ``missing_difference`` (current less reference) and ``status``, NOT_COMPUTABLE where either
        side has no finite value.

        Raises
        ------
        ValueError
            When columns are missing or of another number.
        """
        if isinstance(current, pd.DataFrame):
            lacking = [name for name in self.names if name not in current.columns]
            if lacking:
                raise ValueError(f"the window lacks column {lacking[0]} of the reference")
            current = current[list(self.names)]
        names, columns = _columns_of(current)
        if len(names) != len(self.names):
            raise ValueError(
                f"the window has {len(names)} columns and the reference {len(self.names)}"
            )
        rows = [_held(one, values) for one, values in zip(self._columns, columns, strict=True)]
        titles = ["psi", "ks_statistic", "missing_difference", "status"]
        return pd.DataFrame(rows, columns=titles, index=pd.Index(self.names, name="column"))


def _columns_of(table: Table) -> tuple[tuple[str, ...], Sequence[Floats]]:
    if isinstance(table, pd.DataFrame):
        names = tuple(str(name) for name in table.columns)
        if len(set(names)) != len(names):
            raise ValueError("two columns of the table have one name")
        return names, [table.iloc[:, at].to_numpy(np.float64) for at in range(len(names))]
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"the table has shape {values.shape}: give (n, K)")
    return tuple(str(at) for at in range(values.shape[1])), list(values.T)


def _sorted(values: Floats, n_bins: int) -> _Column:
    finite = ordered(values)
    missing = missing_share(finite, len(values))
    if not len(finite):
        return _Column(finite, missing, None, finite)
    cells = cells_of(finite, n_bins)
    return _Column(finite, missing, cells, cells.shares(finite))


def _held(reference: _Column, values: Floats) -> tuple[float, float, float, str]:
    finite = ordered(values)
    missing = missing_share(finite, len(values)) - reference.missing
    if reference.cells is None or not len(finite):
        return float("nan"), float("nan"), missing, "NOT_COMPUTABLE"
    index = psi_from_proportions(reference.shares, reference.cells.shares(finite))
    return index, ks_distance(reference.finite, finite), missing, "OK"
