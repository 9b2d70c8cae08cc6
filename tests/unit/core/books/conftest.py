"""Made-up sessions for the tests of this room."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shadowbook.core.books.construction import PortfolioPolicy
from shadowbook.core.books.day import BookState
from shadowbook.core.books.execution import ExecutionPolicy
from shadowbook.core.books.running import BookPolicy
from shadowbook.core.books.view import view_of
from shadowbook.core.values import Panel

DAYS = np.datetime64("2020-01-06", "D")


@pytest.fixture(scope="session")
def panel_of():
    """Make a panel: symbol -> closes, and fields beside them -> Panel."""

    def make(closes, **fields):
        symbols = tuple(sorted(closes))
        table = {"close": closes, **fields}
        arrays = {
            name: np.array([values[symbol] for symbol in symbols], dtype=float).T
            for name, values in table.items()
        }
        sessions = DAYS + np.arange(len(arrays["close"]))
        decided = sessions.astype("datetime64[us]") + np.timedelta64(21 * 60 + 15, "m")
        return Panel(sessions, symbols, arrays, {}, decided)

    return make


@pytest.fixture(scope="session")
def look():
    """Look at a row of a panel: panel, row, names, sessions_back -> View."""

    def at(panel, row, names=None, sessions_back=63):
        day = panel.sessions[row].astype("datetime64[us]").astype(datetime).replace(tzinfo=UTC)
        hours = (day + timedelta(hours=14, minutes=30), day + timedelta(hours=21))
        return view_of(panel, row, names or panel.symbols, sessions_back, hours)

    return at


@pytest.fixture(scope="session")
def policy_of():
    """Make a book's policy: capital, sleeves, costs and what the portfolio has otherwise."""

    def make(capital_cents=1_000_000, n_sleeves=1, execution=None, **portfolio):
        plain = {"volatility_target": None, "no_trade_band": 0.0, "max_position": 1.0}
        return BookPolicy(
            capital_cents,
            n_sleeves,
            PortfolioPolicy(**(plain | {"min_names": 2} | portfolio)),
            execution or ExecutionPolicy(half_spread_bps=10.0),
        )

    return make


@pytest.fixture(scope="session")
def state_of():
    """Make what a book carries on, marked right: cash in cents, held, marks -> BookState."""

    def make(cash_cents, held, marks, **rest):
        equity = cash_cents / 100 + sum(quantity * marks[name] for name, quantity in held.items())
        as_of = datetime(2020, 1, 5, 21, 15, tzinfo=UTC)
        return BookState(as_of, cash_cents, equity, held, marks, **rest)

    return make


@pytest.fixture(scope="session")
def random_market(panel_of):
    """Draw a market with holes, splits, dividends, a delisting and thin volumes from a seed."""

    def draw(seed, rows=24, names=6):
        rng = np.random.default_rng(seed)
        values = 40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, (rows, names)), axis=0))
        shares = np.ones((rows, names))
        for _ in range(4):
            row, name = rng.integers(1, rows), rng.integers(names)
            shares[row:, name] *= rng.choice([2.0, 1.5, 0.1, 1.01, 1.004])
        closes = np.round(values / shares, 4)
        opens = np.round(closes * rng.uniform(0.98, 1.02, closes.shape), 4)
        holes = rng.random(closes.shape) < 0.12
        holes[rng.integers(rows // 2, rows) :, 0] = True
        volumes = np.where(
            rng.random(closes.shape) < 0.3, np.nan, rng.integers(0, 5_000, (rows, names))
        )
        table = {
            "close": np.where(holes, np.nan, closes),
            "open": np.where(holes, np.nan, opens),
            "adjusted_close": np.where(holes, np.nan, closes * shares / shares[-1]),
            "volume": np.where(holes, np.nan, volumes),
        }
        symbols = [f"S{i}" for i in range(names)]
        fields = {n: dict(zip(symbols, v.T.tolist(), strict=True)) for n, v in table.items()}
        scores = np.where(rng.random(closes.shape) < 0.1, np.nan, rng.integers(0, 8, closes.shape))
        return panel_of(fields.pop("close"), **fields), scores

    return draw
