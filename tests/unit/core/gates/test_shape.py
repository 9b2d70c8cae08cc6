import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.shape import DAY, INSTANT, NUMBER, TEXT, is_sound, shape_tables

EXPECTED = {"symbol": TEXT, "session": DAY, "available_at": INSTANT, "close": NUMBER}


def frame():
    days = pd.to_datetime(["2020-01-02", "2020-01-03"]).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "symbol": ["KO", "KO"],
            "session": days,
            "available_at": (days + pd.Timedelta(hours=21)).tz_localize("UTC"),
            "close": [50.0, np.nan],
        }
    )


def test_a_sound_frame_is_sound():
    tables = shape_tables(frame(), EXPECTED, "bars")
    assert is_sound(tables, EXPECTED, "bars")
    assert tables["columns"]["filled"].tolist() == [1, 1, 1, 0.5]


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("close", ["50", "51"], "text"),
        ("close", [True, False], "true and false"),
        ("symbol", ["KO", None], "text"),
        ("symbol", ["KO", ""], "mixed values"),
        ("symbol", [1, "KO"], "mixed values"),
        ("symbol", [None, None], "nothing"),
        ("session", pd.to_datetime(["2020-01-02 09:00", "2020-01-03 00:00"]), "naive time"),
        ("available_at", pd.to_datetime(["2020-01-02 21:00", "2020-01-03 21:00"]), "naive time"),
        (
            "available_at",
            pd.to_datetime(["2020-01-02", "2020-01-03"]).tz_localize("America/New_York"),
            "times in America/New_York",
        ),
    ],
)
def test_what_a_column_holds_is_said(column, values, found):
    tables = shape_tables(frame().assign(**{column: values}), EXPECTED, "bars")
    columns = tables["columns"].set_index("column")
    assert columns.loc[column, "found"] == found
    assert is_sound(tables, EXPECTED, "bars") is (found == EXPECTED[column])


@pytest.mark.parametrize(
    "broken",
    [
        lambda f: f.iloc[:0],
        lambda f: f.drop(columns="close"),
        lambda f: f.assign(close=np.nan),
    ],
)
def test_what_cannot_be_measured_is_not_sound(broken):
    tables = shape_tables(broken(frame()), EXPECTED, "bars")
    assert not is_sound(tables, EXPECTED, "bars")
