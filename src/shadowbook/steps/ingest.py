"""Bring in what the source tells and what could be known at a moment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from shadowbook.adapters.host import sha256_file
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.errors import InsufficientDataError, SchemaError
from shadowbook.steps.manifest import Kept, StepManifest
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class IngestReport:
    """What an ingest brought, not yet judged.

    Attributes
    ----------
    kept : its manifest.
    """

    as_of: datetime
    source: str
    rows: int
    symbols: int
    first: date
    last: date
    kept: Kept


def ingest(workspace: Workspace, as_of: datetime) -> IngestReport:
    """Read the source and set aside what was known at ``as_of`` for the gate.

    Raises
    ------
    SchemaError, ConfigError
        When the source cannot be read, or tells of sessions that lie in the future.
    InsufficientDataError
        When nothing was known at ``as_of``.
    """
    manifest = StepManifest(workspace, "ingest", as_of, {})
    with workspace.progress.stage("ingest") as stage:
        delivery = workspace.market.delivery
        _refuse_future(delivery, workspace.clock.now())
        brought = _known_delivery(workspace, delivery, as_of)
        workspace.market.incoming.replace(brought)
        told = _told(brought.bars)
        stage.result(
            f"{told['rows']:,} bars of {told['symbols']} symbols, {told['first']} to {told['last']}"
        )
    written = {"incoming": workspace.market.incoming.folder}
    kept = manifest.keep("DONE", written, {"sources": _sources(workspace), "report": told})
    return IngestReport(
        as_of=as_of, source=workspace.settings.market_data.source, **told, kept=kept
    )


def _known_delivery(workspace: Workspace, delivery: Delivery, as_of: datetime) -> Delivery:
    bars = _known(delivery.bars, as_of)
    if bars.empty:
        raise InsufficientDataError(
            f"the source {workspace.settings.market_data.source} holds no bar that was known at "
            f"{as_of:%Y-%m-%d %H:%M} UTC: its first became known at "
            f"{delivery.bars['available_at'].min():%Y-%m-%d %H:%M}"
        )
    return Delivery(bars=bars, references=_known(delivery.references, as_of))


def _told(bars: pd.DataFrame) -> dict[str, Any]:
    return {
        "rows": len(bars),
        "symbols": bars["symbol"].nunique(),
        "first": bars["session"].min().date(),
        "last": bars["session"].max().date(),
    }


def _sources(workspace: Workspace) -> list[dict[str, Any]]:
    """Name the files that were read; their rows are what is pinned."""
    return [
        {
            "path": os.path.relpath(path, workspace.root),
            "sha256": sha256_file(path),
            "bytes": path.stat().st_size,
        }
        for path in workspace.market.source.files()
    ]


def _known(rows: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    return rows[rows["available_at"] <= pd.Timestamp(as_of)]


def _refuse_future(delivery: Delivery, now: datetime) -> None:
    today = pd.Timestamp(now).tz_localize(None)
    for what, name, rows in (
        ("bars", "symbol", delivery.bars),
        ("reference values", "name", delivery.references),
    ):
        late = rows[rows["session"] > today]
        if len(late):
            row = late.iloc[0]
            raise SchemaError(
                f"{len(late):,} {what} of the source are of sessions in the future, the first "
                f"{row[name]} {row['session'].date()}: correct the session column"
            )
