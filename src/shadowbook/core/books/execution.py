"""What an auction gives for an order: how much of it is traded, and at which price.

The shadow books and the paper broker both call `execute`, each order on its own row and none of
them moved by its neighbors, so an order gets the same bits in whichever company it is executed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.books.actions import split
from shadowbook.core.books.day import Shares
from shadowbook.core.books.orders import OrderKind
from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError

TICKS = 10_000.0
"""Ticks in one unit of currency: prices are whole multiples of 0.0001."""

_SLACK = 2.0**-50
"""A price this near to a tick (relatively) is on it: 100 x 1.0005 is 100.05, not a tick more."""

Rows = NDArray[np.int64]


class ExecutionPolicy(BaseModel):
    """Where orders are traded and what that costs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    at: Literal["next_close", "next_open"] = Field(
        "next_close", description="The auction of the next session that orders are for."
    )
    half_spread_bps: float = Field(
        5.0, ge=0, le=1_000, description="Half the spread, paid on every share, in basis points."
    )
    impact_coefficient: float = Field(
        0.5,
        ge=0,
        le=10,
        description="Price impact is this x daily volatility x sqrt(quantity / volume), where a "
        "source gives volume.",
    )
    max_participation: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of the session's volume that one order may be, where a source gives "
        "volume.",
    )
    commission_bps: float = Field(
        0.0, ge=0, le=1_000, description="Commission on the traded amount, in basis points."
    )
    latency_ms: float = Field(
        50.0, ge=0, le=60_000, description="Median time the paper broker takes to accept an order."
    )

    @property
    def kind(self) -> OrderKind:
        """The kind of order that trades there."""
        return "market_on_close" if self.at == "next_close" else "market_on_open"


@dataclass(frozen=True, eq=False)
class SessionMarket:
    """What a session's auctions were, as known at its decision. Arrays are (N,) float64.

    Attributes
    ----------
    session, as_of : the trading day and its decision moment (aware UTC).
    symbols : sorted, each once.
    closes, opens : currency a share; NaN where unknown.
    volumes : shares traded in the session; NaN where unknown.
    volatilities : standard deviation of daily returns up to the session; NaN where unknown.
    last_prices : the close, or the last one known before; NaN where there never was one.
    opened_at, closed_at : of the session, aware UTC.
    actions : what one share of the session before became, in value that the closes do not show (see
        `actions`); None where nothing is known of splits and dividends.

    Raises
    ------
    SchemaError
        The symbols are not sorted, or an array has another length.
    """

    session: date
    as_of: datetime
    symbols: tuple[str, ...]
    closes: Floats
    opens: Floats
    volumes: Floats
    volatilities: Floats
    last_prices: Floats
    opened_at: datetime
    closed_at: datetime
    actions: Floats | None = None

    def __post_init__(self) -> None:
        """Check what every row number relies on."""
        if list(self.symbols) != sorted(set(self.symbols)):
            raise SchemaError(f"symbols of session {self.session} must be sorted, each once")
        for name in ("closes", "opens", "volumes", "volatilities", "last_prices"):
            shape = getattr(self, name).shape
            if shape != (len(self.symbols),):
                raise SchemaError(
                    f"{name} of session {self.session} has shape {shape}: "
                    f"give one number for each of {len(self.symbols)} symbols"
                )

    @cached_property
    def row(self) -> dict[str, int]:
        """Symbol -> its row in every array."""
        return {symbol: row for row, symbol in enumerate(self.symbols)}


@dataclass(frozen=True, eq=False)
class Execution:
    """What came of K orders, a row each.

    Attributes
    ----------
    filled : (K,) whole shares, signed like the order; 0 = nothing traded.
    prices : (K,) currency a share, costs included; NaN where nothing traded.
    references : (K,) currency a share, the auction's price; NaN where it has none.
    commission_cents : (K,) at least 0.
    """

    filled: Shares
    prices: Floats
    references: Floats
    commission_cents: Shares


