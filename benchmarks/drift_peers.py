"""What others call drift, on the same windows: textbook rules, Evidently and NannyML.

Evidently's own function decides which test is used (``get_stattest`` of Evidently 0.7,
``legacy/calculations/stattests/registry.py``): K-S at 5 % for a reference of at most 1,000 values,
else the Wasserstein distance in standard deviations of the reference, drifted from 0.1 on.
NannyML is not installed here; its documented default since 0.10.2 is written out: Jensen-Shannon
distance (base 2) over the cells that Doane's rule makes of the reference, what lies beyond them in
a cell of its own, drifted above mean + 3 standard deviations of the reference's own chunks, which
are as long as the window, the incomplete last one among them. (A column of few values has a cell a
value.)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import kstwo

from shadowbook.core.drift.cells import cells_of
from shadowbook.core.drift.distributions import ks_distance, ordered, psi_from_proportions

RULES = ("K-S at 5 %", "PSI > 0.2", "Evidently", "NannyML")
TEXTBOOK_PSI, TEXTBOOK_KS = 0.2, 0.05


class Peers:
    """Rules that are fitted to one column's reference (T, N); NaN is left out, as they all do."""

    def __init__(self, reference: np.ndarray, windows: Sequence[int]) -> None:
        self.finite = ordered(reference.ravel())
        self.cells = cells_of(self.finite, 10)
        self.shares = self.cells.shares(self.finite)
        self.edges = self._edges()
        self.spread = np.append(self._counted(self.finite[None]), 0.0) / len(self.finite)
        self.limits = {window: self._limit(reference, window) for window in windows}
        self.series, self.deviation = pd.Series(self.finite), float(np.std(self.finite))
        from evidently.legacy.calculations.stattests import registry
        from evidently.legacy.core import ColumnType

        self.kind = ColumnType.Numerical
        self.test = registry.get_stattest(self.series, self.series, self.kind, None)

    def alarms(self, current: np.ndarray) -> np.ndarray:
        """Judge one window (W, N), in order of `RULES`; a window without values alarms nobody."""
        finite, n = ordered(current.ravel()), len(self.finite)
        if not len(finite):
            return np.zeros(len(RULES), dtype=bool)
        m = len(finite)
        index = psi_from_proportions(self.shares, self.cells.shares(finite))
        return np.array(
            [
                ks_distance(self.finite, finite) >= critical(round(n * m / (n + m))),
                index > TEXTBOOK_PSI,
                self._evidently(finite),
                self._apart(current) > self.limits[len(current)],
            ]
        )

    def _evidently(self, finite: np.ndarray) -> bool:
        series, kind = pd.Series(finite), self.kind
        if self.test.name != "wasserstein":
            return bool(self.test(self.series, series, kind, None).drifted)
        # As Evidently's own, which `prepare` compares it with, on samples that are sorted already.
        distance = wasserstein(self.finite, finite) / max(self.deviation, 0.001)
        return distance >= self.test.default_threshold

    def _edges(self) -> np.ndarray:
        """Cut by Doane's rule, or by value where they are few."""
        values = np.unique(self.finite)
        if len(values) > 50 or len(values) > 0.1 * len(self.finite):
            return np.histogram_bin_edges(self.finite, bins="doane")
        middles = (values[1:] + values[:-1]) / 2.0
        return np.concatenate([values[:1] - 0.5, middles, values[-1:] + 0.5])

    def _counted(self, values: np.ndarray) -> np.ndarray:
        return np.histogram(values[np.isfinite(values)], self.edges)[0]

    def _apart(self, current: np.ndarray) -> float:
        counts, n = self._counted(current), np.isfinite(current).sum()
        if not n:
            return math.nan
        return float(jensenshannon(self.spread, np.append(counts, n - counts.sum()) / n, base=2))

    def _limit(self, reference: np.ndarray, window: int) -> float:
        chunks = [
            self._apart(reference[at : at + window]) for at in range(0, len(reference), window)
        ]
        return float(np.nanmean(chunks) + 3.0 * np.nanstd(chunks))


_CRITICAL: dict[int, float] = {}


def critical(n: int) -> float:
    """Return the distance of K-S at 5 % on independent values (Hodges 1958, as scipy takes it)."""
    if n not in _CRITICAL:
        _CRITICAL[n] = float(kstwo.isf(TEXTBOOK_KS, n))
    return _CRITICAL[n]


def wasserstein(one: np.ndarray, other: np.ndarray) -> float:
    """Return the area between two distribution functions, from ascending samples."""
    places = np.concatenate([one, other])
    places.sort(kind="stable")
    upto = [np.searchsorted(sample, places[:-1], "right") / len(sample) for sample in (one, other)]
    return float(np.sum(np.abs(upto[0] - upto[1]) * np.diff(places)))


def prepare() -> None:
    """Keep Evidently's warnings out of the tables, and hold the distance above against its own."""
    warnings.filterwarnings("ignore", module="evidently")
    warnings.filterwarnings("ignore", module="litestar")
    from evidently.legacy.calculations.stattests import wasserstein_stat_test

    rng = np.random.default_rng(0)
    values = rng.normal(size=(1500, 3))
    peers = Peers(values[:1250], (250,))
    theirs = wasserstein_stat_test(
        peers.series, pd.Series(values[1250:].ravel()), peers.kind, None
    ).drift_score
    mine = wasserstein(peers.finite, ordered(values[1250:].ravel())) / peers.deviation
    assert peers.test is wasserstein_stat_test
    assert math.isclose(mine, theirs, rel_tol=1e-9)
