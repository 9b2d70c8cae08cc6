"""Feature rows from what was known, and the log done again from its journal."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.bitemporal import as_known
from shadowbook.core.learning.features import build_features, feature_names
from shadowbook.core.learning.point_in_time import Knowledge, feature_rows, rebuild_log
from shadowbook.core.values import Quarantine, Schedule

N_SESSIONS, SYMBOLS = 150, ("A", "B", "C")
FIRST = date(2021, 1, 1)
DAYS = np.datetime64(FIRST, "D") + np.arange(N_SESSIONS)
CLOSES = DAYS.astype("datetime64[us]") + np.timedelta64(21, "h")
SCHEDULE = Schedule(DAYS, CLOSES, CLOSES + np.timedelta64(15, "m"))


def decided(session: int) -> datetime:
    moment: datetime = SCHEDULE.decided_at[session].astype(datetime)
    return moment.replace(tzinfo=UTC)


def prices(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (N_SESSIONS, len(SYMBOLS))), axis=0))
    return pd.DataFrame(
        {
            "symbol": np.tile(np.array(SYMBOLS, dtype=object), N_SESSIONS),
            "session": np.repeat(DAYS, len(SYMBOLS)).astype("datetime64[us]"),
            "available_at": pd.DatetimeIndex(np.repeat(CLOSES, len(SYMBOLS))).tz_localize("UTC"),
            "close": close.ravel(),
        }
    )


NONE = pd.DataFrame(
    {
        "name": pd.Series(dtype=object),
        "session": pd.Series(dtype="datetime64[us]"),
        "available_at": pd.Series(dtype="datetime64[us, UTC]"),
        "value": pd.Series(dtype="float64"),
    }
)


def knows(session: int, first: int = 0, symbols=SYMBOLS, references=(), quarantined=()):
    return Knowledge(
        decided(session), FIRST + timedelta(days=first), symbols, references, quarantined
    )


def again(rows: pd.DataFrame, symbol: str, session: int, known: int, factor: float):
    """The same bars and one told again, known half an hour before a decision."""
    about = (rows["symbol"] == symbol) & (rows["session"] == DAYS[session])
    row = rows[about].assign(
        close=rows["close"] * factor, available_at=decided(known) - timedelta(minutes=30)
    )
    return pd.concat([rows, row], ignore_index=True)


def grown(rows: pd.DataFrame, moments: list[int], quarantined=None):
    """-> what extensions at these sessions wrote together, and their journal."""
    journal, parts, first = [], [], 0
    for moment in moments:
        entry = knows(moment, first, quarantined=(quarantined or {}).get(moment, ()))
        parts.append(feature_rows(rows, NONE, SCHEDULE, entry))
        journal.append(entry)
        first = moment + 1
    return pd.concat(parts, ignore_index=True), journal


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        left.reset_index(drop=True), right.reset_index(drop=True), check_exact=True
    )


def test_rows_are_the_features_of_the_panel():
    bars = prices()
    rows = feature_rows(bars, NONE, SCHEDULE, knows(N_SESSIONS - 1))
    cube = build_features(as_known(bars, NONE, SCHEDULE, decided(N_SESSIONS - 1)))
    assert list(rows) == ["symbol", "session", "available_at", *feature_names(["close"])]
    assert len(rows) == N_SESSIONS * len(SYMBOLS)
    np.testing.assert_array_equal(
        rows[list(cube.names)].to_numpy(), cube.values.reshape(-1, len(cube.names))
    )
    assert rows["available_at"].iloc[0] == decided(0)


def test_nothing_new_is_an_empty_frame_of_the_same_form():
    rows = feature_rows(prices(), NONE, SCHEDULE, knows(9, first=10))
    full = feature_rows(prices(), NONE, SCHEDULE, knows(9))
    assert rows.empty
    assert rows.dtypes.to_dict() == full.dtypes.to_dict()


def test_a_restatement_counts_from_the_decision_after_it_was_known():
    plain, told = prices(), again(prices(), "B", 20, known=25, factor=1.1)
    before = feature_rows(plain, NONE, SCHEDULE, knows(30))
    after = feature_rows(told, NONE, SCHEDULE, knows(30))
    early = before["session"] < pd.Timestamp(DAYS[25])
    same(after[early], before[early])
    b = (after["symbol"] == "B") & (after["session"] == DAYS[25])
    names = ["momentum_21", "volatility_21"]
    names = [name for name in names if name in after] or list(feature_names(["close"]))
    assert not np.array_equal(after.loc[b, names], before.loc[b, names], equal_nan=True)


def test_a_late_bar_has_no_row_for_the_session_it_missed():
    bars = prices()
    late = (bars["symbol"] == "C") & (bars["session"] == DAYS[20])
    bars.loc[late, "available_at"] = pd.Timestamp(decided(22))
    rows = feature_rows(bars, NONE, SCHEDULE, knows(30))
    assert ((rows["symbol"] == "C") & (rows["session"] == DAYS[20])).sum() == 0
    assert (rows["symbol"] == "C").sum() == 30


def test_quarantined_spans_and_unknown_names_have_no_rows():
    span = Quarantine("A", FIRST + timedelta(days=5), FIRST + timedelta(days=6), "frozen")
    rows = feature_rows(prices(), NONE, SCHEDULE, knows(9, symbols=("A", "B"), quarantined=(span,)))
    assert set(rows["symbol"]) == {"A", "B"}
    assert (rows["symbol"] == "A").sum() == 8
    sessions = rows.loc[rows["symbol"] == "A", "session"].to_numpy("datetime64[D]")
    assert not np.isin(DAYS[5:7], sessions).any()


@settings(deadline=None, max_examples=15)
@given(
    cuts=st.sets(st.integers(1, N_SESSIONS - 2), max_size=6),
    restated=st.lists(
        st.tuples(
            st.sampled_from(SYMBOLS), st.integers(0, 30), st.integers(1, 9), st.floats(0.9, 1.1)
        ),
        max_size=3,
        unique_by=lambda fact: (fact[0], fact[1] + fact[2]),
    ),
)
def test_in_pieces_or_at_once_it_is_the_same_log(cuts, restated):
    bars = prices()
    for symbol, session, delay, factor in restated:
        bars = again(bars, symbol, session, session + delay, factor)
    moments = [*sorted(cuts), N_SESSIONS - 1]
    pieces, journal = grown(bars, moments)
    same(rebuild_log(bars, NONE, SCHEDULE, journal), pieces)
    same(feature_rows(bars, NONE, SCHEDULE, knows(N_SESSIONS - 1)), pieces)


def test_a_rebuild_knows_each_extension_s_quarantine():
    span = (Quarantine("A", FIRST + timedelta(days=12), None, "stale"),)
    pieces, journal = grown(prices(), [10, 15, 20], {15: span})
    assert (pieces["symbol"] == "A").sum() == 21 - 4
    same(rebuild_log(prices(), NONE, SCHEDULE, journal), pieces)


def test_an_extension_cut_short_is_done_to_where_the_next_began():
    whole = feature_rows(prices(), NONE, SCHEDULE, knows(20))
    written = whole[whole["session"] <= DAYS[12]]
    rest = knows(22, first=13)
    log = pd.concat([written, feature_rows(prices(), NONE, SCHEDULE, rest)], ignore_index=True)
    same(rebuild_log(prices(), NONE, SCHEDULE, [knows(20), rest]), log)


def test_an_index_that_was_added_later_changes_no_earlier_features():
    pieces, journal = grown(prices(), [130, 140])
    level = 1000.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.0, 0.01, N_SESSIONS)))
    index = pd.DataFrame(
        {
            "name": "index",
            "session": DAYS.astype("datetime64[us]"),
            "available_at": pd.DatetimeIndex(CLOSES).tz_localize("UTC"),
            "value": level,
        }
    )
    same(rebuild_log(prices(), index, SCHEDULE, journal), pieces)
    knowing = feature_rows(prices(), index, SCHEDULE, knows(140, references=("index",)))
    assert not knowing.equals(pieces)


def test_later_facts_change_no_rebuild():
    pieces, journal = grown(prices(), [10, 20])
    later = again(again(prices(), "A", 5, 21, 2.0), "B", 19, 30, 0.5)
    same(rebuild_log(later, NONE, SCHEDULE, journal), pieces)


def test_a_rebuild_can_be_of_some_names():
    pieces, journal = grown(prices(), [10, 20])
    only = rebuild_log(prices(), NONE, SCHEDULE, journal, symbols=["B"])
    same(only, pieces[pieces["symbol"] == "B"])


@pytest.mark.parametrize("journal", [[], [knows(9, first=10)]])
def test_an_empty_journal_gives_an_empty_log(journal):
    rows = rebuild_log(prices(), NONE, SCHEDULE, journal)
    assert rows.empty
    assert list(rows) == ["symbol", "session", "available_at", *feature_names(["close"])]
