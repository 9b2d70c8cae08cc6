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

from shadowbook.adapters.disk import replace_file, replace_text
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.core.values import BAR_FIELDS, BAR_KEYS
from shadowbook.errors import IntegrityError, PermanentError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

OnRewrite = Literal["refuse", "record"]
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

    def exists(self) -> bool:
        """Say whether anything was ever written here."""
        return (self.folder / "references.parquet").exists()

    def read(self) -> Delivery:
        """Return every row, bars ordered by their keys.

        Raises
        ------
        PermanentError
            When a part is not readable.
        """
        import pandas as pd

        parts = sorted((self.folder / "bars").glob("*.parquet"))
        bars = pd.concat([_read(part) for part in parts], ignore_index=True)
        return Delivery(
            bars=bars.sort_values(list(BAR_KEYS), ignore_index=True),
            references=_read(self.folder / "references.parquet"),
        )

    def write(self, delivery: Delivery) -> None:
        """Write what changed, a year at a time; the same rows give the same bytes."""
        bars = _ordered(delivery.bars)
        for year, rows in bars.groupby(bars["session"].dt.year, sort=True):
            _write(rows, self.folder / "bars" / f"{year}.parquet", list(BAR_KEYS))
        # Last: its presence says that a whole delivery was written at least once.
        _write(
            delivery.references,
            self.folder / "references.parquet",
            ["name", "session", "available_at"],
        )

    def replace(self, delivery: Delivery) -> None:
        """Hold exactly this delivery: like ``write``, and years it does not have are dropped."""
        self.write(delivery)
        kept = {f"{year}.parquet" for year in delivery.bars["session"].dt.year.unique()}
        for part in (self.folder / "bars").glob("*.parquet"):
            if part.name not in kept:
                part.unlink()

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


def _ordered(bars: pd.DataFrame) -> pd.DataFrame:
    columns = [*BAR_KEYS, *(name for name in BAR_FIELDS if name in bars)]
    return bars[columns].sort_values(list(BAR_KEYS), ignore_index=True)


def _write(rows: pd.DataFrame, path: Path, keys: list[str]) -> None:
    rows = rows.sort_values(keys, ignore_index=True).copy()
    rows["session"] = rows["session"].astype("datetime64[us]")
    rows["available_at"] = rows["available_at"].astype("datetime64[us, UTC]")
    replace_file(path, lambda draft: rows.to_parquet(draft, index=False, compression="zstd"))


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise PermanentError(
            f"{path} cannot be read ({str(error).splitlines()[0]}): restore it with "
            "`shadowbook reproduce` of a run that pinned it, or remove the folder and ingest again"
        ) from error
