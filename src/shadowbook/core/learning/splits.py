"""Walk-forward splits with purging and embargo (López de Prado 2018, chapter 7).

A label of session i is known at session i + horizon. A model tested from session a on may only
have seen labels that were complete before a; the embargo leaves further sessions out, for
features whose windows reach back over the border.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shadowbook.errors import ConfigError, DataError, InsufficientDataError

Rows = NDArray[np.int64]


class SplitPolicy(BaseModel):
    """How history is cut into folds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_splits: int = Field(6, ge=1, le=200, description="Number of test windows.")
    embargo: int = Field(5, ge=0, le=252, description="Sessions left out beside the purge.")
    min_train: int = Field(1260, ge=1, description="Sessions the first fold trains on at least.")
    test_size: int | None = Field(
        None, ge=1, description="Sessions a test window has; null shares out what is left."
    )
    max_train: int | None = Field(
        None, ge=1, description="Sessions a fold trains on at most; null takes all history."
    )

    @field_validator("max_train", mode="after")
    @classmethod
    def _not_below_min_train(cls, given: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get("min_train")
        if given is not None and least is not None and given < least:
            raise ValueError(f"must be at least min_train, {least}")
        return given

    def splitter(self, horizon: int) -> PurgedWalkForward:
        """Splitter for labels over ``horizon`` sessions."""
        return PurgedWalkForward(
            self.n_splits,
            horizon,
            self.embargo,
            min_train=self.min_train,
            test_size=self.test_size,
            max_train=self.max_train,
        )


class PurgedWalkForward:
    """Test windows in time order, each after the sessions it trains on.

    For every fold ``train[-1] + horizon + embargo < test[0]``. Test windows are contiguous, do
    not overlap and end with the last session; training takes everything before the gap, or the
    newest ``max_train`` sessions of it.

    Parameters
    ----------
    n_splits : number of test windows.
    horizon : sessions a label spans: label i is made of sessions i .. i + horizon.
    embargo : further sessions between the last training label and the test window.
    min_train : sessions the first fold trains on at least; default: as many as a test window has.
    test_size : sessions a test window has; default: what ``min_train`` and the gap leave, shared
        out (without ``min_train``, a share of ``n_splits + 1``).
    max_train : sessions a fold trains on at most; default: no limit.

    Raises
    ------
    ConfigError
        When a number is below what makes sense.

    >>> for train, test in PurgedWalkForward(2, horizon=2, embargo=1).split(range(12)):
    ...     print(train, test)
    [0 1 2] [6 7 8]
    [0 1 2 3 4 5] [ 9 10 11]
    """

    def __init__(
        self,
        n_splits: int,
        horizon: int,
        embargo: int = 0,
        min_train: int | None = None,
        test_size: int | None = None,
        max_train: int | None = None,
    ) -> None:
        self.n_splits = _at_least("n_splits", n_splits, 1)
        self.horizon = _at_least("horizon", horizon, 0)
        self.embargo = _at_least("embargo", embargo, 0)
        self.min_train = None if min_train is None else _at_least("min_train", min_train, 1)
        self.test_size = None if test_size is None else _at_least("test_size", test_size, 1)
        self.max_train = None if max_train is None else _at_least("max_train", max_train, 1)
        if max_train is not None and min_train is not None and max_train < min_train:
            raise ConfigError(
                f"max_train is {max_train} and min_train {min_train}: "
                "max_train must be at least min_train"
            )

    def split(self, sessions: Any) -> Iterator[tuple[Rows, Rows]]:
        """Cut the sessions into folds.

        Parameters
        ----------
        sessions : the T sessions, in time order: dates, a range, any sequence or an array whose
            first axis is time, or their number.

        Returns
        -------
        Iterator of (train, test), each ascending row numbers 0 .. T - 1. Problems are raised by
        this call, not when the first fold is taken.

        Raises
        ------
        DataError
            When dates are given that do not ascend.
        InsufficientDataError
            When the sessions do not suffice for the folds.
        """
        n_sessions = _count(sessions)
        gap = self.horizon + self.embargo
        size = self._test_size(n_sessions, gap)
        first_test = n_sessions - self.n_splits * size
        return self._folds(first_test, size, gap)

    def _folds(self, first_test: int, size: int, gap: int) -> Iterator[tuple[Rows, Rows]]:
        for fold in range(self.n_splits):
            begin = first_test + fold * size
            stop = begin - gap
            start = 0 if self.max_train is None else max(0, stop - self.max_train)
            yield np.arange(start, stop), np.arange(begin, begin + size)

    def _test_size(self, n_sessions: int, gap: int) -> int:
        least_train = self.min_train or 1
        if self.test_size is not None:
            size = self.test_size
        elif self.min_train is not None:
            size = (n_sessions - gap - self.min_train) // self.n_splits
        else:
            size = (n_sessions - gap) // (self.n_splits + 1)
        needed = least_train + gap + self.n_splits * max(size, 1)
        if n_sessions < needed:
            raise InsufficientDataError(
                f"there are {n_sessions} sessions and {needed} are needed for {self.n_splits} "
                f"test windows of {max(size, 1)}, a gap of {gap} (horizon {self.horizon} + "
                f"embargo {self.embargo}) and {least_train} to train on: "
                "bring more history or ask for fewer or shorter folds"
            )
        return size


def _at_least(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{name} is {value!r}: it must be a whole number of at least {least}")
    return int(value)


def _count(sessions: Any) -> int:
    if isinstance(sessions, int | np.integer):
        return int(sessions)
    rows = np.asarray(sessions if hasattr(sessions, "__len__") else list(sessions))
    if rows.ndim == 1 and rows.dtype.kind in "MO" and len(rows) > 1:
        backwards = np.flatnonzero(~(rows[1:] > rows[:-1]))
        if len(backwards):
            at = int(backwards[0]) + 1
            raise DataError(
                f"session {rows[at]} at row {at} does not come after {rows[at - 1]}: "
                "give each session once, in time order"
            )
    return len(rows)
