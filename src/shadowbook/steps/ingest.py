"""Bring in what the source tells and what could be known at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.errors import InsufficientDataError, SchemaError
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class IngestReport:
    """What an ingest brought, not yet judged."""

    as_of: datetime
    source: str
    rows: int
    symbols: int
    first: date
    last: date


def ingest(workspace: Workspace, as_of: datetime) -> IngestReport:
    """Read the source and set aside what was known at ``as_of`` for the gate.

    Raises
    ------
    SchemaError, ConfigError
        When the source cannot be read, or tells of sessions that lie in the future.
    InsufficientDataError
        When nothing was known at ``as_of``.
    """
    source = workspace.settings.market_data.source
    with workspace.progress.stage("ingest") as stage:
        delivery = workspace.market.delivery
        _refuse_future(delivery, workspace.clock.now())
        bars = _known(delivery.bars, as_of)
        if bars.empty:
            raise InsufficientDataError(
                f"the source {source} holds no bar that was known at {as_of:%Y-%m-%d %H:%M} UTC: "
                f"its first became known at {delivery.bars['available_at'].min():%Y-%m-%d %H:%M}"
            )
        references = _known(delivery.references, as_of)
        workspace.market.incoming.replace(Delivery(bars=bars, references=references))
        report = IngestReport(
            as_of=as_of,
            source=source,
            rows=len(bars),
            symbols=bars["symbol"].nunique(),
            first=bars["session"].min().date(),
            last=bars["session"].max().date(),
        )
        stage.result(
            f"{report.rows:,} bars of {report.symbols} symbols, {report.first} to {report.last}"
        )
    return report


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
