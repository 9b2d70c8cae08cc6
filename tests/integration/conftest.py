"""Small workspaces on real prices whose source a test can write to, and runs in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.steps.build_features import build_features
from shadowbook.steps.gate import GateReport, gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import RetrainReport, retrain
from shadowbook.workspace import Workspace
from tests.integration import trading_places

SOURCE = ".shadowbook/source"
PARAMS: dict[str, Any] = {
    "market_data": {
        "source": "files",
        "files": {
            "path": f"{SOURCE}/bars.parquet",
            "columns": {"available_at": "available_at"},
            "references": {
                "index": {
                    "path": f"{SOURCE}/index.parquet",
                    "value": "value",
                    "available_at": "available_at",
                }
            },
        },
    },
    "learning": {
        "splits": {"n_splits": 2, "min_train": 200, "embargo": 2},
        "candidates": {
            "ridge": {"kind": "ridge", "parameters": {"alpha": 100.0}},
            "momentum_rule": {"kind": "momentum", "parameters": {"feature": "momentum_252_21"}},
        },
    },
    "strategies": {"weekly": {"horizon": 5, "label": {"transform": "demean"}}},
}


@dataclass(frozen=True)
class Place:
    """A workspace's folder, opened anew for every step as the command line does."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.root)

    def bars(self) -> pd.DataFrame:
        """What the source says."""
        return pd.read_parquet(self.root / SOURCE / "bars.parquet")

    def say(self, bars: pd.DataFrame, references: pd.DataFrame | None = None) -> None:
        """Let the source say this."""
        (self.root / SOURCE).mkdir(parents=True, exist_ok=True)
        bars.to_parquet(self.root / SOURCE / "bars.parquet", index=False)
        if references is not None:
            references.to_parquet(self.root / SOURCE / "index.parquet", index=False)

    def accept(self, day: str) -> GateReport:
        workspace = self.workspace
        moment = resolve_as_of(workspace, day)
        ingest(workspace, moment)
        return gate(workspace, moment)

    def extend(self, day: str) -> GateReport:
        """Accept and build features."""
        report = self.accept(day)
        assert not report.halts, report.verdicts
        workspace = self.workspace
        built = build_features(workspace, resolve_as_of(workspace, day))
        assert not built.halts, built.verdict
        return report

    def train(self, day: str) -> RetrainReport:
        workspace = self.workspace
        return retrain(workspace, "weekly", resolve_as_of(workspace, day))

    def copy(self, destination: Path) -> Place:
        """An independent copy, to be damaged."""
        shutil.copytree(self.root, destination, symlinks=True)
        return Place(destination)


@pytest.fixture(scope="session")
def place_at() -> Callable[[Path], Place]:
    """Name the class, for tests that make a workspace of another kind."""
    return Place


@pytest.fixture(scope="session")
def priced(make_workspace: Callable[..., Path], recent: Delivery) -> Callable[..., Place]:
    """Make workspaces on three years of closes of eight symbols and the index.

    ``priced(params)``: sections of ``params`` take the place of those in ``PARAMS``, learning's
    keys one by one.
    """

    def make(params: Mapping[str, Any] | None = None) -> Place:
        given = dict(params or {})
        learning = {**PARAMS["learning"], **given.pop("learning", {})}
        place = Place(make_workspace({**PARAMS, **given, "learning": learning}))
        bars, references = recent.bars, recent.references
        eight = sorted(bars["symbol"].unique())[:8]
        index = references[references["name"] == "index"]
        place.say(bars[bars["symbol"].isin(eight)], index.drop(columns="name"))
        return place

    return make


@pytest.fixture(scope="session")
def single(priced: Callable[..., Place]) -> tuple[Place, RetrainReport]:
    """One run as of 2022-12-19 from a source that knows nothing later, code not committed.

    Not to be changed: tests that damage something take a copy.
    """
    place = priced()
    bars = place.bars()
    place.say(bars[bars["session"] <= "2022-12-19"])
    with (place.root / "params.yaml").open("a", encoding="utf-8") as params:
        params.write("# not committed\n")
    (place.root / "notes.txt").write_text("never added to git\n", encoding="utf-8")
    place.extend("2022-12-19")
    return place, place.train("2022-12-19")


