"""Real prices and made-up panels for the tests of this room."""

import importlib.metadata
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.values import Panel


def _read(name):
    folder = importlib.metadata.distribution("skfolio").locate_file("skfolio/datasets/data")
    return pd.read_csv(f"{folder}/{name}", index_col=0, parse_dates=True)


@pytest.fixture(scope="session")
def sample():
    """Twenty stocks and the index, 1990 to 2022, closes alone."""
    prices, index = _read("sp500_dataset.csv.gz"), _read("sp500_index.csv.gz")
    sessions = prices.index.to_numpy().astype("datetime64[D]")
    return Panel(
        sessions=sessions,
        symbols=tuple(prices.columns),
        fields={"close": prices.to_numpy()},
        references={"index": index.iloc[:, 0].to_numpy()},
        decided_at=sessions.astype("datetime64[us]"),
    )


@pytest.fixture(scope="session")
def make_panel():
    """Make a panel with every field from a seed: rows, names, seed -> Panel."""

    def make(rows, names, seed=0):
        rng = np.random.default_rng(seed)
        close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (rows, names)), axis=0))
        high = close * (1.0 + rng.random((rows, names)) / 50.0)
        low = close * (1.0 - rng.random((rows, names)) / 50.0)
        sessions = np.datetime64("2015-01-05", "D") + np.arange(rows)
        return Panel(
            sessions=sessions,
            symbols=tuple(f"S{i:03d}" for i in range(names)),
            fields={
                "open": low + (high - low) * rng.random((rows, names)),
                "high": high,
                "low": low,
                "close": close,
                "adjusted_close": close * 0.8,
                "volume": np.floor(np.exp(rng.normal(12.0, 1.0, (rows, names)))),
            },
            references={"index": 1000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, rows)))},
            decided_at=sessions.astype("datetime64[us]"),
        )

    return make


@pytest.fixture(scope="session")
def cut():
    """Cut a panel to rows and columns: panel, rows, columns -> Panel."""

    def between(panel, rows, columns=slice(None)):
        return replace(
            panel,
            sessions=panel.sessions[rows],
            symbols=panel.symbols[columns],
            fields={name: values[rows, columns] for name, values in panel.fields.items()},
            references={name: values[rows] for name, values in panel.references.items()},
            decided_at=panel.decided_at[rows],
        )

    return between
