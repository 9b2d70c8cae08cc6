"""The append-only feature log: what was computed at each decision, in parquet parts by year.

Rows are never rewritten and never come late, so a join on ``available_at`` answers with what was
known then (Feast's own ``created_timestamp`` does not). Parts are replaced as a whole, in
ascending order of years: a crash leaves a log that ends at an earlier session, and the same append
run again completes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.features.rows import (
    KEYS,
    by_year,
    empty_rows,
    features_of,
    normalized,
    years_of,
)
from shadowbook.adapters.year_parts import YearParts
from shadowbook.errors import ConfigError, IntegrityError, LeakageError, SchemaError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

META = "meta.json"

# Rows built again from another window may differ in the last bits; a restated price moves a
# feature by far more than this.
RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12


@dataclass(frozen=True)
class AppendOutcome:
    """What an append did.

    Attributes
    ----------
    rows_added : new rows of sessions after the last logged one.
    rows_present : rows that the log already held with the same content.
    rows_late : rows left out, as their session is not after the last logged one.
    sessions_added : sessions that the log did not have.
    """

    rows_added: int
    rows_present: int
    rows_late: int
    sessions_added: int


class FeatureLog:
    """One row per (symbol, decision session), under ``folder``.

    Parameters
    ----------
    folder : ``<year>.parquet`` parts and ``meta.json``; made by the first append.
    fingerprint : digest of what the feature code computes.
    version : version of the feature definitions; another one belongs into another folder.
    """

    def __init__(self, folder: Path, fingerprint: str, version: int = 1) -> None:
        self.folder = Path(folder).resolve()
        self._parts = YearParts(self.folder)
        self.fingerprint = fingerprint
        self.version = version

    def append(self, frame: pd.DataFrame) -> AppendOutcome:
        """Add the rows of sessions after the last logged one; check those already there.

        Parameters
        ----------
        frame : ``symbol``, ``session`` (date label), ``available_at`` (aware: the session's
            decision moment), then one float column a feature; NaN = no value.

        Raises
        ------
        SchemaError
            Columns are missing or differ from the log's, a key repeats, a time is naive.
        LeakageError
            A session's moment is not after that of the session before it.
        IntegrityError
            A row is in the log with other content.
        ConfigError
            The log was written by other feature definitions.
        """
        rows = normalized(frame)
        self._check_meta(features_of(rows))
        names = self.columns() or features_of(rows)
        self._parts.clear_drafts()
        if rows.empty:
            return AppendOutcome(0, 0, 0, 0)
        last = self.last_session()
        cut = 0 if last is None else int(rows["session"].searchsorted(last, side="right"))
        old, fresh = rows.iloc[:cut], rows.iloc[cut:]
        present = sum([self._count_present(year, part, names) for year, part in by_year(old)])
        self._check_moments(fresh, last)
        if not fresh.empty:
            self._write_meta(names)
        for year, part in by_year(fresh):
            self._parts.extend(year, part, [*KEYS, *names])
        return AppendOutcome(
            rows_added=len(fresh),
            rows_present=present,
            rows_late=len(old) - present,
            sessions_added=int(fresh["session"].nunique()),
        )

    def read(
        self, as_of: datetime | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return the rows known at ``as_of``, ordered by session and symbol.

        Parameters
        ----------
        as_of : aware instant; None for all rows.
        columns : features to read; None for all. The three keys always come along.

        Raises
        ------
        ConfigError
            When ``as_of`` is naive or a column is not in the log.
        """
        import pandas as pd

        limit = None if as_of is None else _utc(as_of)
        names = self.columns() if columns is None else tuple(columns)
        unknown = sorted(set(names) - set(self.columns()))
        if unknown:
            raise ConfigError(
                f"{self.folder} holds no feature {unknown[0]!r}: choose among "
                f"{', '.join(self.columns()) or 'none, as nothing is logged yet'}"
            )
        frames = [self._parts.read(year, [*KEYS, *names], limit) for year in self._parts.years()]
        if not frames:
            return empty_rows(names)
        return pd.concat(frames, ignore_index=True, copy=False)

    def newest(self, as_of: datetime) -> pd.DataFrame:
        """Return each symbol's newest row known at ``as_of``, ordered by symbol."""
        import pandas as pd

        limit = _utc(as_of)
        found: list[pd.DataFrame] = []
        seen: set[str] = set()
        for year in reversed(self._parts.years()):
            keys = self._parts.read(year, ["symbol"], limit)["symbol"]
            if set(keys) <= seen:
                continue
            part = self._parts.read(year, [*KEYS, *self.columns()], limit)
            part = part[~part["symbol"].isin(seen)].drop_duplicates("symbol", keep="last")
            seen.update(part["symbol"])
            found.append(part)
        if not found:
            return empty_rows(self.columns())
        return pd.concat(found).sort_values("symbol", kind="stable").reset_index(drop=True)

    def moments(self, sessions: NDArray[np.datetime64]) -> pd.Series[Any]:
        """Return the decision moment of each logged session among ``sessions``."""
        import pandas as pd

        wanted = np.unique(np.asarray(sessions, dtype="datetime64[us]"))
        found = [pd.Series(dtype="datetime64[us, UTC]", index=pd.DatetimeIndex([]))]
        for year in sorted({int(y) for y in years_of(wanted)} & set(self._parts.years())):
            part = self._parts.read(year, ["session", "available_at"], None)
            found.append(part.drop_duplicates("session").set_index("session")["available_at"])
        series = pd.concat(found[1:] or found)
        known: pd.Series[Any] = series[series.index.isin(wanted)]
        return known

    def last_session(self) -> np.datetime64 | None:
        """Return the last logged session (datetime64[D]), or None for an empty log."""
        years = self._parts.years()
        if not years:
            return None
        days = self._parts.read(years[-1], ["session"], None)["session"]
        last: np.datetime64 = days.to_numpy().max().astype("datetime64[D]")
        return last

    def symbols(self) -> tuple[str, ...]:
        """Return every symbol that was ever logged, sorted."""
        found: set[str] = set()
        for year in self._parts.years():
            found.update(self._parts.read(year, ["symbol"])["symbol"].unique())
        return tuple(sorted(found))

    def columns(self) -> tuple[str, ...]:
        """Return the features that the log holds, in the order of its columns."""
        meta = self._meta()
        return () if meta is None else tuple(meta["features"])

    def _count_present(self, year: int, rows: pd.DataFrame, names: Sequence[str]) -> int:
        """Count the rows that are in the log, all of them with the same content."""
        import pandas as pd

        if not self._parts.has(year):
            return 0
        logged = self._parts.read(year, [*KEYS, *names], None)
        both = rows.merge(
            logged[["symbol", "session"]].assign(at=np.arange(len(logged))),
            on=["symbol", "session"],
        )
        twins = logged.iloc[both["at"].to_numpy()].reset_index(drop=True)
        given = both[list(names)].to_numpy("float64")
        there = twins[list(names)].to_numpy("float64")
        same = np.isclose(
            given, there, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE, equal_nan=True
        )
        moved = (both["available_at"] != twins["available_at"]).to_numpy()
        if moved.any() or not same.all():
            row = int(np.argmax(moved | ~same.all(axis=1)))
            column = int(np.argmin(same[row]))
            name, new, kept = (
                ("available_at", both["available_at"][row], twins["available_at"][row])
                if moved[row]
                else (names[column], float(given[row, column]), float(there[row, column]))
            )
            raise IntegrityError(
                f"{self.folder}: {both['symbol'][row]} {pd.Timestamp(both['session'][row]).date()} "
                f"{name} is logged as {kept} and now comes as {new}: the log is never rewritten; "
                "restatements count from the session after they were known, and changed "
                "definitions need a new feature version"
            )
        return len(both)

    def _check_moments(self, fresh: pd.DataFrame, last: np.datetime64 | None) -> None:
        """Each session has one moment, after the one of the session before."""
        import pandas as pd

        span = fresh.groupby("session", sort=True)["available_at"].agg(["min", "max"])
        before = span["max"].shift()
        if last is not None and len(span):
            before.iloc[0] = self.moments(np.array([last])).max()
        wrong = (span["min"] != span["max"]) | (before >= span["min"])
        if wrong.any():
            session = span.index[wrong.to_numpy()][0]
            raise LeakageError(
                f"features of session {pd.Timestamp(session).date()} are stamped "
                f"{span['min'][session]} to {span['max'][session]}, the session before "
                f"{before[session]}: stamp all rows of a session with its own decision moment"
            )

    def _meta(self) -> dict[str, Any] | None:
        path = self.folder / META
        try:
            meta: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            if self._parts.years():
                raise IntegrityError(
                    f"{path} is missing beside logged years: restore the folder from its pin"
                ) from error
            return None
        except ValueError as error:
            raise IntegrityError(
                f"{path} cannot be read: restore the folder from its pin"
            ) from error
        return meta

    def _check_meta(self, names: Sequence[str]) -> None:
        meta = self._meta()
        if meta is None:
            return
        if (meta["version"], meta["fingerprint"]) != (self.version, self.fingerprint):
            raise ConfigError(
                f"{self.folder} was written by feature version {meta['version']} with fingerprint "
                f"{meta['fingerprint'][:12]}, the code is version {self.version} with "
                f"{self.fingerprint[:12]}: bump FEATURE_VERSION and start a new log"
            )
        differing = sorted(set(names) ^ set(meta["features"]))
        if differing:
            raise SchemaError(
                f"{self.folder} and the rows to append differ in feature {differing[0]!r}: append "
                "the columns that the log has, or bump FEATURE_VERSION and start a new log"
            )

    def _write_meta(self, names: Sequence[str]) -> None:
        if (self.folder / META).exists():
            return
        meta = {"version": self.version, "fingerprint": self.fingerprint, "features": names}
        replace_text(self.folder / META, json.dumps(meta, indent=1) + "\n")


def _utc(moment: datetime) -> pd.Timestamp:
    import pandas as pd

    if moment.tzinfo is None:
        raise ConfigError(f"as_of {moment.isoformat()} has no time zone: give an aware time")
    return pd.Timestamp(moment).tz_convert("UTC")
