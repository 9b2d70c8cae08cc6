"""What lies between a decision and what was earned on it, session by session.

A book's day says ``net - signal = execution + cost`` (`core/books/accounts.py`). Here both are cut
further. With m0 the mark before, m1 the mark now (times what a share became), q the shares held and
i the shares wanted before the session, w the orders that stand for the difference i - q, u what the
auction before left of its orders, f the fills at price x where the auction itself was r, and h the
half spread that the policy assumes::

    latency      = -sum (w - u) (m1 - m0) + sum f (m1 - r)   what waits for its first auction
    missed_fills = -sum u (m1 - m0)                          what an auction left, until it is asked
    band         = -sum (i - q - w) (m1 - m0)                what is too little to be asked for
    spread       = -sum |f| r h                              the spread that was reckoned with
    slippage     = sum f (r - x) - spread                    what trades cost beyond it
    fees         = -commission

With every order of the auction before filled in full, u more would be held and w - u be asked: so
``missed_fills`` is the difference of the two. ``rounding`` is what is left of ``net - signal``:
cents, fractions of splits, distributions on shares wanted but not yet held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError

ACCOUNTS = ("latency", "missed_fills", "band", "spread", "slippage", "fees", "rounding")


@dataclass(frozen=True, eq=False)
class Trades:
    """A book's fills; arrays (K,).

    Attributes
    ----------
    rows, columns : session and symbol of each.
    quantities : whole shares, signed.
    prices, references : currency a share: what was paid, and the auction's own price.
    commissions : currency.
    in_auction : False where no spread was reckoned with: a delisted holding that was closed.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    quantities: Floats
    prices: Floats
    references: Floats
    commissions: Floats
    in_auction: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BookRows:
    """One book over T sessions in a row and N symbols, as the ledger has it.

    Attributes
    ----------
    equity, net, signal : (T,) after each session; see `books.day.BookDay`.
    held : (T, N) shares after each session.
    ideal : (T, N) shares that its decision wanted; those held where it decided nothing.
    asked : (T, N) shares ordered for the session's auction, signed; 0 = none.
    marks : (T, N) currency a share; NaN where neither held nor wanted.
    trades : fills, without what corporate actions brought.
    pending : (T, N) shares ordered before the session for a later auction; None = none.
    splits : (T, N) shares that one share became in the session; None = 1 everywhere.
    factors : (T, N) what one share became in value, distributions included; None = as ``splits``.
    """

    equity: Floats
    net: Floats
    signal: Floats
    held: Floats
    ideal: Floats
    asked: Floats
    marks: Floats
    trades: Trades
    pending: Floats | None = None
    splits: Floats | None = None
    factors: Floats | None = None


@dataclass(frozen=True, eq=False)
class Accounts:
    """Parts of ``net - signal``; simple returns a session, (T,), below 0 where they cost.

    NaN where ``net`` is.
    """

    latency: Floats
    missed_fills: Floats
    band: Floats
    spread: Floats
    slippage: Floats
    fees: Floats
    rounding: Floats


def book_accounts(rows: BookRows, half_spread_bps: float) -> Accounts:
    """Cut what execution cost a book into its parts; they add up to ``net - signal``.

    A holding or wish without a mark before or after moves nothing, as in the book's own account.

    Parameters
    ----------
    half_spread_bps : what a trade was assumed to cost, in basis points of the auction's price.

    Raises
    ------
    SchemaError
        Arrays differ in shape, or a fill is of a session or symbol that is not there.
    """
    _check(rows)
    n_sessions = len(rows.net)
    parts = {name: np.zeros(n_sessions) for name in ACCOUNTS}
    if n_sessions > 1:
        parts |= _waiting(rows)
    fills = rows.trades
    late = fills.quantities * (rows.marks[fills.rows, fills.columns] - fills.references)
    reckoned = np.where(fills.in_auction, np.abs(fills.quantities) * fills.references, 0.0)
    spread = -reckoned * (half_spread_bps / 1e4)
    cost = fills.quantities * (fills.references - fills.prices)
    for name, values in (
        ("latency", np.where(np.isfinite(late), late, 0.0)),
        ("spread", spread),
        ("slippage", cost - spread),
        ("fees", -fills.commissions),
    ):
        parts[name] = parts[name] + np.bincount(fills.rows, values, minlength=n_sessions)
    before = np.full(n_sessions, np.nan)
    before[1:] = rows.equity[:-1]
    known = np.isfinite(rows.net) & (before > 0.0)
    shares = {
        name: np.divide(values, before, out=np.full(n_sessions, np.nan), where=known)
        for name, values in parts.items()
    }
    told = sum((shares[name] for name in ACCOUNTS[:-1]), np.zeros(n_sessions))
    return Accounts(**shares | {"rounding": rows.net - rows.signal - told})


