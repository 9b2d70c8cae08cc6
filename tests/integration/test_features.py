"""The feature store with the real Feast, DuckDB and SQLite, on features of real prices."""

import importlib.metadata
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.features.log import FeatureLog
from shadowbook.adapters.features.registry import open_store
from shadowbook.adapters.features.store import Features, Parity, PushOutcome
from shadowbook.core.learning.features import build_features, feature_names
from shadowbook.core.values import Panel
from shadowbook.errors import (
    ConfigError,
    InsufficientDataError,
    IntegrityError,
    PermanentError,
    SchemaError,
    TransientError,
)

REPO = Path(__file__).parents[2] / "feature_repo"
NAMES = feature_names(["close"])
SERVICES = {"weekly": NAMES, "monthly": ("momentum_252_21", "beta_126")}
LAST = datetime(2022, 12, 29, tzinfo=UTC)


def prices_of(start="2020", stop=None):
    """Read skfolio's closes of twenty stocks."""
    files = importlib.metadata.files("skfolio") or []
    path = next(f.locate() for f in files if f.name == "sp500_dataset.csv.gz")
    return pd.read_csv(path, index_col=0, parse_dates=True).loc[start:stop]


def rows_of(fields):
    """Every feature that these fields allow, computed by our own code, in the log's shape."""
    close = fields["close"]
    days = close.index.to_numpy("datetime64[D]")
    decided = days.astype("datetime64[us]") + np.timedelta64(22, "h")
    panel = Panel(
        sessions=days,
        symbols=tuple(close.columns),
        fields={name: table.to_numpy("float64") for name, table in fields.items()},
        references={},
        decided_at=decided,
    )
    cube = build_features(panel)
    frame = pd.DataFrame(cube.values.reshape(-1, len(cube.names)), columns=list(cube.names))
    frame.insert(0, "symbol", np.tile(np.array(cube.symbols, object), len(days)))
    frame.insert(1, "session", np.repeat(days.astype("datetime64[us]"), len(cube.symbols)))
    moments = pd.DatetimeIndex(np.repeat(decided, len(cube.symbols))).tz_localize("UTC")
    frame.insert(2, "available_at", moments)
    return frame


@pytest.fixture(scope="module")
def rows():
    """All price features of twenty stocks at the sessions of 2021 and 2022."""
    frame = rows_of({"close": prices_of()})
    return frame[frame["session"] >= pd.Timestamp("2021-01-01")].reset_index(drop=True)


@pytest.fixture
def opened(tmp_path):
    """Open a store over a log that holds the given rows."""

    def open_with(rows, services=SERVICES):
        log = FeatureLog(tmp_path / "features" / "log", "a" * 64)
        log.append(rows)
        features = Features(REPO, tmp_path / "features", log)
        features.apply(services)
        return features, log

    return open_with


@pytest.fixture(scope="module")
def shared(tmp_path_factory, rows):
    """A store over all rows, for tests that only read offline."""
    folder = tmp_path_factory.mktemp("shared")
    log = FeatureLog(folder / "log", "a" * 64)
    log.append(rows)
    features = Features(REPO, folder, log)
    features.apply(SERVICES)
    return features


def entities_of(rows):
    return rows[["symbol", "session", "available_at"]].rename(
        columns={"available_at": "event_timestamp"}
    )


def day(rows, text):
    return rows[rows["session"] == pd.Timestamp(text)]


def push(tmp_path, view, rows):
    """Write online past our guard, as Feast lets anyone do."""
    store = open_store(REPO, tmp_path / "features")
    store.write_to_online_store(view, rows.reset_index(drop=True))


# ---- registry


def test_apply_registers_what_the_log_holds_and_writes_nothing_again(opened, rows, tmp_path):
    features, _ = opened(rows)
    assert set(features.features_of("weekly")) == set(NAMES)
    assert features.features_of("monthly") == ("momentum_252_21", "beta_126")
    registry = tmp_path / "features" / "registry.db"
    before = registry.read_bytes()
    assert features.apply(SERVICES) is False
    assert registry.read_bytes() == before


