"""A user's files: what is clear is read, what would need a guess is refused in one sentence."""

import datetime as dt
import decimal
import gzip
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.files import FilesPolicy, FilesSource
from shadowbook.errors import ConfigError, SchemaError

GOOD = """symbol,session,close
AAPL,2022-11-23,151.07
AAPL,2022-11-25,148.11
NA,2022-11-25,3.5
"""
CALENDAR = TradingCalendar("XNYS", timedelta(minutes=15))
KNOWN = {"columns": {"available_at": "known"}}


@pytest.fixture
def read(tmp_path):
    """Read a text, or a table as parquet, as the source ``files``."""

    def reading(content, name="prices.csv", **policy):
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")
        chosen = FilesPolicy.model_validate({"path": name, **policy})
        return FilesSource(tmp_path, chosen).read(CALENDAR.schedule)

    return reading


def table(**columns):
    return pd.DataFrame({"symbol": ["A", "B"], "session": ["2022-11-23"] * 2} | columns)


def known(*moments):
    rows = "".join(f"A,2022-11-{21 + i},5,{moment}\n" for i, moment in enumerate(moments))
    return f"symbol,session,close,known\n{rows}"


def test_a_file_is_read_with_the_close_as_available_at(read):
    bars = read(GOOD).bars
    assert bars.dtypes.astype(str).to_dict() == {
        "symbol": "object",
        "session": "datetime64[us]",
        "available_at": "datetime64[us, UTC]",
        "close": "float64",
    }
    assert bars["symbol"].tolist() == ["AAPL", "AAPL", "NA"]
    assert bars["close"].tolist() == [151.07, 148.11, 3.5]
    assert [str(moment) for moment in bars["available_at"]] == [
        "2022-11-23 21:00:00+00:00",
        "2022-11-25 18:00:00+00:00",  # the Friday after Thanksgiving closes early
        "2022-11-25 18:00:00+00:00",
    ]


def test_without_references_there_is_an_empty_table_of_the_right_types(read):
    references = read(GOOD).references
    assert references.empty
    assert references.dtypes.astype(str).tolist() == [
        "object",
        "datetime64[us]",
        "datetime64[us, UTC]",
        "float64",
    ]


def test_numbers_are_read_to_the_last_bit(read):
    values = np.random.default_rng(1).uniform(0.01, 500, 2000)
    days = pd.bdate_range("2000-01-03", periods=2000).strftime("%Y-%m-%d")
    text = "symbol,session,close\n" + "".join(
        f"A,{day},{value!r}\n" for day, value in zip(days, values.tolist(), strict=True)
    )
    assert read(text).bars["close"].tolist() == values.tolist()


def test_csv_and_parquet_say_the_same(read):
    frame = pd.read_csv(pd.io.common.StringIO(GOOD), keep_default_na=False)
    for session in (
        frame["session"],
        pd.to_datetime(frame["session"]),
        [dt.date.fromisoformat(day) for day in frame["session"]],
        frame["session"].str.replace("-", ""),
        frame["session"] + " 00:00:00",
    ):
        stored = read(frame.assign(session=session), "prices.parquet").bars
        pd.testing.assert_frame_equal(stored, read(GOOD).bars)


def test_columns_scale_and_missing_values_follow_the_map(read):
    text = "Tag,Kürzel,Schluss,Stück\n2022-11-23, A ,151070,10\n2022-11-25,A,-999,n/a\n"
    policy = {
        "columns": {"symbol": "Kürzel", "session": "Tag", "close": "Schluss", "volume": "Stück"},
        "price_scale": 1000,
        "missing": [-999],
    }
    with pytest.raises(SchemaError, match="Stück of row 2 is 'n/a', which is no number"):
        read(text, **policy)
    bars = read(text.replace("n/a", ""), **policy).bars
    assert list(bars) == ["symbol", "session", "available_at", "close", "volume"]
    assert bars["symbol"].tolist() == ["A", "A"]
    np.testing.assert_array_equal(bars["close"], [151.07, np.nan])
    np.testing.assert_array_equal(bars["volume"], [10.0, np.nan])


