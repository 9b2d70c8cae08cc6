"""What was known when, on real prices with planted late facts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.bitemporal import as_known, instant, known_at, mask, rows_between, vintages
from shadowbook.core.values import Quarantine
from shadowbook.errors import InsufficientDataError


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def restated(bars: pd.DataFrame, symbol: str, session: str, known: str, close: float):
    row = bars[(bars["symbol"] == symbol) & (bars["session"] == session)].iloc[[0]].copy()
    row["available_at"] = pd.Timestamp(known, tz="UTC")
    row["close"] = close
    return pd.concat([bars, row], ignore_index=True)


def close_of(panel, symbol: str, session: str) -> float:
    row = int(np.searchsorted(panel.sessions, np.datetime64(session)))
    return float(panel.fields["close"][row, panel.symbols.index(symbol)])


def test_panel_equals_the_file_when_nothing_is_late(recent, recent_schedule, sample_end):
    panel = as_known(recent.bars, recent.references, recent_schedule, sample_end)
    table = recent.bars.pivot(index="session", columns="symbol", values="close").sort_index()
    assert panel.symbols == tuple(table.columns)
    np.testing.assert_array_equal(panel.prices, table.to_numpy())
    assert panel.sessions[-1] == np.datetime64("2022-12-28")


def test_a_session_is_seen_only_after_its_decision(recent, recent_schedule):
    before = moment("2022-03-01T21:14:00")
    panel = as_known(recent.bars, recent.references, recent_schedule, before)
    assert panel.sessions[-1] == np.datetime64("2022-02-28")


def test_a_restatement_is_seen_from_its_moment_on(recent, recent_schedule):
    bars = restated(recent.bars, "AAPL", "2022-03-01", "2022-03-10T12:00:00", 1.0)
    told = (recent.bars["symbol"] == "AAPL") & (recent.bars["session"] == "2022-03-01")
    true = recent.bars.loc[told, "close"].item()
    early = as_known(bars, recent.references, recent_schedule, moment("2022-03-10T11:59:59"))
    late = as_known(bars, recent.references, recent_schedule, moment("2022-03-10T21:15:00"))
    assert close_of(early, "AAPL", "2022-03-01") == true
    assert close_of(late, "AAPL", "2022-03-01") == 1.0


def test_vintages_show_each_session_what_was_known_at_its_decision(
    recent, recent_schedule, sample_end
):
    bars = restated(recent.bars, "AAPL", "2022-03-01", "2022-03-10T12:00:00", 1.0)
    bars = restated(bars, "XOM", "2021-06-01", "2022-03-10T21:15:00", 2.0)
    bars = restated(bars, "XOM", "2021-06-01", "2022-05-02T00:00:00", 3.0)
    late = (bars["symbol"] == "KO") & (bars["session"] == "2022-07-01")
    bars.loc[late, "available_at"] = pd.Timestamp("2022-07-06T15:00:00", tz="UTC")
    lookback = 30
    seen = []
    for vintage in vintages(bars, recent.references, recent_schedule, sample_end, lookback):
        panel = vintage.panel
        for row in range(vintage.start, len(panel.sessions)):
            seen.append(panel.sessions[row])
            if row % 50 and panel.sessions[row] < np.datetime64("2022-02-20"):
                continue
            then = panel.decided_at[row].astype(datetime).replace(tzinfo=UTC)
            known = as_known(bars, recent.references, recent_schedule, then)
            depth = min(lookback, row, len(known.sessions) - 1)
            there = rows_between(panel, row - depth, row + 1)
            np.testing.assert_array_equal(there.prices, known.prices[-depth - 1 :])
            np.testing.assert_array_equal(
                there.references["index"], known.references["index"][-depth - 1 :]
            )
    np.testing.assert_array_equal(seen, recent_schedule.sessions)


def test_without_late_facts_there_is_one_vintage(recent, recent_schedule, sample_end):
    found = list(vintages(recent.bars, recent.references, recent_schedule, sample_end, 252))
    assert len(found) == 1
    assert found[0].start == 0


def test_vintages_begin_after_what_is_logged(recent, recent_schedule, sample_end):
    after = np.datetime64("2022-12-20")
    (found,) = vintages(
        recent.bars, recent.references, recent_schedule, sample_end, 10, after=after
    )
    assert found.panel.sessions[found.start] == np.datetime64("2022-12-21")
    assert found.start == 10


def test_mask_blanks_the_span_and_nothing_else(recent, recent_schedule, sample_end):
    panel = as_known(recent.bars, recent.references, recent_schedule, sample_end)
    span = Quarantine("AAPL", date(2021, 3, 1), date(2021, 3, 5), "planted")
    masked = mask(panel, [span, Quarantine("NONE", date(2021, 3, 1), None, "not held")])
    blank = np.isnan(masked.prices)
    assert blank.sum() == 5
    column = panel.symbols.index("AAPL")
    days = panel.sessions[blank[:, column]]
    assert days[0] == np.datetime64("2021-03-01")
    assert days[-1] == np.datetime64("2021-03-05")
    np.testing.assert_array_equal(masked.prices[~blank], panel.prices[~blank])


def test_an_open_span_runs_to_the_end(recent, recent_schedule, sample_end):
    panel = as_known(recent.bars, recent.references, recent_schedule, sample_end)
    masked = mask(panel, [Quarantine("KO", date(2022, 12, 1), None, "planted")])
    assert np.isnan(masked.prices).sum() == (panel.sessions >= np.datetime64("2022-12-01")).sum()


def test_newest_version_counts(recent):
    bars = restated(recent.bars, "AAPL", "2022-03-01", "2022-03-10T12:00:00", 1.0)
    known = known_at(bars, np.datetime64("2022-12-31", "us"), ["symbol", "session"])
    assert len(known) == len(recent.bars)
    told = (known["symbol"] == "AAPL") & (known["session"] == "2022-03-01")
    assert known.loc[told, "close"].item() == 1.0


def test_nothing_known_is_said(recent, recent_schedule):
    with pytest.raises(InsufficientDataError, match="no bar was known at 2019-01-01"):
        as_known(recent.bars, recent.references, recent_schedule, moment("2019-01-01T00:00:00"))


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        instant(datetime(2020, 1, 1))  # noqa: DTZ001
