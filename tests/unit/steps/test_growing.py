from datetime import UTC, date, datetime

import numpy as np
import pytest

from shadowbook.core.bitemporal import as_known
from shadowbook.core.learning.labels import forward_returns
from shadowbook.steps.growing import GrowingRecord, Seen
from shadowbook.steps.live import RETURNS, of_version, skill, tail

HORIZON, SPAN = 5, 80


@pytest.fixture(scope="module")
def panel(recent, recent_schedule, sample_end):
    return as_known(recent.bars, recent.references, recent_schedule, sample_end)


def sessions_of(panel, version=1, count=SPAN):
    rng = np.random.default_rng(11)
    for row in range(len(panel.sessions) - count, len(panel.sessions)):
        scores = {name: float(rng.normal()) for name in panel.symbols if rng.random() > 0.1}
        day: date = panel.sessions[row].astype(date)
        at = datetime(day.year, day.month, day.day, 21, 15, tzinfo=UTC)
        yield row, Seen(day, at, version, tuple(rng.normal(size=len(RETURNS))), scores)


def test_it_grows_to_what_is_read_in_one_go(panel):
    record = GrowingRecord("weekly", "champion", HORIZON, keep=300)
    table, days = [], []
    for row, seen in sessions_of(panel):
        record.add(seen, panel, row)
        table.append([seen.scores.get(name, np.nan) for name in panel.symbols])
        days.append(seen.session)
    forward = forward_returns(panel.prices, HORIZON)
    sessions = np.array(days, dtype="datetime64[D]")
    now, lagged = skill(np.array(table), forward, sessions, panel)
    grown = record.record
    np.testing.assert_array_equal(grown.sessions, sessions)
    np.testing.assert_array_equal(grown.information_coefficient, now)
    np.testing.assert_array_equal(grown.lagged_ic, lagged)
    assert np.isfinite(now).sum() == SPAN - HORIZON
    assert np.isfinite(lagged).sum() == SPAN - HORIZON - 1


def test_it_forgets_what_is_older_than_it_keeps(panel):
    record = GrowingRecord("weekly", "champion", HORIZON, keep=30)
    whole = GrowingRecord("weekly", "champion", HORIZON, keep=300)
    for row, seen in sessions_of(panel):
        record.add(seen, panel, row)
        whole.add(seen, panel, row)
    last = tail(whole.record, slice(-30, None))
    np.testing.assert_array_equal(record.record.net, last.net)
    np.testing.assert_array_equal(
        record.record.information_coefficient, last.information_coefficient
    )


def test_another_version_begins_anew(panel):
    record = GrowingRecord("weekly", "champion", HORIZON, keep=300)
    for i, (row, seen) in enumerate(sessions_of(panel)):
        version = 1 if i < 50 else 2
        own = Seen(seen.session, seen.as_of, version, seen.returns, seen.scores)
        record.add(own, panel, row)
    grown = record.record
    assert len(grown.sessions) == SPAN - 50
    assert record.model_version == 2
    # The first scores of the new version are not correlated with those of the old one's day.
    assert np.isnan(grown.lagged_ic[0])
    np.testing.assert_array_equal(of_version(grown).net, grown.net)
