"""The append-only log, on features of real prices in a temporary folder."""

import hashlib
import importlib.metadata
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.features.log import AppendOutcome, FeatureLog
from shadowbook.errors import ConfigError, IntegrityError, LeakageError, SchemaError

NAMES = ["momentum_21", "reversal_1"]


@pytest.fixture(scope="module")
def rows():
    """Two features of three stocks, 2019 to 2022; the first 21 sessions warm up."""
    files = importlib.metadata.files("skfolio") or []
    path = next(f.locate() for f in files if f.name == "sp500_dataset.csv.gz")
    prices = pd.read_csv(path, index_col=0, parse_dates=True).loc["2019":, ["AAPL", "RRC", "XOM"]]
    values = {
        "momentum_21": prices / prices.shift(21) - 1,
        "reversal_1": 1 - prices / prices.shift(),
    }
    frame = pd.concat(
        {name: table.stack(future_stack=True) for name, table in values.items()}, axis=1
    )
    frame = frame.rename_axis(["session", "symbol"]).reset_index()
    frame.insert(2, "available_at", frame["session"].dt.tz_localize("UTC") + pd.Timedelta("22h"))
    return frame


def a_log(folder, fingerprint="a" * 64, version=1):
    return FeatureLog(folder / "log", fingerprint, version)


def digests(folder):
    return {
        path.name: hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in sorted((folder / "log").iterdir())
    }


def until(rows, day):
    return rows[rows["session"] <= pd.Timestamp(day)]


def on(rows, symbol, day):
    return (rows["symbol"] == symbol) & (rows["session"] == pd.Timestamp(day))


def test_rows_come_back_as_they_were_given(tmp_path, rows):
    log = a_log(tmp_path)
    outcome = log.append(rows.sample(frac=1.0, random_state=1))
    assert outcome == AppendOutcome(
        rows_added=3018, rows_present=0, rows_late=0, sessions_added=1006
    )
    back = log.read()
    given = rows.sort_values(["session", "symbol"], ignore_index=True)
    assert list(back) == ["symbol", "session", "available_at", *NAMES]
    assert np.array_equal(back[NAMES].to_numpy(), given[NAMES].to_numpy(), equal_nan=True)
    assert back["symbol"].tolist() == given["symbol"].tolist()
    assert (back["session"] == given["session"]).all()
    assert (back["available_at"] == given["available_at"]).all()
    assert str(back["session"].dtype) == "datetime64[us]"
    assert str(back["available_at"].dtype) == "datetime64[us, UTC]"
    assert log.last_session() == np.datetime64("2022-12-28")
    assert log.symbols() == ("AAPL", "RRC", "XOM")


def test_an_empty_log_answers(tmp_path):
    log = a_log(tmp_path)
    assert (log.last_session(), log.columns(), log.symbols()) == (None, (), ())
    assert log.read().empty
    assert log.newest(datetime(2022, 1, 1, tzinfo=UTC)).empty
    assert log.moments(np.array(["2020-01-02"], "datetime64[D]")).empty
    assert not (tmp_path / "log").exists()


