"""Parquet parts by year: the same rows are the same bytes."""

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.year_parts import YearParts
from shadowbook.errors import IntegrityError

COLUMNS = ["symbol", "session", "available_at", "close"]


def rows(n=4, first="2021-12-29"):
    days = pd.bdate_range(first, periods=n)
    return pd.DataFrame(
        {
            "symbol": "A",
            "session": days.astype("datetime64[us]"),
            "available_at": (days + pd.Timedelta(hours=21)).tz_localize("UTC").as_unit("us"),
            "close": [1.0, np.nan, -0.0, np.inf][:n],
        }
    ).astype({"symbol": object})


@pytest.fixture
def parts(tmp_path):
    made = YearParts(tmp_path / "parts")
    made.replace(2021, rows(), COLUMNS)
    return made


def test_rows_come_back_bit_for_bit(parts):
    found = parts.read(2021)
    pd.testing.assert_frame_equal(found, rows())
    assert np.signbit(found["close"][2])


def test_the_same_rows_are_the_same_bytes_whatever_their_types(parts, tmp_path):
    other = YearParts(tmp_path / "other")
    nanoseconds = rows().astype({"session": "datetime64[ns]", "symbol": "category"})
    other.replace(2021, nanoseconds[COLUMNS[::-1]], COLUMNS)
    first, second = (p.folder / "2021.parquet" for p in (parts, other))
    assert first.read_bytes() == second.read_bytes()


def test_columns_and_moments_can_be_chosen(parts):
    limit = pd.Timestamp("2021-12-30 21:00", tz="UTC")
    found = parts.read(2021, ["close", "symbol"], limit)
    assert list(found) == ["close", "symbol"]
    assert len(found) == 2
    assert parts.read(2021, [], limit).shape == (2, 0)


def test_a_year_is_extended_and_dropped(parts):
    parts.extend(2021, rows(1, "2021-12-31"), COLUMNS)
    parts.extend(2022, rows(2, "2022-01-03"), COLUMNS)
    assert (len(parts.read(2021)), len(parts.read(2022))) == (5, 2)
    assert parts.years() == [2021, 2022]
    parts.drop(2021)
    parts.drop(2021)
    assert (parts.has(2021), parts.years()) == (False, [2022])


def test_an_empty_folder_has_no_years(tmp_path):
    assert YearParts(tmp_path / "none").years() == []


def test_replacing_does_not_touch_a_link_into_a_cache(parts, tmp_path):
    linked = tmp_path / "cache"
    part = parts.folder / "2021.parquet"
    linked.hardlink_to(part)
    before = linked.read_bytes()
    parts.replace(2021, rows(2), COLUMNS)
    assert linked.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 nonsense PAR1"])
def test_damage_is_named(parts, content):
    (parts.folder / "2021.parquet").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"2021\.parquet cannot be read .*from its pin"):
        parts.read(2021)


def test_a_flipped_byte_is_named_or_changes_nothing_unseen(parts):
    part = parts.folder / "2021.parquet"
    content = bytearray(part.read_bytes())
    content[-20] ^= 0xFF
    part.write_bytes(content)
    with pytest.raises(IntegrityError, match="cannot be read"):
        parts.read(2021)


def test_a_missing_part_is_named(parts):
    with pytest.raises(IntegrityError, match=r"1999\.parquet cannot be read"):
        parts.read(1999)