@pytest.fixture(scope="session")
def trading(make_workspace: Callable[..., Path], recent: Delivery) -> Place:
    """Two strategies with a champion each, weekly with a second version, as of one early session.

    The source says everything; nothing later than that session was accepted. Not to be changed:
    tests take a copy.
    """
    params = {**trading_places.PARAMS, "learning": PARAMS["learning"]}
    place = Place(make_workspace(params))
    place.say(*trading_places.eight(recent))
    day = trading_places.TRAINED
    place.extend(day)
    place.train(day)
    workspace = place.workspace
    retrain(workspace, "fortnightly", resolve_as_of(workspace, day))
    kept = (place.root / "params.yaml").read_bytes()
    trading_places.set_params(place.root, {"seed": 8})
    place.train(day)
    (place.root / "params.yaml").write_bytes(kept)
    return place


OWN_COLUMNS = {
    "symbol": "Ticker",
    "session": "Date",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
}
OWN_PARAMS: dict[str, Any] = {
    "market_data": {
        "source": "files",
        "files": {
            "path": "prices.csv",
            "columns": OWN_COLUMNS,
            "references": {"index": {"path": "index.csv", "session": "Date", "value": "Close"}},
        },
    },
    "learning": {
        "splits": {"n_splits": 2, "min_train": 300},
        "candidates": {"ridge": {"kind": "ridge"}, "rule": {"kind": "momentum"}},
    },
    "strategies": {"weekly": {"horizon": 5}},
}


@pytest.fixture(scope="session")
def own_params() -> dict[str, Any]:
    """Params of ``own_files``; take a copy."""
    return OWN_PARAMS


@pytest.fixture(scope="session")
def own_prices(sample: Delivery) -> Callable[..., pd.DataFrame]:
    """Real closes with opens, highs, lows and volumes made up around them."""

    def make(n_symbols: int = 12, n_sessions: int = 900) -> pd.DataFrame:
        symbols = sorted(sample.bars["symbol"].unique())[:n_symbols]
        bars = sample.bars[sample.bars["symbol"].isin(symbols)].sort_values(["symbol", "session"])
        bars = bars.groupby("symbol").tail(n_sessions).reset_index(drop=True)
        rng = np.random.default_rng(5)
        close, n = bars["close"], len(bars)
        start = bars.groupby("symbol")["close"].shift().fillna(close)
        opened = (start * (1 + rng.normal(0, 0.002, n))).round(3)
        reach = np.abs(rng.normal(0, 0.006, (2, n)))
        return pd.DataFrame(
            {
                "Date": bars["session"].dt.strftime("%Y-%m-%d"),
                "Ticker": bars["symbol"],
                "Open": opened,
                "High": (np.maximum(opened, close) * (1 + reach[0])).round(3),
                "Low": (np.minimum(opened, close) * (1 - reach[1])).round(3),
                "Close": close,
                "Volume": (rng.lognormal(0, 0.3, n) * 1e9 / close).round(),
            }
        )

    return make


@pytest.fixture(scope="session")
def own_files(
    make_workspace: Callable[..., Path], sample: Delivery, own_prices: Callable[..., pd.DataFrame]
) -> Path:
    """A user's own CSV files, gone through ingest, gate, features and retraining.

    Not to be changed: tests that make mistakes take a copy.
    """
    index = sample.references[sample.references["name"] == "index"].tail(900)
    level = pd.DataFrame(
        {"Date": index["session"].dt.strftime("%Y-%m-%d"), "Close": index["value"]}
    )
    files = {
        "prices.csv": own_prices().to_csv(index=False),
        "index.csv": level.to_csv(index=False),
    }
    place = Place(make_workspace(OWN_PARAMS, files))
    place.extend("2022-12-28")
    place.train("2022-12-28")
    return place.root
