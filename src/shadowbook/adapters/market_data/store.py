"""The market store: what passed the gate, append-only, one parquet part a year.

A row once accepted is never changed. What a source tells differently later is either refused or
recorded as a restatement that was known from that later moment on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shadowbook.adapters.disk import clear_drafts, replace_text
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.year_parts import YearParts, read_rows, write_rows
from shadowbook.core.values import BAR_FIELDS, BAR_KEYS
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

OnRewrite = Literal["refuse", "record"]
REFERENCE_KEYS = ["name", "session", "available_at"]
SHOWN = 3


@dataclass(frozen=True)
class Merged:
    """A delivery laid over what was there.

    Attributes
    ----------
    delivery : every row, old and new.
    added, restated : how many rows are new, and how many of these tell a known session anew.
    withdrawn : symbol and session of accepted bars that the source no longer tells.
    """

    delivery: Delivery
    added: int
    restated: int
    withdrawn: pd.DataFrame


@dataclass(frozen=True)
class Arrival:
    """When a delivery came.

    Attributes
    ----------
    as_of : the run's moment; the delivery holds nothing that became known later.
    decided : decisions up to this moment were taken without it; None before the first.
    now : when it really came.
    """

    as_of: datetime
    decided: datetime | None
    now: datetime


class MarketStore:
    """Bars and references in a folder: ``bars/<year>.parquet`` and ``references.parquet``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bars = YearParts(folder / "bars")
        self._references = folder / "references.parquet"

    def exists(self) -> bool:
        """Say whether a whole delivery was ever written here."""
        return self._references.exists()

    def read(self) -> Delivery:
        """Return every row, bars ordered by their keys.

        Raises
        ------
        IntegrityError
            When a part is not readable.
        """
        import pandas as pd

        parts = [self._bars.read(year) for year in self._bars.years()]
        if not parts:
            raise IntegrityError(
                f"{self._bars.folder} holds no bars though a delivery was accepted: restore "
                f"{self.folder} from its pin, or remove it and run ingest and gate"
            )
        bars = pd.concat(parts, ignore_index=True)
        return Delivery(
            bars=bars.sort_values(list(BAR_KEYS), ignore_index=True),
            references=read_rows(self._references),
        )

    def write(self, delivery: Delivery) -> None:
        """Write every year that has rows; the same rows give the same bytes."""
        clear_drafts(self.folder)
        self._bars.clear_drafts()
        bars = delivery.bars
        columns = [*BAR_KEYS, *(name for name in BAR_FIELDS if name in bars)]
        for year, rows in bars.groupby(bars["session"].dt.year, sort=True):
            self._bars.replace(int(year), rows.sort_values(list(BAR_KEYS)), columns)
        # Last: its presence says that a whole delivery was written at least once.
        references = delivery.references.sort_values(REFERENCE_KEYS)
        write_rows(self._references, references, [*REFERENCE_KEYS, "value"])

    def replace(self, delivery: Delivery) -> None:
        """Hold exactly this delivery: like ``write``, and years it does not have are dropped."""
        self.write(delivery)
        for year in set(self._bars.years()) - set(delivery.bars["session"].dt.year.unique()):
            self._bars.drop(year)

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON document beside the rows, pinned with them."""
        replace_text(self.folder / name, json.dumps(content, indent=2, sort_keys=True) + "\n")

    def read_note(self, name: str) -> dict[str, Any] | None:
        """Return a JSON document kept beside the rows, or None.

        Raises
        ------
        IntegrityError
            When it is not readable.
        """
        path = self.folder / name
        if not path.exists():
            return None
        try:
            note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise IntegrityError(
                f"{path} cannot be read: restore the folder from its pin"
            ) from error
        return note

    def merge(self, delivery: Delivery, arrival: Arrival, on_rewrite: OnRewrite) -> Merged:
        """Lay a delivery over the store without writing.

        A row that tells an accepted one differently, and one that claims to have been known
        before decisions that were taken without it, is dated to the moment it came.

        Parameters
        ----------
        on_rewrite : ``refuse`` rows that are told differently under the same date, or ``record``
            them.

        Raises
        ------
        IntegrityError
            When rows are told differently and that is to be refused.
        """
        if not self.exists():
            none = delivery.bars.iloc[:0][["symbol", "session"]]
            return Merged(delivery, added=len(delivery.bars), restated=0, withdrawn=none)
        old = self.read()
        bars, restated = _lay_over(
            old.bars, delivery.bars, ["symbol", "session"], arrival, on_rewrite
        )
        references, retold = _lay_over(
            old.references, delivery.references, ["name", "session"], arrival, on_rewrite
        )
        return Merged(
            Delivery(bars=bars, references=references),
            added=len(bars) - len(old.bars),
            restated=restated + retold,
            withdrawn=_withdrawn(old.bars, delivery.bars, arrival),
        )


def _withdrawn(old: pd.DataFrame, new: pd.DataFrame, arrival: Arrival) -> pd.DataFrame:
    """Find accepted bars that a source which tells its history again leaves out.

    A source that tells less than half of what was accepted brings additions, not its history.
    """
    import pandas as pd

    about = ["symbol", "session"]
    known = old.loc[old["available_at"] <= pd.Timestamp(arrival.as_of), about].drop_duplicates()
    told = pd.MultiIndex.from_frame(known).isin(pd.MultiIndex.from_frame(new[about]))
    return known[~told if 2 * told.sum() >= len(known) else np.zeros(len(known), dtype=bool)]


def _lay_over(
    old: pd.DataFrame,
    new: pd.DataFrame,
    about: list[str],
    arrival: Arrival,
    on_rewrite: OnRewrite,
) -> tuple[pd.DataFrame, int]:
    """Add to ``old`` what ``new`` says that it does not say yet."""
    import pandas as pd

    new = new.reset_index(drop=True)
    keys = [*about, "available_at"]
    values = [c for c in new.columns if c not in keys]
    old = old.assign(**{name: float("nan") for name in values if name not in old})
    known = pd.MultiIndex.from_frame(new[keys]).isin(pd.MultiIndex.from_frame(old[keys]))
    # A source that tells a session once must agree with the newest version of it, which may be a
    # correction recorded earlier; one that tells its own versions must agree with what was stored.
    versioned = new.duplicated(about, keep=False).to_numpy()
    contradicts = known & versioned
    if contradicts.any():
        contradicts &= _differs(new, new[keys].merge(old, on=keys, how="left"), values)
        contradicts[contradicts] = ~_told_before(old, new[contradicts], about, values)
    anew = _tells_anew(old, new, about, values, arrival)
    changed = known & ~versioned & anew
    if contradicts.any() or (changed.any() and on_rewrite == "refuse"):
        wrong = new.loc[contradicts | changed, about]
        raise IntegrityError(
            f"the source tells {len(wrong):,} accepted rows differently than before, without a new "
            f"available_at ({_named(wrong)}): restore them, give the corrections their own "
            "available_at, or set market_data.on_rewrite to record in params.yaml"
        )
    late = ~known & _came_late(old, new, about, arrival)
    # Of what came late, only what the source says now counts: the rest was superseded on its way.
    newest = ~new.sort_values(keys).duplicated(about, keep="last").sort_index().to_numpy()
    dated = changed | late & newest & anew
    corrections = new[dated].assign(available_at=pd.Timestamp(arrival.now).tz_convert("UTC"))
    rows = pd.concat([old, new[~known & ~late], corrections], ignore_index=True)
    return rows.sort_values(keys, ignore_index=True), len(corrections)


def _named(rows: pd.DataFrame) -> str:
    """Name the first of these rows, and of how many symbols and which span all are."""
    first = "; ".join(f"{row[0]} {row[1].date()}" for row in rows.head(SHOWN).to_numpy())
    if len(rows) <= SHOWN:
        return first
    subjects, days = rows.iloc[:, 0], rows["session"]
    return (
        f"{first}; ... of {subjects.nunique():,} {subjects.name}s from {days.min().date()} to "
        f"{days.max().date()}"
    )


def _came_late(
    old: pd.DataFrame, new: pd.DataFrame, about: list[str], arrival: Arrival
) -> NDArray[np.bool_]:
    """(R,): rows that say they were known at decisions that were taken without them.

    A name that is new altogether keeps its history: the runs before it record which names they
    knew.
    """
    import pandas as pd

    if arrival.decided is None:
        return np.zeros(len(new), dtype=bool)
    named = new[about[0]].isin(old[about[0]].unique())
    before = new["available_at"] <= pd.Timestamp(arrival.decided)
    return np.asarray(named & before)


def _tells_anew(
    old: pd.DataFrame, new: pd.DataFrame, about: list[str], values: list[str], arrival: Arrival
) -> NDArray[np.bool_]:
    """(R,): rows unlike the newest version there is, and unlike the newest known at the moment."""
    import pandas as pd

    ordered = old.sort_values([*about, "available_at"])
    then = ordered[ordered["available_at"] <= pd.Timestamp(arrival.as_of)]
    differs = np.ones(len(new), dtype=bool)
    for rows in (ordered, then):
        newest = rows.drop_duplicates(about, keep="last")
        differs[differs] = _differs(
            new[differs], new.loc[differs, about].merge(newest, on=about, how="left"), values
        )
    return differs


def _told_before(
    old: pd.DataFrame, rows: pd.DataFrame, about: list[str], values: list[str]
) -> NDArray[np.bool_]:
    """(R,): rows equal to any version of their session, such as a correction recorded earlier."""
    numbered = rows[about].assign(row=np.arange(len(rows)))
    pairs = numbered.merge(old[[*about, *values]], on=about)
    at = pairs["row"].to_numpy()
    told = np.zeros(len(rows), dtype=bool)
    told[at[~_differs(rows.iloc[at], pairs, values)]] = True
    return told


def _differs(left: pd.DataFrame, right: pd.DataFrame, values: list[str]) -> NDArray[np.bool_]:
    """(R,) bool: rows that differ in any value; NaN equals NaN."""
    a, b = left[values].to_numpy("float64"), right[values].to_numpy("float64")
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.asarray(~same.all(axis=1))
