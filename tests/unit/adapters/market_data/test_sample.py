"""The sample is what it says: twenty stocks, the index and the VIX, 1990 to 2022."""

import pytest

from shadowbook.adapters.market_data.sample import SampleSource, _located
from shadowbook.errors import PermanentError


def test_twenty_stocks_from_1990_to_2022(sample):
    bars = sample.bars
    assert bars["symbol"].nunique() == 20
    assert bars.groupby("symbol")["session"].count().unique().tolist() == [8313]
    assert str(bars["session"].min().date()) == "1990-01-02"
    assert str(bars["session"].max().date()) == "2022-12-28"
    apple = bars[(bars["symbol"] == "AAPL") & (bars["session"] == "2022-12-28")]
    assert apple["close"].tolist() == [125.674]


def test_the_index_and_the_vix_stand_beside(sample):
    by_name = sample.references.groupby("name")["session"]
    assert by_name.count().to_dict() == {"index": 8313, "vix": 1259}
    assert by_name.max().astype(str).to_dict() == {"index": "2022-12-28", "vix": "2019-01-03"}


def test_a_bar_is_known_at_the_close_of_its_session(sample):
    bars = sample.bars.drop_duplicates("session").set_index("session")["available_at"]
    assert str(bars["2022-12-28"]) == "2022-12-28 21:00:00+00:00"
    assert str(bars["2022-07-01"]) == "2022-07-01 20:00:00+00:00"
    assert str(bars["2022-11-25"]) == "2022-11-25 18:00:00+00:00"
    assert (bars.dt.tz_localize(None) > bars.index).all()


def test_reading_it_twice_gives_the_same(sample, calendar):
    again = SampleSource().read(calendar.schedule)
    assert again.bars.equals(sample.bars)
    assert again.references.equals(sample.references)


def test_a_missing_package_or_file_is_named():
    with pytest.raises(PermanentError, match="needs the package nowhere: run make setup"):
        _located("nowhere", "x.csv")
    with pytest.raises(PermanentError, match=r"not at .*x\.csv: run make setup"):
        _located("skfolio", "x.csv")