def test_the_same_rows_again_change_nothing(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    before = {path: path.stat().st_mtime_ns for path in log.folder.iterdir()}
    assert log.append(rows) == AppendOutcome(0, 3018, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in log.folder.iterdir()} == before


def test_the_same_content_has_the_same_bytes_however_it_came(tmp_path, rows):
    a_log(tmp_path / "once").append(rows)
    steps = a_log(tmp_path / "steps")
    for day in ("2019-06-03", "2020-12-31", "2022-03-01", "2022-03-02", "2022-12-28"):
        steps.append(until(rows, day).sample(frac=1.0, random_state=2))
    assert digests(tmp_path / "once") == digests(tmp_path / "steps")
    assert list(digests(tmp_path / "once")) == [
        *(f"{year}.parquet" for year in range(2019, 2023)),
        "meta.json",
    ]


def test_a_new_session_rewrites_its_own_year_alone(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(until(rows, "2022-12-27"))
    before = {path.name: path.stat().st_ino for path in log.folder.iterdir()}
    assert log.append(until(rows, "2022-12-28")) == AppendOutcome(3, 3015, 0, 1)
    after = {path.name: path.stat().st_ino for path in log.folder.iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["2022.parquet"]


def test_read_sees_nothing_that_came_later(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    at_the_moment = log.read(datetime(2020, 3, 16, 22, tzinfo=UTC), ["reversal_1"])
    before = log.read(datetime(2020, 3, 16, 21, 59, 59, tzinfo=UTC), ["reversal_1"])
    assert at_the_moment["session"].max() == pd.Timestamp("2020-03-16")
    assert before["session"].max() == pd.Timestamp("2020-03-13")
    assert list(before) == ["symbol", "session", "available_at", "reversal_1"]
    fell = at_the_moment.loc[on(at_the_moment, "AAPL", "2020-03-16"), "reversal_1"].item()
    assert fell == pytest.approx(0.1286, abs=5e-4)  # the largest fall of that spring


def test_newest_is_each_symbols_own(tmp_path, rows):
    log = a_log(tmp_path)
    gone = rows[~((rows["symbol"] == "RRC") & (rows["session"] > pd.Timestamp("2020-06-30")))]
    log.append(gone)
    newest = log.newest(datetime(2022, 6, 1, 12, tzinfo=UTC)).set_index("symbol")
    assert newest["session"].dt.strftime("%Y-%m-%d").to_dict() == {
        "AAPL": "2022-05-31",
        "RRC": "2020-06-30",
        "XOM": "2022-05-31",
    }
    logged = rows.set_index(["symbol", "session"])
    assert (
        newest.loc["RRC", "momentum_21"]
        == logged.loc[("RRC", pd.Timestamp("2020-06-30")), "momentum_21"]
    )


def test_moments_of_logged_sessions(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    moments = log.moments(np.array(["2019-12-31", "2020-01-01", "2020-01-02"], "datetime64[D]"))
    assert moments.to_dict() == {
        pd.Timestamp("2019-12-31"): pd.Timestamp("2019-12-31 22:00", tz="UTC"),
        pd.Timestamp("2020-01-02"): pd.Timestamp("2020-01-02 22:00", tz="UTC"),
    }


def test_a_restated_value_is_refused_and_named(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    before = digests(tmp_path)
    restated = rows.copy()
    restated.loc[on(restated, "RRC", "2021-03-17"), "reversal_1"] += 0.001
    kept = rows.loc[on(rows, "RRC", "2021-03-17"), "reversal_1"].item()
    with pytest.raises(IntegrityError) as caught:
        log.append(restated)
    for part in ("RRC 2021-03-17 reversal_1", str(kept), str(kept + 0.001)):
        assert part in str(caught.value)
    assert digests(tmp_path) == before


def test_nothing_is_written_when_any_row_contradicts(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(until(rows, "2021-12-31"))
    before = digests(tmp_path)
    restated = rows.copy()
    restated.loc[on(restated, "XOM", "2019-05-01"), "momentum_21"] = np.nan
    with pytest.raises(IntegrityError, match=r"XOM 2019-05-01 momentum_21 .* now comes as nan"):
        log.append(restated)
    assert digests(tmp_path) == before


def test_another_moment_for_a_logged_session_is_refused(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    later = rows.assign(available_at=rows["available_at"] + pd.Timedelta("1h"))
    with pytest.raises(IntegrityError, match=r"AAPL 2019-01-02 available_at .* 22:00.* 23:00"):
        log.append(later)


def test_last_bits_are_no_restatement(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    wobbled = rows.assign(momentum_21=rows["momentum_21"] * (1 + 1e-15))
    assert log.append(wobbled).rows_present == 3018


def test_late_rows_are_counted_and_left_out(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows[(rows["symbol"] != "RRC") & (rows["session"] <= pd.Timestamp("2022-11-30"))])
    sessions = until(rows, "2022-11-30")["session"].nunique()
    outcome = log.append(rows)
    assert outcome == AppendOutcome(
        rows_added=3 * (1006 - sessions),
        rows_present=2 * sessions,
        rows_late=sessions,
        sessions_added=1006 - sessions,
    )
    back = log.read()
    assert back.loc[back["symbol"] == "RRC", "session"].min() == pd.Timestamp("2022-12-01")


def test_a_killed_append_is_completed_by_the_next(tmp_path, rows):
    many = pd.concat(
        [rows.assign(symbol=rows["symbol"] + f"_{i}") for i in range(40)], ignore_index=True
    )
    a_log(tmp_path / "whole").append(many)
    many.to_parquet(tmp_path / "rows.parquet")
    script = (
        "import sys, pandas as pd; from pathlib import Path\n"
        "from shadowbook.adapters.features.log import FeatureLog\n"
        "FeatureLog(Path(sys.argv[2]), 'a' * 64).append(pd.read_parquet(sys.argv[1]))\n"
    )
    folder = tmp_path / "killed" / "log"
    arguments = [sys.executable, "-c", script, tmp_path / "rows.parquet", folder]
    with subprocess.Popen(arguments) as process:
        while not any(folder.glob("*.parquet")) and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    (folder / ".2020.parquet.1.draft").write_bytes(b"half a part")
    a_log(tmp_path / "killed").append(many)
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")


def test_a_part_that_stands_for_the_kill_between_two_years(tmp_path, rows):
    a_log(tmp_path / "whole").append(rows)
    cut = a_log(tmp_path / "cut")
    cut.append(until(rows, "2020-12-31"))
    assert cut.append(rows).sessions_added == rows["session"].nunique() - 505
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


def test_other_definitions_need_another_log(tmp_path, rows):
    a_log(tmp_path).append(until(rows, "2022-12-27"))
    with pytest.raises(ConfigError, match="bump FEATURE_VERSION"):
        a_log(tmp_path, fingerprint="b" * 64).append(rows)
    with pytest.raises(ConfigError, match="version 2"):
        a_log(tmp_path, version=2).append(rows)
    with pytest.raises(SchemaError, match="differ in feature 'reversal_1'"):
        a_log(tmp_path).append(rows.drop(columns="reversal_1"))


def test_moments_move_forward_with_the_sessions(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(until(rows, "2022-12-22"))
    early = rows.copy()
    late_days = early["session"] == pd.Timestamp("2022-12-23")
    early.loc[late_days, "available_at"] = pd.Timestamp("2022-12-22 22:00", tz="UTC")
    with pytest.raises(LeakageError, match="session 2022-12-23"):
        log.append(early)
    torn = rows.copy()
    torn.loc[on(torn, "XOM", "2022-12-28"), "available_at"] += pd.Timedelta("1min")
    with pytest.raises(LeakageError, match="session 2022-12-28"):
        log.append(torn)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f: f.drop(columns="available_at"), "lack the column 'available_at'"),
        (lambda f: f.assign(available_at=f["available_at"].dt.tz_localize(None)), "no time zone"),
        (lambda f: pd.concat([f, f.iloc[[5]]]), "2019-01-03 twice"),
        (lambda f: f.assign(reversal_1="high"), "feature 'reversal_1' is of type object"),
    ],
)
def test_rows_of_another_shape_are_refused(tmp_path, rows, spoil, sentence):
    with pytest.raises(SchemaError, match=sentence):
        a_log(tmp_path).append(spoil(rows))
    assert not (tmp_path / "log").exists()


def test_questions_that_make_no_sense(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    with pytest.raises(ConfigError, match="no time zone"):
        log.read(datetime(2022, 1, 1))  # noqa: DTZ001 (the point of the test)
    with pytest.raises(ConfigError, match="no feature 'alpha'"):
        log.read(columns=["alpha"])


def test_damage_is_named(tmp_path, rows):
    log = a_log(tmp_path)
    log.append(rows)
    part = log.folder / "2020.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(IntegrityError, match=r"2020\.parquet cannot be read"):
        log.read()
    meta = log.folder / "meta.json"
    assert json.loads(meta.read_text())["features"] == NAMES
    meta.unlink()
    with pytest.raises(IntegrityError, match=r"meta\.json is missing"):
        log.columns()