def test_apply_follows_the_strategies(opened, rows, tmp_path):
    features, log = opened(rows)
    assert features.apply({"weekly": ("reversal_5",)}) is True
    assert features.features_of("weekly") == ("reversal_5",)
    with pytest.raises(ConfigError, match="monthly: the strategy was not registered"):
        features.features_of("monthly")
    again = Features(REPO, tmp_path / "features", log)
    assert again.apply({"weekly": ("reversal_5",)}) is False
    assert again.features_of("weekly") == ("reversal_5",)


def test_apply_refuses_what_the_log_does_not_hold(opened, rows, tmp_path):
    features, _ = opened(rows)
    with pytest.raises(ConfigError, match="weekly asks for feature 'illiquidity_21'"):
        features.apply({"weekly": ("reversal_5", "illiquidity_21")})
    with pytest.raises(ConfigError, match="weekly asks for feature '\\(none\\)'"):
        features.apply({"weekly": ()})
    empty = FeatureLog(tmp_path / "empty", "a" * 64)
    with pytest.raises(InsufficientDataError, match="holds no features yet"):
        Features(REPO, tmp_path / "other", empty).apply(SERVICES)


def test_a_missing_repository_is_named(opened, rows, tmp_path):
    _, log = opened(rows)
    with pytest.raises(ConfigError, match=r"feature_store\.yaml is missing"):
        Features(tmp_path, tmp_path / "x", log).apply(SERVICES)


def test_a_damaged_registry_is_named_and_written_anew(opened, rows, tmp_path):
    _, log = opened(rows)
    (tmp_path / "features" / "registry.db").write_bytes(b"\xff" * 100)
    fresh = Features(REPO, tmp_path / "features", log)
    with pytest.raises(PermanentError, match=r"registry\.db is damaged; run `shadowbook features`"):
        fresh.features_of("weekly")
    assert fresh.apply(SERVICES) is True
    assert fresh.features_of("monthly") == ("momentum_252_21", "beta_126")


def test_a_deleted_online_store_comes_back(opened, rows, tmp_path):
    features, log = opened(rows)
    features.materialize(LAST)
    (tmp_path / "features" / "online.db").unlink()
    fresh = Features(REPO, tmp_path / "features", log)
    assert fresh.apply(SERVICES) is True
    assert fresh.materialize(LAST) == PushOutcome(written=20, refused=0, already=0)
    assert fresh.parity("monthly").max_difference == 0.0


def test_nothing_comes_online_unregistered(rows, tmp_path):
    log = FeatureLog(tmp_path / "log", "a" * 64)
    log.append(rows)
    with pytest.raises(ConfigError, match="no feature view is registered"):
        Features(REPO, tmp_path, log).materialize(LAST)


def test_the_working_directory_does_not_matter(rows, tmp_path, monkeypatch):
    folder = tmp_path / "a [b] c"
    folder.mkdir()
    monkeypatch.chdir(folder)
    log = FeatureLog(Path("features/log"), "a" * 64)
    log.append(rows)
    features = Features(REPO, Path("features"), log)
    monkeypatch.chdir("/")
    features.apply(SERVICES)
    features.materialize(LAST)
    assert features.parity("monthly").n_compared == 40
    assert sorted(path.name for path in (folder / "features").iterdir()) == [
        "log",
        "online.db",
        "registry.db",
    ]


# ---- offline


def test_historical_gives_the_log_bit_for_bit_in_the_order_asked(shared, rows):
    asked = entities_of(rows).sample(frac=1.0, random_state=3)
    got = shared.historical("weekly", asked)
    names = list(shared.features_of("weekly"))
    assert list(got) == ["symbol", "session", *names]
    assert got.index.equals(asked.index)
    assert (got["symbol"] == asked["symbol"]).all()
    assert np.array_equal(
        got[names].to_numpy(), rows.loc[asked.index, names].to_numpy(), equal_nan=True
    )
    assert np.isfinite(got["momentum_252_21"]).mean() > 0.98


def test_historical_over_more_than_one_chunk_and_with_repeated_entities(shared, rows):
    asked = entities_of(pd.concat([rows] * 6))
    assert len(asked) > 50_000
    got = shared.historical("monthly", asked)
    expected = np.tile(rows[["momentum_252_21", "beta_126"]].to_numpy(), (6, 1))
    assert np.array_equal(got.iloc[:, 2:].to_numpy(), expected, equal_nan=True)


