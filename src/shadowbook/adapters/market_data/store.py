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
    """

    delivery: Delivery
    added: int
    restated: int


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

        bars = pd.concat([self._bars.read(year) for year in self._bars.years()], ignore_index=True)
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
        """Return a JSON document kept beside the rows, or None."""
        path = self.folder / name
        if not path.exists():
            return None
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return note

    def merge(self, delivery: Delivery, known_since: datetime, on_rewrite: OnRewrite) -> Merged:
        """Lay a delivery over the store without writing.

        Parameters
        ----------
        known_since : ``available_at`` of a row that tells an accepted one differently.
        on_rewrite : ``refuse`` such rows, or ``record`` them as known since then.

        Raises
        ------
        IntegrityError
            When rows are told differently and that is to be refused.
        """
        if not self.exists():
            return Merged(delivery, added=len(delivery.bars), restated=0)
        old = self.read()
        bars, restated = _lay_over(
            old.bars, delivery.bars, ["symbol", "session"], known_since, on_rewrite
        )
        references, retold = _lay_over(
            old.references, delivery.references, ["name", "session"], known_since, on_rewrite
        )
        return Merged(
            Delivery(bars=bars, references=references),
            added=len(bars) - len(old.bars),
            restated=restated + retold,
        )


def _lay_over(
    old: pd.DataFrame,
    new: pd.DataFrame,
    about: list[str],
    known_since: datetime,
    on_rewrite: OnRewrite,
) -> tuple[pd.DataFrame, int]:
    """Add to ``old`` what ``new`` says that it does not say yet."""
    import pandas as pd

    values = [c for c in new.columns if c not in (*about, "available_at")]
    old = old.assign(**{name: float("nan") for name in values if name not in old})
    keys = [*about, "available_at"]
    known = pd.MultiIndex.from_frame(new[keys]).isin(pd.MultiIndex.from_frame(old[keys]))
    fresh, told = new[~known], new[known].reset_index(drop=True)
    # A source that tells a session once must agree with the newest version of it, which may be a
    # correction recorded earlier; one that tells its own versions must agree version by version.
    versioned = told.duplicated(about, keep=False).to_numpy()
    newest = old.sort_values(keys).drop_duplicates(about, keep="last")
    once = _differs(told, told[about].merge(newest, on=about, how="left"), values)
    each = _differs(told, told[keys].merge(old, on=keys, how="left"), values)
    changed = versioned & each | ~versioned & once
    if (changed & versioned).any() or (changed.any() and on_rewrite == "refuse"):
        named = "; ".join(
            f"{row[0]} {row[1].date()}" for row in told.loc[changed, about].head(SHOWN).to_numpy()
        )
        raise IntegrityError(
            f"the source tells {int(changed.sum())} accepted rows differently than before, without "
            f"a new available_at ({named}): restore them, give the corrections their own "
            "available_at, or set market_data.on_rewrite to record in params.yaml"
        )
    fresh, late = _not_known_before(old, fresh, about, known_since)
    corrections = told[changed].assign(available_at=pd.Timestamp(known_since).tz_convert("UTC"))
    rows = pd.concat([old, fresh, corrections], ignore_index=True)
    return rows.sort_values(keys, ignore_index=True), len(corrections) + late


def _not_known_before(
    old: pd.DataFrame, fresh: pd.DataFrame, about: list[str], known_since: datetime
) -> tuple[pd.DataFrame, int]:
    """Date the rows that fill an accepted stretch of history to the moment they came.

    No earlier decision can have seen them, whatever ``available_at`` their source gives, so a
    rebuild of an earlier run must not see them either. A name that is new altogether keeps its
    history: the runs before it record which names they knew.
    """
    import pandas as pd

    key = about[0]
    newest = fresh[key].map(old.groupby(key)["session"].max())
    came = pd.Timestamp(known_since).tz_convert("UTC")
    late = (fresh["session"] <= newest) & (fresh["available_at"] < came)
    gap = late & ~pd.MultiIndex.from_frame(fresh[about]).isin(pd.MultiIndex.from_frame(old[about]))
    return fresh.assign(available_at=fresh["available_at"].mask(gap, came)), int(gap.sum())


def _differs(left: pd.DataFrame, right: pd.DataFrame, values: list[str]) -> NDArray[np.bool_]:
    """(R,) bool: rows that differ in any value; NaN equals NaN."""
    a, b = left[values].to_numpy("float64"), right[values].to_numpy("float64")
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.asarray(~same.all(axis=1))