def test_several_files_are_read_as_one(read, tmp_path):
    (tmp_path / "more").mkdir()
    read(GOOD, "more/a.csv")
    both = read(GOOD.replace("AAPL", "MSFT").replace("NA", "X"), "more/b.csv", path="more/*.csv")
    assert sorted(both.bars["symbol"].unique()) == ["AAPL", "MSFT", "NA", "X"]
    absolute = FilesPolicy(path=str(tmp_path / "more" / "*.csv"))
    assert len(FilesSource(tmp_path, absolute).read(CALENDAR.schedule).bars) == 6
    with pytest.raises(SchemaError, match="3 rows repeat a key"):
        read(GOOD, "more/c.csv", path="more/*.csv")


def test_references_stand_beside(read, tmp_path):
    (tmp_path / "vix.csv").write_text("day,value\n2022-11-23,20.5\n2022-11-25,\n", encoding="utf-8")
    entry = {"path": "vix.csv", "session": "day", "value": "value"}
    references = read(GOOD, references={"vix": entry}).references
    assert references["name"].tolist() == ["vix"]
    assert references["value"].tolist() == [20.5]
    assert str(references["available_at"][0]) == "2022-11-23 21:00:00+00:00"


@pytest.mark.parametrize(
    ("content", "policy", "sentence"),
    [
        ("", {}, "is empty: bring at least one session"),
        ("symbol,session,close\n", {}, "holds no rows"),
        (GOOD.replace("close", "Close"), {}, r"no column 'close' .*did you mean 'Close'\?.*correct "
         r"market_data\.files\.columns\.close in params\.yaml"),
        (GOOD.replace(",", "/"), {}, "has no column 'symbol'"),
        (GOOD + "AAPL,2022-11-28", {}, r"last row \(4\) has 2 of 3 cells, so .* cut off"),
        (GOOD.replace("151.07", "151,07"), {}, "more cells than the header .* decimal point"),
        (GOOD.replace("3.5", "3,5"), {}, "cannot be read as .csv .*Expected 3 fields"),
        (GOOD.replace("151.07", '"1,151.07"'), {}, "close of row 1 is '1,151.07', which is no num"),
        (GOOD.replace("151.07", "n.a."), {}, r"'n\.a\.', which is no number \(1 of 3 rows\)"),
        (GOOD.replace("151.07", "0x10"), {}, "'0x10', which is no number"),
        (GOOD.replace("AAPL,2022-11-25", ",2022-11-25"), {}, "row 2 has no symbol"),
        (GOOD.replace("AAPL,2022-11-25", "AAPL, "), {}, "row 2 has no session"),
        (GOOD.replace("2022-11-23", "11/23/2022"), {}, "'11/23/2022', is no day: write YYYY-MM-DD"),
        (GOOD.replace("2022-11-23", "2022-11"), {}, "'2022-11', is no day"),
        (GOOD.replace("2022-11-23", "2022-11-31"), {}, "'2022-11-31', is no day"),
        (GOOD.replace("2022-11-23", "2022-11-23T16:00"), {}, "holds a time of day"),
        (GOOD.replace("2022-11-23", "2022-11-23T00:00+01:00"), {}, "holds a time of day"),
        (GOOD.replace("2022-11-23", "0202-11-23"), {}, "'0202-11-23', is no day"),
        (GOOD.replace("2022-11-23", "2200-11-23"), {}, "'2200-11-23', is not in 1900 to 2100"),
        (GOOD.replace("2022-11-23", "1800-11-23"), {}, "'1800-11-23', is not in 1900 to 2100"),
        (GOOD + "AAPL,2022-11-23,151.07\n", {}, r"1 rows repeat a key .* AAPL 2022-11-23: remove"),
        ("symbol,session,close\nA,2022-11-23,\nB,2022-11-23,NaN\n", {}, "'close' .* no value at a"),
        (GOOD.encode("utf-16"), {}, r"is no UTF-8 text \(byte 0\)"),
        (GOOD.replace("AAPL", "ÄPL").encode("latin-1"), {}, "is no UTF-8 text"),
    ],
)  # fmt: skip
def test_what_needs_a_guess_is_refused(read, content, policy, sentence):
    with pytest.raises(SchemaError, match=sentence) as caught:
        read(content, **policy)
    assert "prices.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("close", "sentence"),
    [
        (pd.to_datetime(["2022-01-01"] * 2), r"column close holds datetime64\[ns\], not numbers"),
        ([True, False], "holds bool, not numbers"),
        (["5", "[6]"], r"row 2 is '\[6\]', which is no number"),
        ([[5.0], [6.0]], "which is no number"),
        ([None, None], "no value at all"),
    ],
)
def test_wrong_types_in_parquet_are_refused(read, close, sentence):
    with pytest.raises(SchemaError, match=sentence):
        read(table(close=close), "prices.parquet")