def asked_beyond_band(rows: BookRows, no_trade_band: float) -> Floats:
    """Return what a book that keeps no orders must have asked for, (T, N) like ``asked``.

    A shadow book's fills come without orders: it asks for every change that is worth more than the
    band, and for every position that is to be closed.

    Parameters
    ----------
    no_trade_band : share of equity up to which a change is left alone.
    """
    asked = np.zeros(rows.held.shape)
    change = rows.ideal[:-1] - rows.held[:-1]
    worth = np.abs(change) * np.where(np.isfinite(rows.marks[:-1]), rows.marks[:-1], 0.0)
    wanted = (worth > no_trade_band * rows.equity[:-1, None]) | (rows.ideal[:-1] == 0.0)
    asked[1:] = np.where(wanted, change, 0.0)
    return asked


def _waiting(rows: BookRows) -> dict[str, Floats]:
    """Return what orders that wait, orders that failed and changes not asked for did, (T,) each."""
    ones = np.ones(rows.held.shape)
    splits = ones if rows.splits is None else rows.splits
    factors = splits if rows.factors is None else rows.factors
    pending = np.zeros(rows.held.shape) if rows.pending is None else rows.pending
    moved = np.zeros(rows.held.shape)
    moved[1:] = factors[1:] * rows.marks[1:] - rows.marks[:-1]
    moved = np.where(np.isfinite(moved), moved, 0.0)
    filled = np.zeros(rows.held.shape)
    np.add.at(filled, (rows.trades.rows, rows.trades.columns), rows.trades.quantities)
    wanted = np.zeros(rows.held.shape)
    wanted[1:] = rows.ideal[:-1] - rows.held[:-1]
    standing = rows.asked + pending
    missed = _missed(rows.asked, standing, filled, wanted, splits)
    # A split's orders are in old shares, and so is all that is compared before it.
    first = np.where(standing != 0.0, standing - missed, 0.0)
    return {
        "latency": -(first * moved).sum(axis=1),
        "missed_fills": -(missed * moved).sum(axis=1),
        "band": -((wanted - first - missed) * moved).sum(axis=1),
    }


def _missed(
    asked: Floats, standing: Floats, filled: Floats, wanted: Floats, splits: Floats
) -> Floats:
    """Return (T, N) shares that are missing in a session because earlier auctions left them."""
    missed = np.zeros(asked.shape)
    for row in range(1, len(asked)):
        # What an auction left is in the shares of before its session; a split changes them.
        left = np.where(
            asked[row - 1] != 0.0, asked[row - 1] * splits[row - 1] - filled[row - 1], 0.0
        )
        kept = np.where(asked[row - 1] != 0.0, left, missed[row - 1] * splits[row - 1])
        # Without a new order no more is missing than is still wanted.
        low, high = np.minimum(wanted[row], 0.0), np.maximum(wanted[row], 0.0)
        missed[row] = np.where(standing[row] != 0.0, left, np.clip(kept, low, high))
    return missed


def _check(rows: BookRows) -> None:
    shape = rows.held.shape
    for name in ("ideal", "asked", "marks", "pending", "splits", "factors"):
        values = getattr(rows, name)
        if values is not None and values.shape != shape:
            raise SchemaError(f"{name} has shape {values.shape}, held has {shape}: lay them alike")
    for name in ("equity", "net", "signal"):
        if getattr(rows, name).shape != shape[:1]:
            raise SchemaError(f"{name} must have one number for each of {shape[0]} sessions")
    fills = rows.trades
    inside = (fills.rows >= 0) & (fills.rows < shape[0])
    inside &= (fills.columns >= 0) & (fills.columns < shape[1])
    if not inside.all():
        raise SchemaError("a fill is of a session or symbol that is not in the rows: leave it out")
