"""What Feast knows: the entity, the feature log as its source, and a view a feature group.

A view's name carries the version of the definitions; values of one version never change their
meaning, so a change opens new views (and a new log) beside the old. Feature services, one a
strategy, are registered by ``shadowbook features`` from params.yaml: ``feast apply`` by hand
would delete them, until the next run puts them back.
"""

from __future__ import annotations

import glob
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Float64, String, UnixTimestamp

PRICE_FEATURES: tuple[str, ...] = (
    "momentum_21",
    "momentum_63",
    "momentum_126",
    "momentum_252",
    "momentum_252_21",
    "reversal_1",
    "reversal_5",
    "volatility_21",
    "volatility_63",
    "volatility_ratio_21_126",
    "drawdown_252",
    "distance_average_200",
    "max_return_21",
    "min_return_21",
    "skewness_63",
    "beta_126",
    "correlation_126",
    "residual_momentum_126",
    "zero_return_share_63",
    "month_position",
    "turn_of_month",
    "rank_reversal_5",
    "rank_momentum_126",
    "rank_momentum_252_21",
    "rank_volatility_63",
)
"""Need closes alone."""

VOLUME_FEATURES: tuple[str, ...] = (
    "dollar_volume_z_63",
    "turnover_ratio_5_63",
    "illiquidity_21",
    "rank_illiquidity_21",
    "range_volatility_21",
    "overnight_gap",
)
"""Need volume, the day's range or opens; the log has those that the market data allows."""

TTL = timedelta(hours=12)
"""Less than the time between two decisions (21 hours before an early close), so that a symbol
without a row at a session has no value there, rather than the value of the session before."""

DEFAULT_LOG = Path(__file__).resolve().parent.parent / "data" / "features" / "v1"


def define(
    log: Path, columns: Collection[str] = PRICE_FEATURES + VOLUME_FEATURES
) -> tuple[Entity, list[FeatureView]]:
    """Return the entity and the views over the feature log in ``log``.

    ``columns`` are the features that the log holds; a view without any is left out. The decision
    moment ``available_at`` is the timestamp of a row, so a row counts from then on; ``session``
    comes along as a value and says which session a row is about.
    """
    entity = Entity(name="symbol", join_keys=["symbol"], value_type=ValueType.STRING)
    source = FileSource(
        name="feature_log",
        path=f"{glob.escape(str(log))}/*.parquet",  # absolute: Feast reads others from the cwd
        file_format=ParquetFormat(),
        timestamp_field="available_at",
    )
    groups = {"price_v1": PRICE_FEATURES, "volume_v1": VOLUME_FEATURES}
    held = {view: [name for name in names if name in columns] for view, names in groups.items()}
    views = [
        FeatureView(
            name=view,
            entities=[entity],
            ttl=TTL,
            source=source,
            schema=[
                Field(name="symbol", dtype=String),
                Field(name="session", dtype=UnixTimestamp),
                *(Field(name=name, dtype=Float64) for name in names),
            ],
        )
        for view, names in held.items()
        if names
    ]
    return entity, views


symbol, _views = define(DEFAULT_LOG)
price_v1, volume_v1 = _views
