"""What a run sees: accepted prices, feature rows and the dataset of a strategy, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.market_data.market import MarketData
from shadowbook.core.bitemporal import as_known, mask
from shadowbook.core.learning.dataset import Dataset, assemble
from shadowbook.core.values import Outcome, Panel, Quarantine, Schedule
from shadowbook.errors import StaleDataError
from shadowbook.settings import StrategySettings
from shadowbook.workspace import Workspace

VERDICT = "verdict.json"

PASSING = (Outcome.PASSED.value, Outcome.WARNED.value)


@dataclass(frozen=True, eq=False)
class Accepted:
    """What the gate let in, and the spans it left out."""

    delivery: Delivery
    schedule: Schedule
    quarantined: tuple[Quarantine, ...]

    def panel(self, as_of: datetime) -> Panel:
        """Prices as known at ``as_of``, quarantined spans blank."""
        bars, references = self.delivery.bars, self.delivery.references
        return mask(as_known(bars, references, self.schedule, as_of), self.quarantined)


def accepted(market: MarketData, as_of: datetime) -> Accepted:
    """Read the accepted prices.

    Raises
    ------
    StaleDataError
        When nothing was accepted yet, or what was accepted does not reach to ``as_of``.
    """
    if not market.accepted.exists():
        raise StaleDataError("no prices were accepted yet: run ingest and gate first")
    note = market.accepted.read_note(VERDICT)
    if note is None or datetime.fromisoformat(note["as_of"]) < as_of:
        raise StaleDataError(
            f"the gate has not judged the prices known at {as_of:%Y-%m-%d %H:%M} UTC: "
            "run ingest and gate for that moment first"
        )
    delivery = market.accepted.read()
    return judged(delivery, note, market.schedule(delivery, as_of))


def judged(delivery: Delivery, note: Mapping[str, Any], schedule: Schedule) -> Accepted:
    """Apply a gate's note: series that failed open are dropped, bad spans quarantined."""
    dropped = [feed for feed, outcome in note["outcomes"].items() if outcome not in PASSING]
    references = delivery.references
    kept = Delivery(delivery.bars, references[~references["name"].isin(dropped)])
    spans = tuple(Quarantine.of_plain(item) for item in note["quarantined"])
    return Accepted(kept, schedule, spans)


def decided(note: Mapping[str, Any] | None) -> datetime | None:
    """Return the moment up to which decisions were taken on prices with this gate's note."""
    if note is None:
        return None
    return datetime.fromisoformat(note.get("decided", note["as_of"]))


def dataset_of(
    rows: pd.DataFrame, strategy: StrategySettings, names: tuple[str, ...], panel: Panel
) -> Dataset:
    """Lay feature rows and labels out for one strategy."""
    return assemble(rows, strategy.features or names, panel, strategy.horizon, strategy.label)


def apply_services(workspace: Workspace) -> None:
    """Register every strategy's features with Feast, as far as the log has columns for them.

    Raises
    ------
    InsufficientDataError
        When nothing is logged yet.
    ConfigError
        When a strategy names a feature that the log does not hold.
    """
    names = workspace.feature_log.columns()
    workspace.features.apply(
        {
            service_name(workspace, name): strategy.features or names
            for name, strategy in workspace.settings.strategies.items()
        }
    )


def service_name(workspace: Workspace, strategy: str) -> str:
    """Name of the strategy's Feast feature service."""
    return f"{strategy}_v{workspace.settings.features.version}"
