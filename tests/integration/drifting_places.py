"""A champion that trades into a crash: its inputs drift and its results decay, through no fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.steps.build_features import build_features
from shadowbook.steps.gate import gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import retrain
from shadowbook.steps.trade import TradeOutcome
from shadowbook.workspace import Workspace
from tests.integration.trading_places import HALTING_RULE, TRADED, TRAINED, merged, traded

SOURCE = ".shadowbook/source"
LIVED, DRIFTED = TRADED[:4], TRADED[3]
"""The sessions of the crash, and the first one in which it is drift."""

ALERT = f"drift/weekly/{DRIFTED}"
STEP = 0.1
"""What every close falls by in each session of the crash, beside its own return."""

DECAY = {**HALTING_RULE, "name": "never_good_enough", "tier": "warning", "action": "halve"}
"""In breach whenever two returns are known; a book that is halved is diagnosed."""

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
        "candidates": {"ridge": {"kind": "ridge", "parameters": {"alpha": 100.0}}},
    },
    "strategies": {"weekly": {"horizon": 5, "label": {"transform": "demean"}}},
    "monitor": {"min_sessions": 0, "rules": [DECAY]},
    "drift": {
        "windows": [5],
        "n_resamples": 200,
        "persistence": 1,
        "held_out_years": 0,
        "streams": {"n_histories": 20},
    },
}


def crashing(bars: pd.DataFrame) -> pd.DataFrame:
    """Let every close fall in each session of ``LIVED`` and after."""
    number = bars["session"].rank(method="dense")
    fallen = (number - number[bars["session"] < LIVED[0]].max()).clip(lower=0.0)
    return bars.assign(close=bars["close"] * (1.0 - STEP) ** fallen)


def champion(
    make_workspace: Callable[..., Path], recent: Delivery, params: Mapping[str, Any] | None = None
) -> Path:
    """Make a workspace with a champion of before the crash.

    Parameters
    ----------
    params : sections to lay over ``PARAMS``.
    """
    root = make_workspace(merged(PARAMS, params or {}))
    (root / SOURCE).mkdir(parents=True)
    eight = sorted(recent.bars["symbol"].unique())[:8]
    bars = crashing(recent.bars[recent.bars["symbol"].isin(eight)])
    index = recent.references[recent.references["name"] == "index"]
    bars.to_parquet(root / SOURCE / "bars.parquet", index=False)
    index.drop(columns="name").to_parquet(root / SOURCE / "index.parquet", index=False)
    workspace = Workspace.open(root)
    moment = resolve_as_of(workspace, TRAINED)
    ingest(workspace, moment)
    assert not gate(workspace, moment).halts
    assert not build_features(workspace, moment).halts
    assert retrain(workspace, "weekly", moment).run is not None
    return root


def live(root: Path, *days: str) -> None:
    """Trade days from their raw data on."""
    for day in days:
        report = traded(root, day)
        assert report.outcome is TradeOutcome.TRADED, report.reasons
