"""Who trades what while a challenger has a share of the capital beside the champion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np

from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError


def split(
    strategy: str,
    session: date,
    symbols: Sequence[str],
    weights: Floats,
    share: float,
    mode: Literal["matched", "randomized"] = "matched",
    salt: str = "",
) -> Floats:
    """Return the part of each name that the A/B book trades in a session.

    *Matched* gives it the same share of every name, so both books hold the same kind of book.
    *Randomized* lets one book trade a whole name, drawn by a digest of strategy, salt, session and
    symbol: each name is the A/B book's with a chance of ``share``, whatever the other names are,
    as long as its names together stay within ``share`` of the weight. Those with the smallest
    draws come first, and the first that does not fit ends it; so in a session, above all at a
    small share of few names, the A/B book may get less than its share, or nothing.

    Parameters
    ----------
    symbols : N names that both books want to trade, in any order, each once.
    weights : (N,) size of each, in any unit; the sign is left out. NaN and 0: not traded.
    share : of the A/B book, from 0 to 1.
    salt : chosen once a ramp, so that two ramps draw differently.

    Returns
    -------
    (N,) from 0 to 1, the A/B book's part; the champion's is the rest. NaN where ``weights`` is.

    Raises
    ------
    SchemaError
        Share, symbols or weights are not as told above.

    >>> split("us", date(2020, 1, 2), ["KO", "GE", "F"], np.ones(3), 0.7, "randomized")
    array([0., 1., 1.])
    >>> split("us", date(2020, 1, 2), ["KO", "GE", "F"], np.ones(3), 0.25)
    array([0.25, 0.25, 0.25])
    """
    if not 0.0 <= share <= 1.0:
        raise SchemaError(f"a share of {share} is not one: give one from 0 to 1")
    sizes = np.abs(np.asarray(weights, dtype=np.float64))
    if len(set(symbols)) != len(symbols) or sizes.shape != (len(symbols),):
        raise SchemaError("give every symbol once, and one weight for each")
    if np.isinf(sizes).any():
        raise SchemaError("weights must be finite, or NaN for a name that is not traded")
    if mode == "matched":
        return np.where(np.isnan(sizes), np.nan, share)
    draws = np.array([_draw(strategy, salt, session, symbol) for symbol in symbols])
    part = np.where(np.isnan(sizes), np.nan, 0.0)
    # A sum in another order differs in its last bits: whoever fits exactly still fits.
    most = share * float(np.nansum(sizes)) * (1.0 + 1e-12)
    taken = 0.0
    for at in np.argsort(draws, kind="stable"):
        if np.isnan(sizes[at]):
            continue
        taken += float(sizes[at])
        if draws[at] >= share or taken > most:
            break
        part[at] = 1.0
    return part


def _draw(strategy: str, salt: str, session: date, symbol: str) -> float:
    """Return a number in [0, 1) that is as good as uniform and the same forever."""
    key = json.dumps([strategy, salt, session.isoformat(), symbol], ensure_ascii=True)
    digest = hashlib.sha256(key.encode("ascii")).digest()
    # 53 bits are what a float holds: 64 would round up to 1 now and then
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53
