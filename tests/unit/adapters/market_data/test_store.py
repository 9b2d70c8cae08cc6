"""The store of accepted prices only ever grows, and knows when each row came."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.market_data.store import Arrival, MarketStore
from shadowbook.errors import IntegrityError

DAYS = pd.bdate_range("2021-12-20", periods=30).astype("datetime64[us]")
NOW = datetime(2022, 3, 1, 12, tzinfo=UTC)


def close_of(session):
    return pd.Timestamp(session).tz_localize("UTC") + pd.Timedelta(hours=21)


def at(day, hours=0.25):
    """The decision moment of the n-th session."""
    return (close_of(DAYS[day]) + pd.Timedelta(hours=hours)).to_pydatetime()


def bars(symbols="AB", days=range(10), change=None, **columns):
    rows = [
        {"symbol": s, "session": DAYS[d], "available_at": close_of(DAYS[d]), "close": price(s, d)}
        for s in symbols
        for d in days
    ]
    frame = pd.DataFrame(rows).astype(
        {"session": "datetime64[us]", "available_at": "datetime64[us, UTC]", "close": "float64"}
    )
    for (symbol, day), value in (change or {}).items():
        frame.loc[(frame["symbol"] == symbol) & (frame["session"] == DAYS[day]), "close"] = value
    return frame.assign(**columns)


def price(symbol, day):
    return 100.0 + ord(symbol) + day


def version(symbol, day, value, known):
    row = bars(symbol, [day])
    return row.assign(close=value, available_at=pd.Timestamp(known).as_unit("us"))


def delivery(*frames):
    together = pd.concat(frames, ignore_index=True)
    vix = together.drop_duplicates("session").assign(name="vix", value=20.0)
    return Delivery(together, vix[["name", "session", "available_at", "value"]])


def arrival(day, now=NOW, decided=None):
    return Arrival(at(day), at(decided) if decided is not None else None, now)


@pytest.fixture
def store(tmp_path):
    made = MarketStore(tmp_path / "market")
    made.write(delivery(bars()))
    return made


def told(frame, symbol, day):
    rows = frame[(frame["symbol"] == symbol) & (frame["session"] == DAYS[day])]
    return list(zip(rows["close"], rows["available_at"], strict=True))


def accept(store, *frames, day=9, decided=9, now=NOW, on_rewrite="record"):
    merged = store.merge(delivery(*frames), arrival(day, now, decided), on_rewrite)
    store.write(merged.delivery)
    return merged


def test_what_is_written_is_read(store):
    read = store.read()
    pd.testing.assert_frame_equal(read.bars, bars(), check_dtype=True)
    assert read.bars.dtypes.astype(str).to_dict() == {
        "symbol": "object",
        "session": "datetime64[us]",
        "available_at": "datetime64[us, UTC]",
        "close": "float64",
    }
    assert [path.name for path in sorted((store.folder / "bars").iterdir())] == ["2021.parquet"]


def test_the_same_rows_in_another_order_give_the_same_bytes(store, tmp_path):
    other = MarketStore(tmp_path / "other")
    other.write(delivery(bars().sample(frac=1, random_state=1)))
    for path in store.folder.rglob("*.parquet"):
        assert path.read_bytes() == (other.folder / path.relative_to(store.folder)).read_bytes()


def test_a_store_without_references_is_not_there(tmp_path):
    assert not MarketStore(tmp_path / "none").exists()


def test_the_first_delivery_is_taken_as_it_is(tmp_path):
    merged = MarketStore(tmp_path / "new").merge(delivery(bars()), arrival(9), "refuse")
    assert (merged.added, merged.restated) == (20, 0)


def test_the_same_rows_add_nothing(store):
    merged = accept(store, bars(), on_rewrite="refuse")
    assert (merged.added, merged.restated) == (0, 0)


def test_new_sessions_keep_their_own_dates(store):
    merged = accept(store, bars(days=range(12)), day=11, on_rewrite="refuse")
    assert (merged.added, merged.restated) == (4, 0)
    assert told(store.read().bars, "A", 11) == [(price("A", 11), close_of(DAYS[11]))]


def test_a_silent_rewrite_is_refused_by_name(store):
    with pytest.raises(IntegrityError, match=r"1 accepted rows differently .*\(B 2021-12-24\)"):
        accept(store, bars(change={("B", 4): 1.0}), on_rewrite="refuse")


def test_a_silent_rewrite_is_recorded_as_known_since_now_and_only_once(store):
    rewritten = bars(change={("B", 4): 1.0})
    assert accept(store, rewritten).restated == 1
    assert told(store.read().bars, "B", 4) == [(price("B", 4), close_of(DAYS[4])), (1.0, NOW)]
    for on_rewrite in ("record", "refuse"):
        again = accept(store, rewritten, now=NOW + timedelta(days=1), on_rewrite=on_rewrite)
        assert (again.added, again.restated) == (0, 0)


def test_a_rewrite_that_is_taken_back_is_recorded_too(store):
    accept(store, bars(change={("B", 4): 1.0}), day=9)
    late = NOW + timedelta(days=1)
    merged = store.merge(delivery(bars()), Arrival(late, at(9), late), "record")
    assert merged.restated == 1
    assert told(merged.delivery.bars, "B", 4)[-1] == (price("B", 4), late)


def test_a_recorded_rewrite_does_not_disturb_a_look_at_an_earlier_moment(store):
    accept(store, bars(change={("B", 4): 1.0}))
    early = accept(store, bars(days=range(6)), day=5, on_rewrite="refuse")
    assert (early.added, early.restated) == (0, 0)


def test_restatements_keep_their_own_dates(store):
    corrected = version("A", 3, 7.0, at(10))
    merged = accept(store, bars(days=range(11)), corrected, day=10, on_rewrite="refuse")
    assert merged.added == 3
    assert told(store.read().bars, "A", 3) == [
        (price("A", 3), close_of(DAYS[3])),
        (7.0, at(10)),
    ]
    again = accept(store, bars(days=range(11)), corrected, day=10, decided=10, on_rewrite="refuse")
    assert again.added == 0


def test_a_look_before_a_restatement_is_no_rewrite(store):
    corrected = version("A", 3, 7.0, at(10))
    accept(store, bars(days=range(11)), corrected, day=10)
    early = accept(store, bars(), day=9, decided=10, on_rewrite="refuse")
    assert (early.added, early.restated) == (0, 0)


def test_an_altered_version_is_refused_even_where_rewrites_are_recorded(store):
    corrected = version("A", 3, 7.0, at(10))
    accept(store, bars(days=range(11)), corrected, day=10)
    altered = version("A", 3, 8.0, at(10))
    with pytest.raises(IntegrityError, match="A 2021-12-23"):
        accept(store, bars(days=range(11)), altered, day=11, decided=10)


def test_a_restatement_after_a_recorded_rewrite_is_taken(store):
    """Told differently, recorded; then the source dates a second correction: both stand."""
    accept(store, bars(change={("B", 4): 1.0}))
    later = NOW + timedelta(days=2)
    rows = (bars(change={("B", 4): 1.0}), version("B", 4, 2.0, later))
    told_again = Arrival(later, at(9), later + timedelta(hours=1))
    merged = store.merge(delivery(*rows), told_again, "refuse")
    assert [value for value, _ in told(merged.delivery.bars, "B", 4)] == [price("B", 4), 1.0, 2.0]
    store.write(merged.delivery)
    again = store.merge(delivery(*rows), told_again, "refuse")
    assert (again.added, again.restated) == (0, 0)


def test_a_gap_filled_late_is_dated_to_the_moment_it_came_and_only_once(store, tmp_path):
    gappy = MarketStore(tmp_path / "gappy")
    full = bars()
    gappy.write(delivery(full[~((full["symbol"] == "A") & (full["session"] == DAYS[5]))]))
    assert accept(gappy, full, on_rewrite="refuse").added == 1
    assert told(gappy.read().bars, "A", 5) == [(price("A", 5), NOW)]
    again = accept(gappy, full, now=NOW + timedelta(days=1), on_rewrite="refuse")
    assert (again.added, again.restated) == (0, 0)
    assert told(gappy.read().bars, "A", 5) == [(price("A", 5), NOW)]


def test_the_newest_session_that_came_late_is_dated_too(tmp_path):
    """The decision on session 9 was taken without A; a rebuild must not see it either."""
    store = MarketStore(tmp_path / "market")
    store.write(delivery(bars("B"), bars("A", range(9))))
    accept(store, bars(days=range(11)), day=10, decided=9, on_rewrite="refuse")
    assert told(store.read().bars, "A", 9) == [(price("A", 9), NOW)]
    assert told(store.read().bars, "A", 10) == [(price("A", 10), close_of(DAYS[10]))]


def test_of_a_gap_told_in_versions_the_newest_counts(tmp_path):
    store = MarketStore(tmp_path / "market")
    full = bars()
    store.write(delivery(full[~((full["symbol"] == "A") & (full["session"] == DAYS[5]))]))
    rows = (full, version("A", 5, 9.0, at(6)))
    accept(store, *rows, on_rewrite="refuse")
    assert told(store.read().bars, "A", 5) == [(9.0, NOW)]
    assert accept(store, *rows, on_rewrite="refuse").added == 0


def test_a_new_symbol_keeps_its_history(store):
    merged = accept(store, bars("ABC"), on_rewrite="refuse")
    assert (merged.added, merged.restated) == (10, 0)
    assert told(store.read().bars, "C", 0) == [(price("C", 0), close_of(DAYS[0]))]


def test_a_new_column_tells_old_rows_anew(store):
    wider = bars(volume=5.0)
    told_anew = r"20 accepted rows differently .*; ... of 2 symbols from 2021-12-20 to 2021-12-31\)"
    with pytest.raises(IntegrityError, match=told_anew):
        accept(store, wider, on_rewrite="refuse")
    assert accept(store, wider).restated == 20
    rows = store.read().bars
    assert rows.loc[rows["volume"].notna(), "available_at"].unique().tolist() == [NOW]
    assert accept(store, wider, now=NOW + timedelta(days=1)).added == 0


def test_a_lost_column_leaves_what_was_known(store):
    wide = MarketStore(store.folder.with_name("wide"))
    wide.write(delivery(bars(volume=5.0)))
    accept(wide, bars(days=range(11)), day=10, on_rewrite="refuse")
    rows = wide.read().bars
    assert rows["volume"].notna().sum() == 20
    assert rows.loc[rows["session"] == DAYS[10], "volume"].isna().all()


def test_missing_values_are_no_change(tmp_path):
    store = MarketStore(tmp_path / "market")
    missing = bars(change={("A", 4): np.nan})
    store.write(delivery(missing))
    assert accept(store, missing, on_rewrite="refuse").added == 0


def test_rewritten_references_are_refused(store):
    changed = delivery(bars())
    changed.references.loc[3, "value"] = 99.0
    with pytest.raises(IntegrityError, match="vix 2021-12-23"):
        store.merge(changed, arrival(9, decided=9), "refuse")


def test_merging_writes_nothing(store):
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    store.merge(delivery(bars("ABC", range(15))), arrival(14, decided=9), "record")
    assert before == {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}


def test_replacing_drops_years_that_are_gone(tmp_path):
    store = MarketStore(tmp_path / "incoming")
    store.write(delivery(bars(days=range(20))))
    assert {p.stem for p in (store.folder / "bars").iterdir()} == {"2021", "2022"}
    store.replace(delivery(bars(days=range(5))))
    assert {p.stem for p in (store.folder / "bars").iterdir()} == {"2021"}
    assert len(store.read().bars) == 10


def test_a_damaged_part_is_named(store):
    part = store.folder / "bars" / "2021.parquet"
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(IntegrityError, match=r"2021\.parquet cannot be read"):
        store.read()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stops=st.lists(st.integers(1, 19), min_size=1, max_size=4, unique=True),
    gaps=st.sets(st.tuples(st.sampled_from("ABC"), st.integers(0, 19)), max_size=8),
)
def test_in_pieces_or_at_once_is_the_same_where_nothing_is_late(tmp_path_factory, stops, gaps):
    full = bars("ABC", range(20))
    absent = [(row.symbol, list(DAYS).index(row.session)) in gaps for row in full.itertuples()]
    full = full[~np.array(absent)].reset_index(drop=True)
    pieces = MarketStore(tmp_path_factory.mktemp("pieces"))
    decided = None
    for stop in [*sorted(stops), 19]:
        piece = full[full["session"] <= DAYS[stop]].sample(frac=1, random_state=stop)
        if piece.empty:
            continue
        for _ in range(2):
            merged = pieces.merge(delivery(piece), arrival(stop, decided=decided), "refuse")
            pieces.write(merged.delivery)
            decided = stop
        assert (merged.added, merged.restated) == (0, 0)
    if decided is not None:
        expected = full.sort_values(["symbol", "session"], ignore_index=True)
        pd.testing.assert_frame_equal(pieces.read().bars, expected)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    first=st.integers(1, 10),
    hidden=st.sets(st.tuples(st.sampled_from("AB"), st.integers(0, 9)), max_size=6),
    rewritten=st.dictionaries(
        st.tuples(st.sampled_from("AB"), st.integers(0, 9)), st.floats(1, 50), max_size=6
    ),
)
def test_whatever_comes_merging_it_twice_adds_nothing(tmp_path_factory, first, hidden, rewritten):
    store = MarketStore(tmp_path_factory.mktemp("twice"))
    full = bars("AB", range(10))
    gone = [(row.symbol, list(DAYS).index(row.session)) in hidden for row in full.itertuples()]
    start = full[~np.array(gone) & (full["session"] <= DAYS[first])]
    if start.empty:
        return
    store.write(delivery(start))
    news = bars("AB", range(10), change=rewritten)
    before = store.read().bars
    accept(store, news, decided=first)
    after = store.read().bars
    kept = before.merge(after, how="left", indicator=True)
    assert (kept["_merge"] == "both").all(), "an accepted row was changed"
    assert not after.duplicated(["symbol", "session", "available_at"]).any()
    again = accept(store, news, decided=9, now=NOW + timedelta(days=1), on_rewrite="refuse")
    assert (again.added, again.restated) == (0, 0)
    newest = after.drop_duplicates(["symbol", "session"], keep="last")
    pd.testing.assert_series_equal(
        newest["close"].reset_index(drop=True), news["close"].reset_index(drop=True)
    )


def test_what_a_retold_history_leaves_out_is_said_and_stays(store):
    whole = bars()
    rest = whole[(whole["symbol"] != "B") | (whole["session"] > DAYS[2])]
    merged = accept(store, rest)
    assert merged.withdrawn["symbol"].tolist() == ["B"] * 3
    assert len(store.read().bars) == len(whole)
    assert accept(store, whole).withdrawn.empty


def test_a_delivery_of_the_newest_sessions_alone_leaves_nothing_out(store):
    newest = bars()
    assert accept(store, newest[newest["session"] >= DAYS[8]]).withdrawn.empty