def test_every_kind_of_number_in_parquet_is_read(read):
    for close in (
        np.array([5, 6]),
        np.array([5, 6], dtype="float32"),
        pd.array([5, 6], dtype="Int64"),
        [decimal.Decimal(5), decimal.Decimal(6)],
        ["5", " 6 "],
    ):
        assert read(table(close=close), "prices.parquet").bars["close"].tolist() == [5.0, 6.0]
    with_gap = pd.array([5, None], dtype="Int64")
    bars = read(table(close=with_gap), "prices.parquet").bars
    np.testing.assert_array_equal(bars["close"], [5.0, np.nan])


def test_a_session_as_a_number_is_a_day_only_where_it_reads_as_one(read):
    bars = read(table(session=[20221123, 20221125], close=[5.0, 6.0]), "prices.parquet").bars
    assert [str(day.date()) for day in bars["session"]] == ["2022-11-23", "2022-11-25"]
    with pytest.raises(SchemaError, match=r"'1669161600', is no day: .*date_format"):
        read(table(session=[1669161600] * 2, close=[5.0, 6.0]), "prices.parquet")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_the_separator_is_the_headers(read, mark):
    pd.testing.assert_frame_equal(read(GOOD.replace(",", mark)).bars, read(GOOD).bars)


def test_names_of_columns_are_read_without_spaces_around_them(read):
    assert len(read(GOOD.replace("symbol,session,close", "symbol, session , close")).bars) == 3


def test_days_in_another_form_are_read_as_told(read):
    german = GOOD.replace("2022-11-23", "23.11.2022").replace("2022-11-25", "25.11.2022")
    bars = read(german, date_format="%d.%m.%Y").bars
    pd.testing.assert_frame_equal(bars, read(GOOD).bars)
    with pytest.raises(SchemaError, match=r"'23.11.2022', is no day written as %m.%d.%Y"):
        read(german, date_format="%m.%d.%Y")


def test_a_wide_file_has_a_column_a_stock_and_blank_cells_are_no_bars(read):
    text = "Date,AAPL,NA\n2022-11-23,151.07,\n2022-11-25,148.11,3.5\n"
    bars = read(text, layout="wide", columns={"session": "Date"}).bars
    pd.testing.assert_frame_equal(bars, read(GOOD).bars)
    with pytest.raises(SchemaError, match="no column 'session' for session"):
        read(text, layout="wide")
    with pytest.raises(ValidationError, match="closes alone: take volume out of columns"):
        read(text, layout="wide", columns={"session": "Date", "volume": "v"})


def test_a_table_with_its_days_as_index_is_read(read):
    wide = pd.DataFrame(
        {"AAPL": [151.07, 148.11]},
        index=pd.DatetimeIndex(["2022-11-23", "2022-11-25"], name="Date"),
    )
    bars = read(wide, "prices.pq", layout="wide", columns={"session": "Date"}).bars
    assert bars["close"].tolist() == [151.07, 148.11]


