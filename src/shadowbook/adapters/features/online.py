"""The online store: the newest values of each symbol, never an older one over a newer.

Feast lets an older push overwrite a newer value, and its SQLite store keeps event times in whole
seconds of the writer's time zone. So the session of each row is stored as a value beside the
features, what is newer is decided by it, and the decision moment is looked up in the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from shadowbook.adapters.features.registry import SESSION, guarded, view_features
from shadowbook.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    import pandas as pd
    from feast import FeatureService, FeatureStore
    from numpy.typing import NDArray

    from shadowbook.adapters.features.log import FeatureLog


@dataclass(frozen=True)
class PushOutcome:
    """What a materialization did, in symbols.

    Attributes
    ----------
    written : got newer values.
    refused : kept newer values than those at hand.
    already : had the values of the same session.
    """

    written: int
    refused: int
    already: int


class OnlineValues:
    """The values that Feast serves now."""

    def __init__(self, store: FeatureStore, log: FeatureLog) -> None:
        self._store = store
        self._log = log

    def push(self, rows: pd.DataFrame) -> PushOutcome:
        """Write one row a symbol, unless a newer one is there.

        A view is written in one transaction; after a kill between two views, reads of both are
        refused, and the same call completes the rest.
        """
        views = view_features(self._store)
        if not views:
            raise ConfigError(
                "no feature view is registered, so nothing can come online: run "
                "`shadowbook features`, which registers them"
            )
        newer = np.zeros(len(rows), dtype=bool)
        older = np.zeros(len(rows), dtype=bool)
        for view, names in views.items():
            held = self._sessions_of(view, rows["symbol"].tolist())
            given = rows["session"].to_numpy("datetime64[us]")
            fresh = np.isnat(held) | (given > held)
            newer |= fresh
            older |= given < held
            if fresh.any():
                batch = rows.loc[fresh, ["symbol", "session", "available_at", *names]]
                with guarded(f"writing {view} online"):
                    self._store.write_to_online_store(view, batch.reset_index(drop=True))
        refused = older & ~newer
        return PushOutcome(
            written=int(newer.sum()),
            refused=int(refused.sum()),
            already=int((~newer & ~refused).sum()),
        )

    def read(self, service: str, symbols: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
        """Return the values of a service; see ``Features.online``."""
        import pandas as pd

        with guarded(f"looking up the feature service {service}"):
            known = self._store.get_feature_service(service, allow_cache=True)
        held = self._read_online(known, symbols)
        sessions = _sessions(held[SESSION])
        self._check_views(names, symbols, sessions)
        moments = self._log.moments(sessions[~np.isnat(sessions)])
        unlogged = ~np.isnat(sessions) & ~np.isin(sessions, moments.index.to_numpy())
        if unlogged.any():
            row = int(np.argmax(unlogged))
            raise IntegrityError(
                f"the online store holds {symbols[row]} of session {_day(sessions[row])}, which "
                f"the feature log does not: delete {self._store.config.online_store.path} and run "
                "`shadowbook features`"
            )
        frame = pd.DataFrame({"symbol": list(symbols), "session": sessions})
        frame["available_at"] = frame["session"].map(moments).astype("datetime64[us, UTC]")
        for name in names:
            frame[name] = np.array([np.nan if v is None else v for v in held[name]], dtype=float)
        return frame

    def _read_online(
        self, features: list[str] | FeatureService, symbols: Sequence[str]
    ) -> dict[str, list[Any]]:
        if not len(symbols):
            return defaultdict(list)  # Feast cannot be asked about nothing
        with guarded("reading online features"):
            answer: dict[str, list[Any]] = self._store.get_online_features(
                features, {"symbol": list(symbols)}
            ).to_dict()
        return answer

    def _sessions_of(self, view: str, symbols: Sequence[str]) -> NDArray[np.datetime64]:
        return _sessions(self._read_online([f"{view}:{SESSION}"], symbols)[SESSION])

    def _check_views(
        self, names: Sequence[str], symbols: Sequence[str], sessions: NDArray[np.datetime64]
    ) -> None:
        """All views of a service are of the same session."""
        used = [
            view
            for view, columns in view_features(self._store).items()
            if set(columns) & set(names)
        ]
        for view in used[1:]:
            held = self._sessions_of(view, symbols)
            differing = (held != sessions) & ~(np.isnat(held) & np.isnat(sessions))
            if differing.any():
                row = int(np.argmax(differing))
                raise IntegrityError(
                    f"the online store holds {symbols[row]} of session {_day(held[row])} in {view} "
                    f"and of {_day(sessions[row])} in {used[0]}: run `shadowbook features` again"
                )


def _sessions(values: Sequence[datetime | None]) -> NDArray[np.datetime64]:
    """Sessions as Feast returns them (aware midnights, None where there is none)."""
    days = [np.datetime64("NaT") if v is None else v.replace(tzinfo=None) for v in values]
    return np.array(days, dtype="datetime64[us]")


def _day(session: np.datetime64) -> str:
    return "none" if np.isnat(session) else str(session.astype("datetime64[D]"))
