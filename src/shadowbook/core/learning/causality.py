"""Audits that nothing sees the future: features by rebuilding, splits by counting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shadowbook.core.learning.features import FeatureCube
from shadowbook.core.learning.features import lookback as longest_lookback
from shadowbook.core.values import Floats, Panel
from shadowbook.errors import LeakageError

Build = Callable[[Panel], FeatureCube]

_AHEAD = 42  # sessions of altered future shown to the perturbed build: two months


def audit_causality(
    build: Build, panel: Panel, cuts: Sequence[int], lookback: int | None = None
) -> None:
    """Check that values at a session do not change with what comes after it.

    For every cut t the features are built again from rows ``t - lookback .. t`` alone, and from
    those rows followed by a falsified future. Both must equal the build on the whole panel at t,
    bit for bit; NaN equals NaN. Built on the look-back alone the audit stays cheap, and it
    also proves that a rebuild of one session needs no older history.

    Parameters
    ----------
    build : Panel -> FeatureCube, e.g. `build_features`.
    panel : prices as known at one moment.
    cuts : rows t to check.
    lookback : sessions before t that ``build`` may read; default: the catalog's longest.

    Raises
    ------
    LeakageError
        Naming the feature, symbol and session of the first difference.
    """
    reach = longest_lookback() if lookback is None else lookback
    whole = build(panel)
    for cut in cuts:
        start = max(0, cut - reach)
        rebuilt = build(_between(panel, start, cut + 1))
        _compare(whole, rebuilt, cut, cut - start, "when the sessions after it are removed")
        if cut + 1 < len(panel.sessions):
            future = _falsified(_between(panel, start, cut + 1 + _AHEAD), cut - start)
            _compare(whole, build(future), cut, cut - start, "when the sessions after it change")


def audit_overlap(train: ArrayLike, test: ArrayLike, horizon: int, embargo: int) -> None:
    """Check that no training label touches the test window or resumes too early after it.

    Parameters
    ----------
    train, test : row numbers of sessions, in any order; a test set may be of several windows.
    horizon : sessions a label spans: label i is made of sessions i .. i + horizon.
    embargo : sessions left out after the last test label.

    Raises
    ------
    LeakageError
        Unless ``i + horizon < first`` or ``i > last + horizon + embargo`` for every training row
        i and every contiguous test window ``first .. last``; names the first offender.

    >>> audit_overlap([0, 1, 2], [5, 6], horizon=2, embargo=1)
    >>> audit_overlap([0, 1, 3], [5, 6], horizon=2, embargo=1)
    Traceback (most recent call last):
    ...
    shadowbook.errors.LeakageError: training label 3 spans sessions 3 to 5 and test window 5 to 6 \
allows none that ends after 4 or begins before 10: purge it
    """
    rows = np.unique(np.asarray(train, dtype=np.int64))
    tested = np.unique(np.asarray(test, dtype=np.int64))
    if not len(tested):
        return
    windows = np.split(tested, np.flatnonzero(np.diff(tested) > 1) + 1)
    for window in windows:
        first, last = int(window[0]), int(window[-1])
        resumes = last + horizon + embargo + 1
        bad = rows[(rows + horizon >= first) & (rows < resumes)]
        if len(bad):
            i = int(bad[0])
            raise LeakageError(
                f"training label {i} spans sessions {i} to {i + horizon} and test window "
                f"{first} to {last} allows none that ends after {first - 1} or begins before "
                f"{resumes}: purge it"
            )


def _between(panel: Panel, start: int, stop: int) -> Panel:
    return replace(
        panel,
        sessions=panel.sessions[start:stop],
        fields={name: values[start:stop] for name, values in panel.fields.items()},
        references={name: values[start:stop] for name, values in panel.references.items()},
        decided_at=panel.decided_at[start:stop],
    )


def _falsified(panel: Panel, known: int) -> Panel:
    """Multiply everything after row ``known`` by factors that differ by row and symbol."""
    n_future = len(panel.sessions) - known - 1

    def falsify(values: Floats) -> Floats:
        altered = values.copy()
        shape = altered[known + 1 :].shape
        steps = np.arange(1, n_future * int(np.prod(shape[1:])) + 1).reshape(shape)
        altered[known + 1 :] *= 1.5 + (steps * 37 % 101) / 101.0
        return altered

    return replace(
        panel,
        fields={name: falsify(values) for name, values in panel.fields.items()},
        references={name: falsify(values) for name, values in panel.references.items()},
    )


def _compare(whole: FeatureCube, other: FeatureCube, cut: int, row: int, how: str) -> None:
    before, after = whole.values[cut], other.values[row]
    differs: NDArray[np.bool_] = (before != after) & ~(np.isnan(before) & np.isnan(after))
    if not differs.any():
        return
    symbol, feature = (int(i) for i in np.argwhere(differs)[0])
    raise LeakageError(
        f"feature {whole.names[feature]} of {whole.symbols[symbol]} on {whole.sessions[cut]} "
        f"changes from {before[symbol, feature]!r} to {after[symbol, feature]!r} {how}: "
        "it must be computed from that session and its look-back alone"
    )
