"""Corporate actions: what splits and dividends do to holdings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.books.day import Shares, Traded
from shadowbook.core.values import Floats

SPLIT_LEAST = 1.15
"""A share that became this much more (or less than its inverse) was split; less is paid in cash."""


def split(actions: Floats) -> NDArray[np.bool_]:
    """Tell splits from what is paid in cash.

    >>> split(np.array([2.0, 1.01, 0.1, 1.0]))
    array([ True, False,  True, False])
    """
    changed: NDArray[np.bool_] = (actions >= SPLIT_LEAST) | (actions <= 1.0 / SPLIT_LEAST)
    return changed


def corporate_actions(
    held: Shares, prices: Floats, actions: Floats, symbols: Sequence[str]
) -> list[Traded]:
    """Turn what a share became into shares (a split) and cash (a dividend, a fraction).

    Parameters
    ----------
    held : (N,) whole shares before the session.
    prices : (N,) currency a share now; where it is missing nothing happens yet.
    actions : (N,) what one share became; see `view.View`.
    symbols : N names.

    Returns
    -------
    One entry a symbol that something happened to: shares at no price, and below-zero commission for
    cash that comes in.

    >>> corporate_actions(np.array([101]), np.array([50.0]), np.array([1.5]), ["A"])[0].quantity
    50
    """
    known = np.isfinite(prices) & (prices > 0.0)
    splits = split(actions)
    done = []
    for i in np.flatnonzero((held != 0) & (actions != 1.0) & known).tolist():
        quantity, factor, price = int(held[i]), float(actions[i]), float(prices[i])
        became = quantity * factor
        extra = math.trunc(became + math.copysign(1e-9, became)) - quantity if splits[i] else 0
        paid = round((became - quantity - extra) * price * 100.0)
        if extra or paid:
            kind = "split" if splits[i] else "dividend"
            done.append(Traded(symbols[i], kind, 0, extra, 0.0, 0.0, -paid))
    return done
