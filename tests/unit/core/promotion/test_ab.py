"""What an A/B book shows, and what its guards make of it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from shadowbook.core.promotion.ab import compare
from shadowbook.core.promotion.ab_differences import BookSessions
from shadowbook.core.promotion.guards import GuardOutcome
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.errors import SchemaError

NAN = math.nan
POLICY = RampPolicy()
PASSED, BREACHED, MISSING = GuardOutcome.PASSED, GuardOutcome.BREACHED, GuardOutcome.MISSING
N = 12


def noise(seed, n=N):
    return 0.006 * np.random.default_rng(seed).standard_normal(n)


def book(n=N, **given):
    values = {
        "net": noise(1, n),
        "signal": noise(1, n),
        "execution": np.zeros(n),
        "cost": np.zeros(n),
        "notional": np.full(n, 1e4),
        "slippage_bps": 5.0 + np.sin(np.arange(n)),
        "fill_ratio": np.ones(n),
    }
    values |= {name: np.asarray(value, dtype=float) for name, value in given.items()}
    return BookSessions(np.datetime64("2020-01-01") + np.arange(n), **values)


def judged(ab, champion=None, agreement=None, policy=POLICY, **more):
    n = len(ab.net)
    agreed = np.ones(n) if agreement is None else np.asarray(agreement, dtype=float)
    return compare(ab, champion or book(n), agreed, policy, **more)


def guard(evidence, name):
    (one,) = [verdict for verdict in evidence.guards if verdict.guard == name]
    return one


def outcomes(evidence):
    return {one.guard: one.outcome for one in evidence.guards}


def test_two_equal_books_pass_everything():
    evidence = judged(book())
    assert set(outcomes(evidence).values()) == {PASSED}
    assert evidence.n_sessions == N
    assert not evidence.breached
    assert [one.name for one in evidence.differences] == [
        "net",
        "signal",
        "execution",
        "cost",
        "slippage_bps",
    ]
    assert [one.value for one in evidence.differences] == [0.0] * 5
    assert guard(evidence, "shortfall").value == 0.0


def test_a_guard_that_is_off_says_nothing():
    policy = RampPolicy(max_drawdown=None, min_fill_ratio=None)
    assert list(outcomes(judged(book(), policy=policy))) == [
        "shortfall",
        "slippage",
        "position_agreement",
    ]


def test_the_drawdown_is_watched_from_the_first_session_on_over_the_whole_ramp():
    fall = judged(book(1, net=[-0.15]))
    assert guard(fall, "drawdown").outcome is BREACHED
    assert guard(fall, "drawdown").value == pytest.approx(0.15, rel=1e-12)
    assert guard(judged(book(1, net=[-0.149])), "drawdown").outcome is PASSED
    net = np.zeros(N)
    net[:2] = -0.08
    over_steps = judged(book(net=net), after=date(2020, 1, 6))
    assert guard(over_steps, "drawdown").value == pytest.approx(1 - 0.92**2, rel=1e-12)
    assert guard(over_steps, "drawdown").outcome is BREACHED


def test_a_drawdown_that_breached_stays_breached_where_the_newest_is_missing():
    net = np.full(N, 0.001)
    net[3], net[-1] = -0.2, NAN
    assert guard(judged(book(net=net)), "drawdown").outcome is BREACHED
    net[3] = 0.0
    missing = guard(judged(book(net=net)), "drawdown")
    assert missing.outcome is MISSING
    assert missing.reason == "drawdown since the ramp began: the newest session has no value"


def test_the_shortfall_is_counted_in_standard_errors_of_the_step():
    champion = book()
    gap = noise(2)
    ab = book(net=champion.net + gap - gap.mean() - 0.004)
    found = judged(ab, champion)
    net = found.differences[0]
    assert net.value == pytest.approx(-0.004, rel=1e-9)
    value = 0.004 / net.standard_error
    assert guard(found, "shortfall").value == pytest.approx(value, rel=1e-9)
    exactly = RampPolicy(max_shortfall=guard(found, "shortfall").value)
    assert guard(judged(ab, champion, policy=exactly), "shortfall").outcome is BREACHED
    above = RampPolicy(max_shortfall=guard(found, "shortfall").value * (1 + 1e-8))
    assert guard(judged(ab, champion, policy=above), "shortfall").outcome is PASSED


def test_an_earlier_step_and_the_shadow_tell_the_scale_alone():
    n = 80
    gap = noise(3, n)
    champion = book(n)
    ab = book(n, net=champion.net + gap)
    after = date(2020, 3, 10)
    whole = judged(ab, champion, after=after)
    own = int((ab.sessions > np.datetime64(after)).sum())
    assert whole.n_sessions == own == 10
    assert whole.differences[0].value == pytest.approx(gap[-10:].mean(), rel=1e-9)
    later = BookSessions(**{name: values[-10:] for name, values in vars(ab).items()})
    shadow = judged(later, champion, history=gap[:-10])
    assert shadow.differences[0].standard_error == pytest.approx(
        whole.differences[0].standard_error, rel=1e-9
    )


def test_a_better_challenger_has_no_shortfall():
    champion = book()
    better = judged(book(net=champion.net + 0.01 + noise(4)), champion)
    assert guard(better, "shortfall").value < 0.0
    assert guard(better, "shortfall").outcome is PASSED


@pytest.mark.parametrize(
    ("n", "history", "expected"),
    [(4, True, MISSING), (5, True, BREACHED), (9, False, MISSING), (10, False, BREACHED)],
)
def test_an_average_needs_its_sessions_to_breach(n, history, expected):
    champion = book(n)
    ab = book(n, net=champion.net + noise(5, n) - 0.05)
    found = judged(ab, champion, history=noise(6, 63) if history else None)
    assert guard(found, "shortfall").outcome is expected
    assert guard(found, "shortfall").value > 3.5


def test_too_few_sessions_do_not_pass():
    found = judged(book(9))
    assert guard(found, "shortfall").reason.endswith("9 sessions of 10")
    assert guard(found, "shortfall").outcome is MISSING
    assert guard(found, "slippage").outcome is PASSED
    assert set(outcomes(judged(book(4))).values()) == {MISSING, PASSED}
    assert guard(judged(book(4)), "fill_ratio").reason == "mean fill ratio: 4 sessions of 5"


def test_one_session_passes_the_drawdown_alone():
    found = judged(book(1))
    assert outcomes(found) == {
        "drawdown": PASSED,
        "shortfall": MISSING,
        "slippage": MISSING,
        "fill_ratio": MISSING,
        "position_agreement": MISSING,
    }


def test_no_session_is_missing_everywhere():
    empty = book(0)
    found = judged(empty, empty)
    assert set(outcomes(found).values()) == {MISSING}
    assert all(math.isnan(one.value) for one in found.guards)
    nothing_yet = judged(book(), after=date(2030, 1, 1))
    assert guard(nothing_yet, "shortfall").reason.endswith("no session has a value")
    assert guard(nothing_yet, "drawdown").outcome is PASSED


def test_zero_fills_breach_the_fill_ratio_and_leave_slippage_missing():
    found = judged(book(notional=np.zeros(N), slippage_bps=np.full(N, NAN), fill_ratio=np.zeros(N)))
    assert guard(found, "fill_ratio").outcome is BREACHED
    assert guard(found, "fill_ratio").reason == (
        "mean fill ratio is 0 after 12 sessions, and the least 0.8"
    )
    assert guard(found, "slippage").outcome is MISSING
    assert found.differences[4].status == "NOT_COMPUTABLE"


def test_nothing_ordered_is_missing_not_breached():
    found = judged(book(fill_ratio=np.full(N, NAN), slippage_bps=np.full(N, NAN)))
    assert guard(found, "fill_ratio").outcome is MISSING
    sparse = np.full(N, NAN)
    sparse[[0, 2, 4, 6, 8]] = 0.8
    assert guard(judged(book(fill_ratio=sparse)), "fill_ratio").outcome is PASSED
    sparse[0] = 0.79
    assert guard(judged(book(fill_ratio=sparse)), "fill_ratio").outcome is BREACHED


def test_slippage_must_be_above_its_limit_and_above_chance():
    champion = book()
    dear = judged(book(slippage_bps=champion.slippage_bps + 3.0), champion)
    assert guard(dear, "slippage").outcome is BREACHED
    assert guard(dear, "slippage").value == pytest.approx(3.0, rel=1e-12)
    cheap = judged(book(slippage_bps=champion.slippage_bps + 2.99), champion)
    assert guard(cheap, "slippage").outcome is PASSED
    wild = champion.slippage_bps + 4.0 + 30.0 * (-1.0) ** np.arange(N)
    unsure = judged(book(slippage_bps=wild), champion)
    assert guard(unsure, "slippage").outcome is MISSING
    assert "may be chance" in guard(unsure, "slippage").reason


def test_slippage_is_weighted_by_what_was_paid_for():
    champion = book()
    slippage = champion.slippage_bps.copy()
    slippage[0] += 30.0
    notional = np.full(N, 1e4)
    notional[0] = 1.0
    found = judged(book(slippage_bps=slippage, notional=notional), champion)
    assert guard(found, "slippage").value < 0.001


def test_positions_must_be_those_of_its_shadow():
    assert guard(judged(book(), agreement=np.full(N, 0.9)), "position_agreement").outcome is PASSED
    found = judged(book(), agreement=np.full(N, 0.899))
    assert guard(found, "position_agreement").outcome is BREACHED
    late = np.full(N, 0.95)
    late[0] = NAN
    assert guard(judged(book(), agreement=late), "position_agreement").outcome is PASSED
    late[-1] = NAN
    assert guard(judged(book(), agreement=late), "position_agreement").outcome is MISSING


def test_the_newest_session_must_be_there():
    champion = book()
    net = champion.net.copy()
    net[-1] = NAN
    for one, other in ((book(net=net), champion), (champion, book(net=net))):
        found = guard(judged(one, other), "shortfall")
        assert found.outcome is MISSING
        assert found.reason.endswith("the newest session has no value")
    without = BookSessions(**{name: values[:-1] for name, values in vars(champion).items()})
    assert guard(judged(champion, without), "shortfall").outcome is MISSING


def test_an_older_gap_is_left_out_and_infinity_is_a_gap():
    champion = book()
    for wrong in (NAN, math.inf, -math.inf):
        net = champion.net.copy()
        net[4] = wrong
        found = judged(book(net=net), champion)
        assert (found.n_sessions, outcomes(found)["shortfall"]) == (N - 1, PASSED)
        assert math.isfinite(guard(found, "drawdown").value)


def test_a_difference_that_never_varies_cannot_be_put_in_standard_errors():
    flat = book(net=np.zeros(N))
    found = guard(judged(book(net=np.full(N, -1e-4)), flat), "shortfall")
    assert found.outcome is MISSING
    assert math.isnan(found.value)
    assert "differs by the same -0.0001" in found.reason
    with_past = judged(book(net=np.full(N, -1e-3)), flat, history=1e-4 * noise(7, 100))
    assert guard(with_past, "shortfall").outcome is BREACHED


def test_books_that_are_no_books_are_refused():
    good = book()
    with pytest.raises(SchemaError, match="ascend"):
        judged(replace(good, sessions=good.sessions[::-1]))
    with pytest.raises(SchemaError, match="net has not one value"):
        judged(good, replace(good, net=good.net[1:]))
    with pytest.raises(SchemaError, match="agreement has 3"):
        judged(good, agreement=np.ones(3))