def test_a_value_counts_from_its_moment_on(shared, rows):
    asked = entities_of(day(rows, "2022-03-15"))
    moment = asked["event_timestamp"]
    at = shared.historical("monthly", asked)
    before = shared.historical(
        "monthly", asked.assign(event_timestamp=moment - pd.Timedelta("1us"))
    )
    after = shared.historical("monthly", asked.assign(event_timestamp=moment + pd.Timedelta("2h")))
    assert at["beta_126"].notna().all()
    assert before["beta_126"].isna().all()  # the row of the session before is not taken for it
    assert after.equals(at)


def test_a_symbol_without_a_row_has_no_value_rather_than_an_older_one(opened, rows):
    hole = (rows["symbol"] == "AAPL") & (rows["session"] == pd.Timestamp("2022-03-15"))
    features, _ = opened(rows[~hole])
    asked = entities_of(day(rows, "2022-03-15"))
    got = features.historical("monthly", asked).set_index("symbol")
    assert got.loc["AAPL", ["momentum_252_21", "beta_126"]].isna().all()
    assert got.drop(index="AAPL")["beta_126"].notna().all()
    late = asked.assign(event_timestamp=pd.Timestamp("2022-03-15 03:00", tz="UTC"))
    assert features.historical("monthly", late)["beta_126"].isna().all()


def test_a_restatement_is_not_seen_by_an_earlier_moment(opened):
    """AAPL's close of 2022-03-10 is told anew, 10 % lower, before the decision of 03-17."""
    prices = prices_of("2021", "2022-03-31")
    restated = prices.copy()
    restated.loc["2022-03-10", "AAPL"] *= 0.9
    first = rows_of({"close": prices.loc[:"2022-03-16"]})
    later = rows_of({"close": restated})
    features, log = opened(first)
    with pytest.raises(IntegrityError, match=r"AAPL 2022-03-10 \w+ is logged as"):
        log.append(later)  # features rebuilt with what was known later
    outcome = log.append(later[later["session"] > pd.Timestamp("2022-03-16")])
    assert outcome.sessions_added == 11

    def reversal(text):
        asked = entities_of(day(later, text))
        got = features.historical("weekly", asked)
        return got.loc[(got["symbol"] == "AAPL").to_numpy(), "reversal_5"].item()

    close, told = prices["AAPL"], restated["AAPL"]
    unseen = 1 - close["2022-03-16"] / close["2022-03-09"]
    assert reversal("2022-03-16") == pytest.approx(unseen, abs=1e-12)
    assert reversal("2022-03-10") == pytest.approx(
        1 - close["2022-03-10"] / close["2022-03-03"], abs=1e-12
    )
    seen = 1 - told["2022-03-17"] / told["2022-03-10"]
    assert reversal("2022-03-17") == pytest.approx(seen, abs=1e-12)
    assert abs(seen - (1 - close["2022-03-17"] / close["2022-03-10"])) > 0.1


def test_entities_of_another_shape_are_refused(shared, rows):
    asked = entities_of(day(rows, "2022-03-15"))
    with pytest.raises(SchemaError, match="lack the column 'event_timestamp'"):
        shared.historical("weekly", asked.drop(columns="event_timestamp"))
    naive = asked.assign(event_timestamp=asked["event_timestamp"].dt.tz_localize(None))
    with pytest.raises(SchemaError, match="no time zone"):
        shared.historical("weekly", naive)
    with pytest.raises(ConfigError, match="daily: the strategy was not registered"):
        shared.historical("daily", asked)
    assert shared.historical("weekly", asked.iloc[:0]).empty


def test_importing_feast_leaves_the_process_alone(tmp_path):
    script = (
        "import os, sys, warnings; from pathlib import Path\n"
        "from shadowbook.adapters.features.registry import open_store, view_features\n"
        "before = list(warnings.filters), dict(os.environ)\n"
        "views = view_features(open_store(Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "assert list(views) == [], views\n"
        "assert (warnings.filters, dict(os.environ)) == before\n"
        "from prometheus_client import values\n"
        "assert values.ValueClass is values.MutexValue\n"
    )
    subprocess.run([sys.executable, "-c", script, REPO, tmp_path], check=True)


