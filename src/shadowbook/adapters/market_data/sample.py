"""The sample: twenty large US stocks, 1990-2022, with the index and the VIX beside them.

Adjusted closes and the index are skfolio's data files, the VIX is arch's; both are read from the
installed packages without importing them. Survivors only and rounded to three decimals: for
learning the tool, not for trading.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.market_data.delivery import Delivery, ScheduleFor, at_close
from shadowbook.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd


CLOSES = ("skfolio", "skfolio/datasets/data/sp500_dataset.csv.gz")
INDEX = ("skfolio", "skfolio/datasets/data/sp500_index.csv.gz")
VIX = ("arch", "arch/data/vix/vix.csv.gz")


class SampleSource:
    """Reads the market data that ships with two installed packages."""

    def read(self, schedule_for: ScheduleFor) -> Delivery:
        """Return closes of 20 symbols and the references ``index`` and ``vix``."""
        import pandas as pd

        closes = _table(CLOSES)
        bars = (
            closes.rename_axis("session")
            .reset_index()
            .melt(id_vars="session", var_name="symbol", value_name="close")
            .dropna(subset=["close"])
        )
        index = _table(INDEX).iloc[:, 0]
        vix = _table(VIX).iloc[:, -1]
        references = pd.concat(
            [_reference("index", index), _reference("vix", vix.dropna())], ignore_index=True
        )
        for rows in (bars, references):
            rows["session"] = rows["session"].astype("datetime64[us]")
            rows["available_at"] = at_close(rows["session"], schedule_for)
        return Delivery(bars=bars, references=references)

    def files(self) -> list[Path]:
        """Return the packages' data files."""
        return [_located(*where) for where in (CLOSES, INDEX, VIX)]


def _located(package: str, name: str) -> Path:
    try:
        path = Path(str(distribution(package).locate_file(name)))
    except PackageNotFoundError as error:
        raise PermanentError(
            f"the sample data needs the package {package}: run make setup"
        ) from error
    if not path.exists():
        raise PermanentError(f"the sample data is not at {path}: run make setup")
    return path


def _table(where: tuple[str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(_located(*where), index_col=0, parse_dates=True, na_values=["."])


def _reference(name: str, values: pd.Series) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {"name": name, "session": values.index, "value": values.to_numpy("float64")}
    )
