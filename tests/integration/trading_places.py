"""Small workspaces whose champions were trained as of an early session, to trade and replay in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.steps.replay import ReplayRun
from shadowbook.steps.replays import replay
from shadowbook.steps.trade import TradeReport
from shadowbook.steps.trading_day import trading_day
from shadowbook.workspace import Workspace

TRAINED = "2022-12-05"
"""Session that the champions were trained as of."""

TRADED = ("2022-12-06", "2022-12-07", "2022-12-08", "2022-12-09", "2022-12-12", "2022-12-13")
"""The sessions after it."""

LAST = "2022-12-28"
TABLES = ("predictions", "targets", "fills", "positions", "book_returns")
PARAMS: dict[str, Any] = {
    "market_data": {
        "source": "files",
        "files": {
            "path": ".shadowbook/source/bars.parquet",
            "columns": {
                **{name: name for name in ("open", "high", "low", "volume")},
                "adjusted_close": "adjusted_close",
                "available_at": "available_at",
            },
            "references": {
                "index": {
                    "path": ".shadowbook/source/index.parquet",
                    "value": "value",
                    "available_at": "available_at",
                }
            },
        },
    },
    "strategies": {
        "weekly": {"horizon": 5, "label": {"transform": "demean"}},
        "fortnightly": {
            "horizon": 10,
            "portfolio": {"kind": "long_only", "no_trade_band": 0.0},
            "capital": 250_000.0,
        },
    },
    "books": {"max_shadows": 1},
    "replay": {"models": "registered", "operator": {"promote": "never"}},
}


SPLIT_DAY = "2022-12-09"
PAY_DAY = "2022-12-08"

HALTING_RULE = {
    "name": "never_enough",
    "metric": "hit_rate",
    "window": 2,
    "tier": "critical",
    "kind": "absolute",
    "limit": 1.0,
    "clear_sessions": 1,
    "cooldown_sessions": 0,
    "action": "halt",
}
"""In breach whenever two returns are known: it halts the book from the fourth session on."""


def whole_bars(closes: pd.DataFrame) -> pd.DataFrame:
    """Put opens, highs, lows and volumes around real closes; small enough to cap orders.

    The first symbol is split 2 for 1 on ``SPLIT_DAY``; the second pays 1 % on ``PAY_DAY``.
    """
    bars = closes[["symbol", "session", "close", "available_at"]]
    bars = bars.sort_values(["symbol", "session"]).reset_index(drop=True)
    rng = np.random.default_rng(5)
    close = bars["close"]
    start = bars.groupby("symbol")["close"].shift().fillna(close)
    opened = (start * (1 + rng.normal(0, 0.002, len(bars)))).round(3)
    reach = np.abs(rng.normal(0, 0.006, (2, len(bars))))
    bars = bars.assign(
        open=opened,
        high=(np.maximum(opened, close) * (1 + reach[0])).round(3),
        low=(np.minimum(opened, close) * (1 - reach[1])).round(3),
        volume=(rng.lognormal(0, 0.5, len(bars)) * 400_000 / close).round(),
        adjusted_close=close,
    )
    first, second = sorted(bars["symbol"].unique())[:2]
    early = (bars["symbol"] == first) & (bars["session"] < SPLIT_DAY)
    bars.loc[early, ["open", "high", "low", "close"]] *= 2.0
    bars.loc[early, "volume"] /= 2.0
    bars.loc[(bars["symbol"] == second) & (bars["session"] < PAY_DAY), "adjusted_close"] *= 0.99
    return bars


def eight(delivery: Delivery) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return bars of eight symbols and the index."""
    names = sorted(delivery.bars["symbol"].unique())[:8]
    bars = delivery.bars[delivery.bars["symbol"].isin(names)]
    references = delivery.references
    return whole_bars(bars), references[references["name"] == "index"].drop(columns="name")


def set_params(root: Path, above: Mapping[str, Any]) -> None:
    """Lay sections over the workspace's params.yaml, key by key."""
    path = root / "params.yaml"
    path.write_text(yaml.safe_dump(merged(read_params(root), above), sort_keys=False), "utf-8")


def read_params(root: Path) -> dict[str, Any]:
    """Read params.yaml as it stands."""
    return dict(yaml.safe_load((root / "params.yaml").read_text("utf-8")))


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings."""
    found = dict(below)
    for key, value in above.items():
        had = found.get(key)
        nested = isinstance(value, Mapping) and isinstance(had, Mapping)
        found[key] = merged(had, value) if nested else value  # type: ignore[arg-type]
    return found


def replayed(root: Path, first: str, last: str) -> ReplayRun:
    """Replay as the command does."""
    return replay(Workspace.open(root), date.fromisoformat(first), date.fromisoformat(last)).runs[0]


def traded(root: Path, day: str) -> TradeReport:
    """Trade a day from its raw data on, as a process of its own would."""
    with opened(root) as workspace:
        return trading_day(workspace, date.fromisoformat(day))


@contextmanager
def opened(root: Path) -> Iterator[Workspace]:
    """Open a workspace anew, and let go of its ledger and broker as the end of a process does."""
    workspace = Workspace.open(root)
    try:
        yield workspace
    finally:
        workspace.ledger.close()
        if "broker" in vars(workspace):
            workspace.broker.close()


def replay_ledger(root: Path) -> Ledger:
    """Open what the workspace's one replay wrote."""
    (folder,) = (root / ".shadowbook" / "replays").iterdir()
    return Ledger(f"sqlite:///{folder / 'ledger.db'}", simulation=True)


def assert_same_books(one: Ledger, other: Ledger) -> None:
    """Compare two ledgers' books bit for bit."""
    for table in TABLES:
        pd.testing.assert_frame_equal(
            in_order(one.frame(table)), in_order(other.frame(table)), check_exact=True
        )
    assert one.books_digest() == other.books_digest()


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by what names them, whatever order the books were opened in."""
    frame = frame.astype({name: str for name in frame if frame[name].dtype == "category"})
    keys = [name for name in ("strategy", "book", "as_of", "symbol", "purpose") if name in frame]
    keys += ["sequence"] if "sequence" in frame else []
    return frame.sort_values(keys).reset_index(drop=True)


def shadowbook(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "shadowbook", *words, "--workspace", str(root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")},
    )