def test_strategies_can_be_read_side_by_side(shared, rows):
    """Feast's DuckDB connection belongs to the process; threads must not meet on it."""
    asked = [entities_of(rows[rows["symbol"] == name]) for name in rows["symbol"].unique()[:6]]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda part: shared.historical("weekly", part), asked))
    names = list(shared.features_of("weekly"))
    for part, got in zip(asked, answers, strict=True):
        expected = rows.loc[part.index, names].to_numpy()
        assert np.array_equal(got[names].to_numpy(), expected, equal_nan=True)


# ---- online


def test_the_newest_values_come_online_and_equal_the_log(opened, rows):
    features, _ = opened(rows)
    assert features.materialize(LAST) == PushOutcome(written=20, refused=0, already=0)
    assert features.materialize(LAST) == PushOutcome(written=0, refused=0, already=20)
    got = features.online("weekly", ["XOM", "NONE", "AAPL"])
    assert got["symbol"].tolist() == ["XOM", "NONE", "AAPL"]
    assert got["available_at"][0] == pd.Timestamp("2022-12-28 22:00", tz="UTC")
    assert got.loc[1].drop("symbol").isna().all()
    logged = day(rows, "2022-12-28").set_index("symbol").loc[["XOM", "AAPL"], list(NAMES)]
    assert np.array_equal(got.iloc[[0, 2]][list(NAMES)].to_numpy(), logged.to_numpy())
    parity = features.parity("weekly")
    assert parity == Parity(0.0, 20 * len(NAMES), 0, datetime(2022, 12, 28, 22, tzinfo=UTC))


def test_an_older_push_does_not_overwrite_a_newer_value(opened, rows):
    features, _ = opened(rows)
    features.materialize(LAST)
    before = features.online("weekly", ["AAPL", "XOM"])
    assert features.materialize(datetime(2022, 6, 1, 12, tzinfo=UTC)) == PushOutcome(0, 20, 0)
    assert features.online("weekly", ["AAPL", "XOM"]).equals(before)


def test_each_symbol_is_guarded_by_itself(opened, rows):
    stale = (rows["symbol"] == "RRC") & (rows["session"] > pd.Timestamp("2022-06-30"))
    features, _ = opened(rows[~stale])
    features.materialize(datetime(2022, 7, 15, tzinfo=UTC))
    assert features.materialize(LAST) == PushOutcome(written=19, refused=0, already=1)
    got = features.online("monthly", ["RRC", "AAPL"])
    assert got["session"].dt.strftime("%Y-%m-%d").tolist() == ["2022-06-30", "2022-12-28"]
    assert features.parity("monthly").n_missing == 0


def test_warming_up_is_no_value_online_and_no_parity_gap(opened):
    features, _ = opened(rows_of({"close": prices_of("2022-06", "2022-08")}))
    features.materialize(LAST)
    got = features.online("monthly", ["AAPL"])
    assert got["session"].item() == pd.Timestamp("2022-08-31")
    assert got[["momentum_252_21", "beta_126"]].isna().all(axis=None)
    parity = features.parity("monthly")
    assert (parity.n_compared, parity.n_missing) == (0, 0)
    assert np.isnan(parity.max_difference)


def test_parity_sees_a_value_that_was_changed_online(opened, rows, tmp_path):
    features, _ = opened(rows)
    features.materialize(LAST)
    wrong = day(rows, "2022-12-28").query("symbol == 'AAPL'").copy()
    wrong["beta_126"] += 1e-6
    wrong["momentum_252_21"] = np.nan
    push(tmp_path, "price_v1", wrong)
    parity = features.parity("monthly")
    assert parity.max_difference == pytest.approx(1e-6, rel=1e-6)
    assert (parity.n_compared, parity.n_missing) == (39, 1)


def test_parity_counts_symbols_that_were_left_behind(opened, rows, tmp_path):
    features, log = opened(rows[rows["session"] <= pd.Timestamp("2022-12-27")])
    features.materialize(LAST)
    log.append(rows)
    push(tmp_path, "price_v1", day(rows, "2022-12-28").query("symbol == 'AAPL'"))
    parity = features.parity("monthly")
    assert (parity.max_difference, parity.n_compared, parity.n_missing) == (0.0, 2, 19 * 2)
    assert features.materialize(LAST) == PushOutcome(written=19, refused=0, already=1)
    assert features.parity("monthly").n_missing == 0
    with pytest.raises(ConfigError, match="no time zone"):
        features.materialize(datetime(2022, 12, 29))  # noqa: DTZ001 (the point of the test)


