"""What a book carries from one session to the next."""

from datetime import UTC, date, datetime

import numpy as np

from shadowbook.core.books.day import BookDay, BookOutcome, BookState, state_after

AS_OF = datetime(2020, 1, 3, 21, 15, tzinfo=UTC)


def day(targets, scores=(2.0, np.nan, np.inf)):
    return BookDay(
        strategy="s",
        book="champion",
        session=date(2020, 1, 3),
        as_of=AS_OF,
        model_version=1,
        inputs="",
        symbols=("A", "B", "C"),
        scores=np.array(scores),
        targets=np.array(targets),
        ideal=np.array([0, 7, 0]),
        traded=(),
        quantities=np.array([-4, 0, 0]),
        marks=np.array([10.0, 20.0, np.nan]),
        unpriced=np.array([2, 0, 9]),
        cash_cents=1_234,
        equity=-27.66,
        net=0.0,
        signal=0.0,
        execution=0.0,
        cost=0.0,
        turnover=0.0,
        outcome=BookOutcome.TRADED,
    )


def test_what_is_held_or_wanted_is_carried_and_nothing_else():
    after = state_after(day([0.0, 0.1, 0.0]), BookState(None, 0, 0.0), 2)
    assert (after.as_of, after.cash_cents, after.equity) == (AS_OF, 1_234, -27.66)
    assert (after.quantities, after.ideal) == ({"A": -4}, {"B": 7})
    assert (after.marks, after.unpriced) == ({"A": 10.0, "B": 20.0}, {"A": 2})
    assert after.scores == ({"A": 2.0},)


def test_scores_are_kept_of_sessions_that_decided_and_no_more_than_asked():
    before = BookState(None, 0, 0.0, scores=({"A": 0.0}, {"A": 1.0}))
    assert state_after(day([0.0] * 3), before, 2).scores == ({"A": 1.0}, {"A": 2.0})
    assert state_after(day([np.nan] * 3), before, 2).scores == before.scores
