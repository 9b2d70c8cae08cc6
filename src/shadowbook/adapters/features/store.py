"""The feature store (Feast): training sets from the log, the newest values online.

Offline values come from DuckDB over the log, online ones from SQLite. Feast itself lets an older
push overwrite a newer value and reads the online store's clock in the machine's time zone, so the
session of each value is stored beside it and every decision here looks at that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shadowbook.adapters.features.online import OnlineValues, PushOutcome
from shadowbook.adapters.features.registry import SESSION, guarded, open_store, register
from shadowbook.errors import (
    ConfigError,
    InsufficientDataError,
    SchemaError,
)

if TYPE_CHECKING:
    import pandas as pd
    from feast import FeatureStore

    from shadowbook.adapters.features.log import FeatureLog

CHUNK = 50_000
"""Entities joined at a time, in order of time: bounds memory, and is faster than all at once."""

MOMENT = "event_timestamp"


@dataclass(frozen=True)
class Parity:
    """Online values against offline values of the same moment.

    Attributes
    ----------
    max_difference : largest absolute difference; NaN when nothing could be compared.
    n_compared : pairs that both have a value.
    n_missing : values that one side has and the other has not, those of symbols whose online row
        is not their newest among them.
    as_of : the newest moment that is online.
    """

    max_difference: float
    n_compared: int
    n_missing: int
    as_of: datetime


class Features:
    """Feature views, services and values.

    Parameters
    ----------
    repo_folder : holds ``feature_store.yaml`` and ``definitions.py``.
    data_folder : where ``registry.db`` and ``online.db`` are kept; both can be deleted and come
        back from the log.
    log : the feature log that the views read.
    """

    def __init__(self, repo_folder: Path, data_folder: Path, log: FeatureLog) -> None:
        self._repo = Path(repo_folder).resolve()
        self._data = Path(data_folder).resolve()
        self._log = log

    def apply(self, services: Mapping[str, Sequence[str]]) -> bool:
        """Register the views of the log's columns and one service a strategy.

        Parameters
        ----------
        services : strategy -> names of its features.

        Returns
        -------
        False when the registry already said so and was left alone.

        Raises
        ------
        InsufficientDataError
            When nothing is logged yet.
        ConfigError
            When a strategy names a feature that the log does not hold.
        """
        columns = self._log.columns()
        if not columns:
            raise InsufficientDataError(
                f"{self._log.folder} holds no features yet: run `shadowbook features` first"
            )
        for strategy, names in services.items():
            unknown = [name for name in names if name not in columns]
            if unknown or not names:
                raise ConfigError(
                    f"strategy {strategy} asks for feature {(unknown or ['(none)'])[0]!r}: the log "
                    f"holds {', '.join(columns)}"
                )
        return register(self._store, self._repo, self._log.folder, columns, services)

    def historical(self, service: str, entities: pd.DataFrame) -> pd.DataFrame:
        """Return the values that were known at each entity's moment, for its session.

        Parameters
        ----------
        service : a strategy that was applied.
        entities : ``symbol``, ``session``, ``event_timestamp`` (aware: the decision moment).

        Returns
        -------
        ``symbol``, ``session`` and the features, a row an entity, in the entities' order and with
        their index. NaN where the log has no row of that very session, however new an older one.
        """
        import pandas as pd

        asked = _asked(entities)
        names = self.features_of(service)
        values = np.full((len(asked), len(names)), np.nan)
        order = np.argsort(asked[MOMENT].to_numpy("datetime64[us]"), kind="stable")
        sessions = asked["session"].to_numpy("datetime64[us]")
        with guarded(f"reading features of {service}"):
            known = self._store.get_feature_service(service, allow_cache=True)
            for start in range(0, len(order), CHUNK):
                rows = order[start : start + CHUNK]
                table = self._store.get_historical_features(
                    asked.iloc[rows][["symbol", MOMENT, "row"]].copy(), known
                ).to_arrow()
                at = table["row"].to_numpy()  # the answer comes in another order
                about = table[SESSION].to_numpy().astype("datetime64[us]")
                block = np.column_stack([table[name].to_numpy() for name in names])
                block[about != sessions[at]] = np.nan
                values[at] = block
        frame = pd.DataFrame(values, columns=list(names), index=entities.index)
        frame.insert(0, "symbol", entities["symbol"])
        frame.insert(1, "session", entities["session"])
        return frame

    def materialize(self, as_of: datetime) -> PushOutcome:
        """Bring each symbol's newest row known at ``as_of`` online, unless a newer one is there.

        Raises
        ------
        ConfigError
            When ``as_of`` is naive.
        TransientError
            When another process holds the online store.
        """
        return self._online.push(self._log.newest(as_of))

    def online(self, service: str, symbols: Sequence[str]) -> pd.DataFrame:
        """Return the online values of symbols, in their order.

        Returns
        -------
        ``symbol``, ``session``, ``available_at`` (the decision moment the values were computed
        at) and the features; NaT and NaN for a symbol that is not online.

        Raises
        ------
        IntegrityError
            When the store holds a session that the log does not, or views of different sessions.
        """
        return self._online.read(service, symbols, self.features_of(service))

    def parity(self, service: str) -> Parity:
        """Compare every symbol's online values with the offline ones of the same moment.

        Raises
        ------
        InsufficientDataError
            When nothing is online.
        """
        names = list(self.features_of(service))
        symbols = self._log.symbols()
        online = self.online(service, symbols)
        as_of = online["available_at"].max()
        if not online["available_at"].notna().any():
            raise InsufficientDataError(
                f"no value of {service} is online: run `shadowbook features` first"
            )
        newest = self._log.newest(as_of.to_pydatetime())[["symbol", "session", "available_at"]]
        offline = self.historical(service, newest.rename(columns={"available_at": MOMENT}))
        online = online.set_index("symbol").loc[newest["symbol"]]
        there = online[names].to_numpy("float64")
        there[(online["session"].to_numpy() != newest["session"].to_numpy())] = np.nan
        here = offline[names].to_numpy("float64")
        both = ~np.isnan(there) & ~np.isnan(here)
        differences = np.abs(there[both] - here[both])
        return Parity(
            max_difference=float(differences.max()) if differences.size else float("nan"),
            n_compared=int(both.sum()),
            n_missing=int((np.isnan(there) != np.isnan(here)).sum()),
            as_of=as_of.to_pydatetime().astimezone(UTC),
        )

    def features_of(self, service: str) -> tuple[str, ...]:
        """Return the features of a strategy, those of the price view first.

        Raises
        ------
        ConfigError
            When the strategy was never applied.
        """
        with guarded(f"looking up the feature service {service}"):
            known = self._store.get_feature_service(service, allow_cache=True)
        return tuple(
            field.name
            for projection in known.feature_view_projections
            for field in projection.features
            if field.name != SESSION
        )

    @cached_property
    def _online(self) -> OnlineValues:
        return OnlineValues(self._store, self._log)

    @cached_property
    def _store(self) -> FeatureStore:
        return open_store(self._repo, self._data)


def _asked(entities: pd.DataFrame) -> pd.DataFrame:
    """Entities in Feast's types, numbered, as the answer comes in another order."""
    import pandas as pd

    missing = [name for name in ("symbol", "session", MOMENT) if name not in entities]
    if missing:
        raise SchemaError(
            f"entities lack the column {missing[0]!r}: give symbol, session and {MOMENT}"
        )
    if not isinstance(entities[MOMENT].dtype, pd.DatetimeTZDtype):
        raise SchemaError(f"{MOMENT} of the entities has no time zone: give aware UTC times")
    return pd.DataFrame(
        {
            "symbol": entities["symbol"].astype(str).to_numpy(),
            "session": entities["session"].to_numpy("datetime64[us]"),
            MOMENT: entities[MOMENT].dt.tz_convert("UTC").dt.as_unit("us").array,
            "row": np.arange(len(entities)),
        }
    )
