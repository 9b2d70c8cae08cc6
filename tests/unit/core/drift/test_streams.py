"""Streams of errors: when a label is known, which sessions count, what may never move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.drift.streams import errors, matured_skill
from shadowbook.core.learning.labels import forward_returns

DAYS = np.arange("2024-01-01", "2026-01-01", dtype="datetime64[D]")


def seen(sessions, skill, horizon, **where):
    return matured_skill(sessions, np.asarray(skill, dtype=float), horizon, **where)


@pytest.mark.parametrize("horizon", [1, 3, 5])
def test_an_observation_is_dated_to_the_close_that_completes_its_label(horizon):
    prices = np.arange(1.0, 21.0)[:, None]
    for last in range(1, 20):
        label = forward_returns(prices[: last + 1], horizon)[:, 0]
        found = seen(DAYS[: last + 1], np.where(np.isfinite(label), 0.1, np.nan), horizon)
        # Known as soon as it is in the stream, and in the stream as soon as it is known.
        assert np.isfinite(found.information_coefficient).all()
        assert len(found.decided) == len(range(0, last + 1 - horizon, horizon))
        assert (found.matured - found.decided == np.timedelta64(horizon, "D")).all()


def test_no_two_labels_share_a_return():
    found = seen(DAYS[:100], np.linspace(-1, 1, 100), 7)
    assert (found.decided[1:] >= found.matured[:-1]).all()
    assert np.array_equal(found.information_coefficient, np.linspace(-1, 1, 100)[0:93:7])


@given(
    st.lists(st.floats(-1, 1) | st.just(np.nan), min_size=1, max_size=60),
    st.lists(st.floats(-1, 1) | st.just(np.nan), max_size=60),
    st.integers(1, 8),
)
def test_what_is_appended_moves_nothing(skill, more, horizon):
    before = seen(DAYS[: len(skill)], skill, horizon)
    after = seen(DAYS[: len(skill) + len(more)], skill + more, horizon)
    n = len(before.decided)
    assert np.array_equal(before.decided, after.decided[:n])
    assert np.array_equal(before.matured, after.matured[:n])
    assert np.array_equal(
        before.information_coefficient, after.information_coefficient[:n], equal_nan=True
    )
    assert (after.matured[n:] > DAYS[len(skill) - 1]).all()


def test_sessions_that_were_cut_off_do_not_move_the_others():
    skill = np.linspace(-1, 1, 60)
    whole = seen(DAYS[:60], skill, 5)
    cut = seen(DAYS[13:60], skill[13:], 5, calendar=DAYS[:60], anchor=DAYS[0])
    assert np.array_equal(cut.decided, whole.decided[3:])
    assert np.array_equal(cut.information_coefficient, whole.information_coefficient[3:])


def test_the_first_session_of_the_book_is_counted_from_wherever_the_calendar_starts():
    skill = np.linspace(-1, 1, 23)
    found = seen(DAYS[17:40], skill, 5, calendar=DAYS[:50])
    assert found.decided.tolist() == DAYS[17:40:5].tolist()
    assert np.array_equal(found.information_coefficient, skill[::5])


def test_a_session_that_the_book_missed_is_a_hole():
    skill = np.linspace(-1, 1, 30)
    keep = np.delete(np.arange(30), [10, 11])
    found = seen(DAYS[keep], skill[keep], 5, calendar=DAYS[:30])
    assert found.decided.tolist() == DAYS[0:25:5].tolist()
    assert np.isnan(found.information_coefficient).tolist() == [False, False, True, False, False]


def test_labels_of_a_book_that_ended_mature_after_it():
    found = seen(DAYS[:11], [0.1] * 11, 5, calendar=DAYS[:40])
    assert found.decided.tolist() == DAYS[[0, 5, 10]].tolist()
    assert found.matured[-1] == DAYS[15]


def test_sessions_after_the_last_known_close_have_not_matured():
    found = seen(DAYS[:30], [0.1] * 12 + [np.nan] * 18, 5, calendar=DAYS[:17])
    assert found.matured.tolist() == DAYS[[5, 10, 15]].tolist()


def test_no_session_is_no_stream():
    assert not len(seen(DAYS[:0], [], 5).decided)
    assert not len(seen(DAYS[:5], [np.nan] * 5, 5).decided)
    assert not len(seen(DAYS[:5], [np.nan] * 5, 1, calendar=DAYS[:0]).decided)


def test_streams_are_what_their_names_say():
    skill = np.array([0.3, -1e-12, 0.0, np.nan, -1.0, 1.0])
    np.testing.assert_array_equal(errors("direction_error", skill), [0, 1, 1, np.nan, 1, 0])
    np.testing.assert_allclose(
        errors("scaled_error", skill), [0.35, 0.5, 0.5, np.nan, 1, 0], atol=1e-11
    )


def test_a_correlation_rounded_beyond_one_stays_in_range():
    assert errors("scaled_error", np.array([1.0 + 1e-12]))[0] == 0.0


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1.01])
def test_what_is_no_coefficient_is_refused(bad):
    with pytest.raises(ValueError, match="infinite or beyond 1"):
        errors("direction_error", np.array([0.1, bad]))
    with pytest.raises(ValueError, match="infinite or beyond 1"):
        seen(DAYS[:2], [0.1, bad], 5)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="horizon 0"):
        seen(DAYS[:3], [0.1] * 3, 0)
    with pytest.raises(ValueError, match=r"coefficients \(2,\)"):
        seen(DAYS[:3], [0.1] * 2, 1)
    with pytest.raises(ValueError, match="session 2024-01-04 is not in the calendar"):
        seen(DAYS[:5], [0.1] * 5, 1, calendar=np.delete(DAYS[:9], 3))
    with pytest.raises(ValueError, match="session 2023-12-31 is not in the calendar"):
        seen(DAYS[:5], [0.1] * 5, 1, anchor=np.datetime64("2023-12-31"))
