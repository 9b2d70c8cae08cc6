"""Small workspaces on real prices whose source a test can write to, and runs in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.steps.build_features import build_features
from shadowbook.steps.gate import GateReport, gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import RetrainReport, retrain
from shadowbook.workspace import Workspace

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
