"""Time of feature building beside a pandas implementation of the same features.

Run: ``python benchmarks/features.py``. Every row of the table is measured on the same panels in
one process, best of a few runs. The floor is one division of the price table per feature: what
merely touching that much data costs.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.metadata
import time

import numpy as np
import pandas as pd

from shadowbook.core.learning.features import build_features
from shadowbook.core.values import Panel

LIMITS = {"20 x 8,313": 1.0, "500 x 2,500": 5.0}
SLACK = 1e-6  # pandas' own rounding: its running sums lose digits over a long series


def sample_panel():
    """Real closes of 20 stocks, 1990 to 2022; range and volume are made up around them."""
    folder = importlib.metadata.distribution("skfolio").locate_file("skfolio/datasets/data")
    read = {"index_col": 0, "parse_dates": True}
    prices = pd.read_csv(f"{folder}/sp500_dataset.csv.gz", **read)
    index = pd.read_csv(f"{folder}/sp500_index.csv.gz", **read).iloc[:, 0]
    sessions = prices.index.to_numpy().astype("datetime64[D]")
    return panel_around(sessions, prices.to_numpy(), index.to_numpy())


def made_panel():
    rng = np.random.default_rng(0)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (2_500, 500)), axis=0))
    sessions = np.datetime64("2013-01-01", "D") + np.arange(2_500)
    return panel_around(sessions, close, close.mean(axis=1))


def panel_around(sessions, close, index):
    rng = np.random.default_rng(1)
    high = close * (1.0 + rng.random(close.shape) / 50.0)
    low = close * (1.0 - rng.random(close.shape) / 50.0)
    fields = {
        "open": (high + low) / 2.0,
        "high": high,
        "low": low,
        "close": close,
        "volume": np.floor(np.exp(rng.normal(12.0, 1.0, close.shape))),
    }
    symbols = tuple(f"S{i:03d}" for i in range(close.shape[1]))
    return Panel(sessions, symbols, fields, {"index": index}, sessions.astype("datetime64[us]"))


def pandas_features(panel):
    """Compute the catalog as one writes it in pandas: rolling, shift and rank on wide frames."""
    dates = pd.DatetimeIndex(panel.sessions)
    bar = {name: pd.DataFrame(values, index=dates) for name, values in panel.fields.items()}
    moves = bar["close"].pct_change(fill_method=None)
    found = price_twins(panel, dates, bar["close"], moves)
    found |= calendar_twins(dates, bar["close"])
    found |= volume_twins(bar, moves)
    for of in ("reversal_5", "momentum_126", "momentum_252_21", "volatility_63", "illiquidity_21"):
        known = found[of].notna().sum(axis=1) - 1.0
        found[f"rank_{of}"] = found[of].rank(axis=1).sub(1.0).div(known, axis=0) - 0.5
    return found


def price_twins(panel, dates, price, moves):
    market = pd.Series(panel.references["index"], index=dates)
    market_moves = market.pct_change(fill_method=None)
    found = {f"momentum_{w}": price / price.shift(w) - 1.0 for w in (21, 63, 126, 252)}
    found["momentum_252_21"] = price.shift(21) / price.shift(252) - 1.0
    found |= {f"reversal_{w}": 1.0 - price / price.shift(w) for w in (1, 5)}
    found |= {f"volatility_{w}": moves.rolling(w).std() for w in (21, 63)}
    found["volatility_ratio_21_126"] = found["volatility_21"] / moves.rolling(126).std()
    found["drawdown_252"] = price / price.rolling(252).max() - 1.0
    found["distance_average_200"] = price / price.rolling(200).mean() - 1.0
    found["max_return_21"] = moves.rolling(21).max()
    found["min_return_21"] = moves.rolling(21).min()
    # pandas' skewness is the unbiased one; ours divides by the moments as they are
    found["skewness_63"] = moves.rolling(63).skew() * 61.0 / np.sqrt(63.0 * 62.0)
    covariance = moves.apply(lambda column: column.rolling(126).cov(market_moves))
    variance = market_moves.rolling(126).var()
    found["beta_126"] = covariance.div(variance, axis=0)
    spread = moves.rolling(126).std().mul(market_moves.rolling(126).std(), axis=0)
    found["correlation_126"] = covariance / spread
    gain = market / market.shift(126) - 1.0
    found["residual_momentum_126"] = found["momentum_126"] - found["beta_126"].mul(gain, axis=0)
    still = (moves == 0.0).astype(float).where(moves.notna())
    found["zero_return_share_63"] = still.rolling(63).mean()
    return found


def calendar_twins(dates, price):
    day = (dates.day - 1.0) / (dates.days_in_month - 1.0)
    turn = (dates.day <= 4) | (dates.day > dates.days_in_month - 4)
    ones = pd.DataFrame(1.0, index=dates, columns=price.columns)
    return {
        "month_position": ones.mul(pd.Series(day, index=dates), axis=0),
        "turn_of_month": ones.mul(pd.Series(turn.astype(float), index=dates), axis=0),
    }


def volume_twins(bar, moves):
    found = {}
    dollars = bar["close"] * bar["volume"]
    logs = np.log1p(dollars)
    deviation = logs.rolling(63).std()
    found["dollar_volume_z_63"] = (logs - logs.rolling(63).mean()) / deviation
    found["turnover_ratio_5_63"] = dollars.rolling(5).mean() / dollars.rolling(63).mean()
    traded = dollars.rolling(21).sum()
    found["illiquidity_21"] = np.log1p(1e9 * moves.abs().rolling(21).sum() / traded)
    spans = np.log(bar["high"] / bar["low"]) ** 2
    found["range_volatility_21"] = np.sqrt(spans.rolling(21).mean() / (4.0 * np.log(2.0)))
    found["overnight_gap"] = bar["open"] / bar["close"].shift(1) - 1.0
    return found


def floor(panel, n_features):
    prices = panel.prices
    return [prices[1:] / prices[:-1] for _ in range(n_features)]


def best(function, *arguments, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), result


def check(cube, twins):
    """Compare both implementations, so that the table compares equal work."""
    for k, name in enumerate(cube.names):
        ours, theirs = cube.values[:, :, k], twins[name].to_numpy()
        both = np.isfinite(ours) & np.isfinite(theirs)
        assert both.mean() > 0.85, name
        if not name.startswith("rank_"):  # a last digit may turn a tie into an order
            difference = np.abs(ours - theirs)[both] / (1.0 + np.abs(theirs[both]))
            assert np.quantile(difference, 0.999) < SLACK, (name, difference.max())


def main():
    print(f"{'panel':<14}{'features':>9}{'shadowbook s':>14}{'pandas s':>10}{'ratio':>8}", end="")
    print(f"{'floor s':>9}{'limit s':>9}")
    for title, panel in (("20 x 8,313", sample_panel()), ("500 x 2,500", made_panel())):
        ours, cube = best(build_features, panel, runs=3)
        theirs, twins = best(pandas_features, panel, runs=3)
        least, _ = best(floor, panel, len(cube.names), runs=3)
        check(cube, twins)
        print(f"{title:<14}{len(cube.names):>9}{ours:>14.2f}{theirs:>10.2f}", end="")
        print(f"{theirs / ours:>7.1f}x{least:>9.2f}{LIMITS[title]:>9.1f}")


if __name__ == "__main__":
    main()