def test_files_may_be_named_by_their_symbol(read, tmp_path):
    rows = "session,close\n2022-11-23,{}\n"
    (tmp_path / "BRK.B.csv").write_text(rows.format(311.9), encoding="utf-8")
    (tmp_path / "KO.csv.gz").write_bytes(gzip.compress(rows.format(62.1).encode()))
    chosen = FilesPolicy.model_validate({"path": "*.csv*", "columns": {"symbol": None}})
    bars = FilesSource(tmp_path, chosen).read(CALENDAR.schedule).bars
    assert dict(zip(bars["symbol"], bars["close"], strict=True)) == {"BRK.B": 311.9, "KO": 62.1}


def test_a_renamed_stock_has_one_history(read):
    text = GOOD.replace("AAPL,2022-11-25", "APPL,2022-11-25")
    pd.testing.assert_frame_equal(read(text, renames={"APPL": "AAPL"}).bars, read(GOOD).bars)
    both = text + "AAPL,2022-11-25,148.11\n"
    with pytest.raises(SchemaError, match=r"1 rows repeat a key .*AAPL 2022-11-25"):
        read(both, renames={"APPL": "AAPL"})
    with pytest.raises(ValidationError, match="A becomes B, which is renamed itself"):
        read(text, renames={"A": "B", "B": "C"})


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (pd.to_datetime(["2022-11-23 16:00"] * 2), "holds a time of day"),
        (pd.to_datetime(["2022-11-23"] * 2, utc=True), "holds a time of day"),
        (pd.to_datetime(["2022-11-23", None]), "row 2 has no session"),
        ([dt.date(2022, 11, 23), dt.date(9999, 1, 1)], "'9999-01-01', is no day"),
    ],
)
def test_sessions_in_parquet_are_days(read, days, sentence):
    with pytest.raises(SchemaError, match=sentence):
        read(table(session=days, close=[5.0, 6.0]), "prices.parquet")


def test_available_at_is_brought_to_utc(read):
    text = known("2022-11-21T16:00:00-05:00", "2022-11-22 21:00:00Z", "2022-11-23T22:00:00.5+01")
    moments = read(text, **KNOWN).bars["available_at"]
    assert [str(moment) for moment in moments] == [
        "2022-11-21 21:00:00+00:00",
        "2022-11-22 21:00:00+00:00",
        "2022-11-23 21:00:00.500000+00:00",
    ]


def test_offsets_that_change_with_the_seasons_are_read(read):
    text = (
        "symbol,session,close,known\nA,2022-03-11,5,2022-03-11T16:00-05:00\n"
        "A,2022-03-14,5,2022-03-14T16:00-04:00\n"
    )
    moments = read(text, **KNOWN).bars["available_at"]
    assert moments.dt.hour.tolist() == [21, 20]


def test_local_times_are_read_in_the_zone_that_is_set(read):
    text = known("2022-11-04T16:00", "2022-11-07T16:00:00")
    moments = read(text, **KNOWN, time_zone="America/New_York").bars["available_at"]
    assert moments.dt.hour.tolist() == [20, 21]


@pytest.mark.parametrize(
    ("moments", "zone", "sentence"),
    [
        (["2022-11-21T16:00"], None, "available_at has no time zone .*market_data.files.time_zone"),
        (["2022-11-22"], None, "has no time zone"),
        (["2022-11-21T21:00Z", "2022-11-22T21:00"], None, r"row 2, '2022-11-22T21:00', has no tim"),
        (["2022-11-21T21:00Z", ""], None, "row 2, '', has no time zone as others have"),
        (["soon"], None, "'soon', is no time: write ISO 8601"),
        (["2022-11-21T25:00Z"], None, "is no time"),
        (["2022-11-06T01:30"], "America/New_York", "America/New_York has twice or never"),
        (["2022-03-13T02:30"], "America/New_York", "has twice or never .*add an offset"),
    ],
)
def test_moments_that_are_not_clear_are_refused(read, moments, zone, sentence):
    with pytest.raises(SchemaError, match=sentence):
        read(known(*moments), **KNOWN, time_zone=zone)