def execute(
    quantities: Shares, market: SessionMarket, policy: ExecutionPolicy, rows: Rows | None = None
) -> Execution:
    """Execute orders in the session's auction.

    The price is the auction's, worse by the half spread and by the impact of what is traded,
    rounded to 0.0001 against the trader; a sale is never below 0.0001. The impact of q shares of a
    session's volume V is c x volatility x sqrt(q / V): the square-root law (Tóth et al. 2011,
    *Anomalous price impact and the critical nature of liquidity in financial markets*, Eq. 1, peak
    impact with a constant near 1; the mean over an order's life is two thirds of the peak). The
    direct estimate of Almgren, Thum, Hauptmann & Li 2005 (*Direct estimation of equity market
    impact*) costs about 0.1 daily volatilities for a tenth of a day's volume, which is c = 0.3; the
    default 0.5 lies between. Without volume or volatility there is no impact, without volume
    no cap.

    Parameters
    ----------
    quantities : (K,) int64 whole shares, below 0 to sell.
    market : the session.
    policy : costs, cap and auction.
    rows : (K,) the symbol of each order as its row in ``market.symbols``; several orders may share
        one. None = one order a symbol, in order.

    Returns
    -------
    What came of each. Nothing is filled where the auction has no price (NaN, infinite, 0 or less),
    where the cap leaves no whole share, or where the symbol was split: the order is in old shares.

    Raises
    ------
    SchemaError
        Quantities and rows differ in length.
    """
    rows = _rows(quantities, market, rows)
    auction = market.closes if policy.at == "next_close" else market.opens
    references = _priced(auction[rows])
    volumes = market.volumes[rows]
    volumes = np.where(np.isfinite(volumes) & (volumes >= 0.0), volumes, np.nan)
    wanted = np.abs(quantities)
    room = np.floor(policy.max_participation * np.where(np.isnan(volumes), 0.0, volumes))
    capped = np.minimum(wanted, np.minimum(room, 2.0**62).astype(np.int64))
    shares = np.where(np.isnan(volumes), wanted, capped)
    shares = np.where(np.isnan(references) | _split(market, rows), 0, shares)
    impact = _impact(shares, volumes, market.volatilities[rows], policy.impact_coefficient)
    worse = policy.half_spread_bps / 10_000.0 + impact
    prices = _against(references, worse, quantities > 0)
    traded = shares > 0
    commission = np.where(traded, shares * prices, 0.0) * (policy.commission_bps / 10_000.0)
    return Execution(
        filled=np.where(quantities < 0, -shares, shares),
        prices=np.where(traded, prices, np.nan),
        references=references,
        commission_cents=np.rint(commission * 100.0).astype(np.int64),
    )


def settle_delisting(
    quantities: Shares, market: SessionMarket, rows: Rows | None = None
) -> Execution:
    """Close holdings whose symbol is gone: in full at the last price, without costs.

    Parameters
    ----------
    quantities, market, rows : as of `execute`.

    Returns
    -------
    What came of each. Nothing is filled where no last price is known, or over a split.

    Raises
    ------
    SchemaError
        Quantities and rows differ in length.
    """
    rows = _rows(quantities, market, rows)
    references = _priced(market.last_prices[rows])
    filled = np.where(np.isnan(references) | _split(market, rows), 0, quantities)
    return Execution(
        filled=filled,
        prices=np.where(filled != 0, references, np.nan),
        references=references,
        commission_cents=np.zeros(len(filled), dtype=np.int64),
    )


def cash_cents(quantities: Shares, prices: Floats, commission_cents: Shares) -> Shares:
    """Return what trades add to cash, in whole cents: below 0 for a purchase.

    Parameters
    ----------
    quantities : (K,) whole shares, signed; 0 = no trade, whatever the price.
    prices : (K,) currency a share.
    commission_cents : (K,).

    Returns
    -------
    (K,) ``-round(quantity * price * 100) - commission_cents``, halves to the even cent.

    >>> cash_cents(np.array([3, -2]), np.array([10.01, 5.0]), np.array([1, 0])).tolist()
    [-3004, 1000]
    """
    amounts = np.where(quantities != 0, quantities * prices * 100.0, 0.0)
    return -np.rint(amounts).astype(np.int64) - commission_cents


def _split(market: SessionMarket, rows: Rows) -> NDArray[np.bool_]:
    if market.actions is None:
        return np.zeros(len(rows), dtype=bool)
    return split(market.actions[rows])


def _rows(quantities: Shares, market: SessionMarket, rows: Rows | None) -> Rows:
    found = np.arange(len(market.symbols), dtype=np.int64) if rows is None else rows
    if found.shape != quantities.shape:
        raise SchemaError(
            f"{len(quantities)} quantities came with {len(found)} rows for session "
            f"{market.session}: give one row an order"
        )
    return found


def _priced(prices: Floats) -> Floats:
    return np.where(np.isfinite(prices) & (prices > 0.0), prices, np.nan)


def _impact(shares: Shares, volumes: Floats, volatilities: Floats, coefficient: float) -> Floats:
    known = (volumes > 0.0) & np.isfinite(volatilities) & (volatilities >= 0.0)
    part = np.zeros(len(shares))
    np.divide(shares, volumes, out=part, where=known)
    return coefficient * np.where(known, volatilities, 0.0) * np.sqrt(part)


def _against(references: Floats, worse: Floats, buys: NDArray[np.bool_]) -> Floats:
    ticks = references * np.where(buys, 1.0 + worse, 1.0 - worse) * TICKS
    up = np.ceil(ticks - ticks * _SLACK)
    down = np.maximum(np.floor(ticks + np.abs(ticks) * _SLACK), 1.0)
    return np.where(buys, up, down) / TICKS
