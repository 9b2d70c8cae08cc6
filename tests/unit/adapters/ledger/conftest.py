"""Ledgers in a folder of their own, and days to record in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookDay, BookOutcome, Traded
from shadowbook.core.books.orders import Order
from shadowbook.core.books.states import client_order_id

FIRST = datetime(2022, 3, 1, 21, 15, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{path}", durable=False, simulation=True)
    yield opened
    opened.close()


@pytest.fixture
def make_day() -> Callable[..., BookDay]:
    """Return ``make_day(number, strategy, book, **changes)``: three symbols, one not rated."""

    def make(number=0, strategy="weekly", book="champion", **changes) -> BookDay:
        as_of = FIRST + timedelta(days=number)
        content = {
            "strategy": strategy,
            "book": book,
            "session": as_of.date(),
            "as_of": as_of,
            "model_version": 3,
            "inputs": f"inputs-{number}",
            "symbols": ("AAPL", "KO", "XOM"),
            "scores": np.array([0.1 + number, np.nan, -0.3]),
            "targets": np.array([0.125, 0.0, -0.1]),
            "ideal": np.array([12, 0, -7]),
            "traded": (Traded("XOM", "rebalance", 0, -7, 81.3, 81.35, 12),),
            "quantities": np.array([10, 4, -7]),
            "marks": np.array([165.1, 60.0 + 1e-13, 81.35]),
            "unpriced": np.array([0, 2, 0]),
            "cash_cents": 99_956_912,
            "equity": 1_000_123.456789,
            "net": np.nan if number == 0 else 0.001,
            "signal": np.nan if number == 0 else 0.0012,
            "execution": np.nan if number == 0 else -0.0001,
            "cost": np.nan if number == 0 else -0.0001,
            "turnover": 0.0 if number == 0 else 0.02,
            "outcome": BookOutcome.TRADED,
            "reasons": ("XOM was delisted",) if number == 3 else (),
        }
        return BookDay(**{**content, **changes})

    return make


@pytest.fixture
def make_order() -> Callable[..., Order]:
    """Return ``make_order(symbol, quantity, number)``: a rebalancing of the champion."""

    def make(symbol="XOM", quantity=-7, number=0, **changes) -> Order:
        as_of = FIRST + timedelta(days=number)
        key = ("weekly", "champion", as_of, symbol, "rebalance")
        content = {
            "client_order_id": client_order_id(*key),
            "strategy": "weekly",
            "book": "champion",
            "as_of": as_of,
            "symbol": symbol,
            "purpose": "rebalance",
            "quantity": quantity,
            "kind": "market_on_close",
            "session": date(2022, 3, 2) + timedelta(days=number),
        }
        return Order(**{**content, **changes})

    return make