def test_moments_in_parquet(read):
    naive = pd.to_datetime(["2022-11-23 16:00", "2022-11-23 17:00"])
    frame = table(close=[5.0, 6.0], known=naive)
    with pytest.raises(SchemaError, match="has no time zone"):
        read(frame, "prices.parquet", **KNOWN)
    local = read(frame, "prices.parquet", **KNOWN, time_zone="America/New_York").bars
    aware = frame.assign(known=naive.tz_localize("America/New_York"))
    pd.testing.assert_frame_equal(read(aware, "prices.parquet", **KNOWN).bars, local)
    with pytest.raises(SchemaError, match="'5', is no time"):
        read(frame.assign(known=[5, 6]), "prices.parquet", **KNOWN)


def test_a_restatement_needs_a_date_of_its_own(read):
    text = known("2022-11-21T21:00Z") + "A,2022-11-21,6,2022-11-25T12:00Z\n"
    assert read(text, **KNOWN).bars["close"].tolist() == [5.0, 6.0]


def test_a_holiday_is_read_for_the_gate_to_name(read):
    bars = read(GOOD.replace("2022-11-23", "2022-11-24")).bars
    assert str(bars["available_at"][0]) == "2022-11-25 00:00:00+00:00"
    saturday = read("symbol,session,close\nA,2022-11-26,5\n").bars
    assert str(saturday["available_at"][0]) == "2022-11-27 00:00:00+00:00"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("", "market_data.files.path is empty: name your CSV or parquet file"),
        ("none.csv", "no market data file at .*none.csv: correct the path in params.yaml"),
        ("none/*.csv", "no market data file at"),
        (".", "no market data file at"),
    ],
)
def test_a_wrong_path_is_named(tmp_path, path, sentence):
    with pytest.raises(ConfigError, match=sentence):
        FilesSource(tmp_path, FilesPolicy(path=path)).read(CALENDAR.schedule)


def test_damaged_files_are_named(read):
    for name, content in (
        ("prices.parquet", b"PAR1 is how it begins"),
        ("prices.csv.gz", b"not gzip"),
        ("prices.csv.gz", gzip.compress(GOOD.encode() * 99)[:50]),
    ):
        with pytest.raises(SchemaError, match=r"cannot be read as .*bring it whole"):
            read(content, name)


def test_a_reference_without_values_is_refused(read, tmp_path):
    (tmp_path / "vix.csv").write_text("session,close\n2022-11-23,\n", encoding="utf-8")
    with pytest.raises(SchemaError, match=r"take market_data\.files\.references\.vix out"):
        read(GOOD, references={"vix": {"path": "vix.csv"}})


def test_references_told_twice_are_refused(read, tmp_path):
    (tmp_path / "vix.csv").write_text("session,close\n" + "2022-11-23,5\n" * 2, encoding="utf-8")
    with pytest.raises(SchemaError, match=r"1 rows repeat a key .* vix 2022-11-23"):
        read(GOOD, references={"vix": {"path": "vix.csv"}})


def test_a_column_that_stands_twice_in_parquet_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [pa.array(["A"]), pa.array(["2022-11-23"]), pa.array([5.0]), pa.array([6.0])]
    twice = pa.Table.from_arrays(arrays, names=["symbol", "session", "close", "close"])
    pq.write_table(twice, tmp_path / "prices.parquet")
    source = FilesSource(tmp_path, FilesPolicy(path="prices.parquet"))
    with pytest.raises(SchemaError, match=r"Multiple matches .*close"):
        source.read(CALENDAR.schedule)