def test_nothing_online_is_not_parity(opened, rows):
    features, _ = opened(rows)
    assert features.online("monthly", ["AAPL"])["beta_126"].isna().all()
    assert features.online("monthly", []).empty
    assert features.materialize(datetime(2020, 1, 1, tzinfo=UTC)) == PushOutcome(0, 0, 0)
    with pytest.raises(InsufficientDataError, match="no value of monthly is online"):
        features.parity("monthly")


def test_the_zone_of_the_machine_does_not_matter(opened, rows, monkeypatch):
    """Feast's SQLite store keeps event times in the writer's zone; ours must not follow."""
    features, _ = opened(rows)
    try:
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        features.materialize(LAST)
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        got = features.online("monthly", ["AAPL"])
        assert got["available_at"].item() == pd.Timestamp("2022-12-28 22:00", tz="UTC")
        assert features.materialize(LAST) == PushOutcome(0, 0, 20)
        assert features.parity("monthly").max_difference == 0.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_online_values_that_the_log_does_not_know(opened, rows, tmp_path):
    features, _ = opened(rows)
    features.materialize(LAST)
    shorter = FeatureLog(tmp_path / "shorter", "a" * 64)
    shorter.append(rows[rows["session"] < pd.Timestamp("2022-12-01")])
    astray = Features(REPO, tmp_path / "features", shorter)
    with pytest.raises(IntegrityError, match="AAPL of session 2022-12-28, which the feature log"):
        astray.online("weekly", ["AAPL"])


@pytest.mark.slow
def test_a_locked_store_can_be_tried_again(opened, rows, tmp_path):
    features, _ = opened(rows)
    script = (
        "import sqlite3, sys, time\n"
        "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "held.execute('BEGIN EXCLUSIVE')\n"
        "print('locked', flush=True)\n"
        "time.sleep(60)\n"
    )
    database = tmp_path / "features" / "online.db"
    arguments = [sys.executable, "-c", script, database]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(TransientError, match="online store is locked"):
            features.materialize(LAST)
        holder.kill()
    assert features.materialize(LAST).written == 20


# ---- volume


@pytest.fixture(scope="module")
def index_rows():
    """Two indices with open, high, low and volume, from arch's data files, 2017 and 2018."""
    tables = {}
    for name in ("sp500", "nasdaq"):
        files = importlib.metadata.files("arch") or []
        path = next(f.locate() for f in files if f.name == f"{name}.csv.gz")
        tables[name] = pd.read_csv(path, index_col=0, parse_dates=True).loc["2017":"2018"]
    columns = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    return rows_of(
        {
            field: pd.DataFrame({name: table[column] for name, table in tables.items()})
            for field, column in columns.items()
        }
    )


MIXED = {"range": ("illiquidity_21", "beta_126", "overnight_gap"), "flow": ("illiquidity_21",)}


def test_volume_features_are_a_view_of_their_own(opened, index_rows):
    features, _ = opened(index_rows, MIXED)
    assert features.features_of("range") == ("beta_126", "illiquidity_21", "overnight_gap")
    asked = entities_of(index_rows)
    got = features.historical("range", asked)
    names = list(features.features_of("range"))
    assert np.array_equal(got[names].to_numpy(), index_rows[names].to_numpy(), equal_nan=True)
    assert got["illiquidity_21"].notna().sum() == 2 * (502 - 21)
    features.materialize(datetime(2019, 1, 1, tzinfo=UTC))
    assert features.parity("range").max_difference == 0.0
    assert features.parity("range").n_compared == 6
    assert features.parity("flow").n_compared == 2


def test_a_kill_between_two_views_is_noticed_and_mended(opened, index_rows, tmp_path):
    features, _ = opened(index_rows, MIXED)
    features.materialize(datetime(2018, 12, 28, tzinfo=UTC))
    push(tmp_path, "volume_v1", day(index_rows, "2018-12-31"))
    with pytest.raises(IntegrityError, match="sp500 of session 2018-12-31 in volume_v1 and of"):
        features.online("range", ["sp500", "nasdaq"])
    end = datetime(2019, 1, 1, tzinfo=UTC)
    assert features.materialize(end) == PushOutcome(written=2, refused=0, already=0)
    assert features.materialize(end) == PushOutcome(written=0, refused=0, already=2)
    assert features.parity("range").max_difference == 0.0
