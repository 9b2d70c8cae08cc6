"""Limits: absolute, of the launch baseline, and from the backtest's bootstrap."""

import math

import numpy as np
import pytest

from shadowbook.core.performance.limits import limits_of, own_value
from shadowbook.core.performance.tiers import CALIBRATED, METRICS, TEXTBOOK, Rule
from shadowbook.core.stats.growth import max_drawdown
from shadowbook.core.track import Backtest


def backtest(n=2500, sharpe=1.5, seed=1, net=None, horizon=5):
    rng = np.random.default_rng(seed)
    if net is None:
        net = 0.01 * (rng.standard_normal(n) + sharpe / math.sqrt(252))
    n = len(net)
    turnover = 0.2 + 0.02 * rng.standard_normal(n)
    ic = rng.normal(0.02, 0.1, n)
    ic[-horizon:] = np.nan
    gross = net + 5e-4 * turnover
    sessions = np.datetime64("2005-01-03", "D") + np.arange(n)
    return Backtest(sessions, gross, gross, net, turnover, ic, ic, horizon=horizon)


def rule(**changes):
    base = {"name": "r", "metric": "sharpe", "window": 63, "tier": "watch", "kind": "absolute"}
    return Rule(**{**base, "limit": 1.0, **changes})


def limit(given, tested, seed=0, n_resamples=2000):
    return limits_of([given], tested, np.random.default_rng(seed), n_resamples=n_resamples)[0]


def test_an_absolute_sharpe_ratio_is_given_a_year_and_kept_a_session():
    found = limit(rule(limit=1.0, hysteresis=0.5), None)
    assert found.value == pytest.approx(1.0 / math.sqrt(252))
    assert found.clear == pytest.approx(1.5 / math.sqrt(252))
    monthly = limits_of([rule()], None, np.random.default_rng(0), periods_per_year=12)[0]
    assert monthly.value == pytest.approx(1.0 / math.sqrt(12))


@pytest.mark.parametrize(
    ("metric", "given", "value", "clear"),
    [
        ("drawdown_current", -0.2, -0.2, -0.1),
        ("turnover", 0.4, 0.4, 0.2),
        ("volatility", 0.3, 0.3 / math.sqrt(252), 0.15 / math.sqrt(252)),
        ("drawdown_length", 60.0, 60.0, 30.0),
    ],
)
def test_an_absolute_limit_is_cleared_on_its_good_side(metric, given, value, clear):
    found = limit(rule(metric=metric, limit=given, hysteresis=0.5), None)
    assert (found.value, found.clear) == pytest.approx((value, clear))


def test_a_baseline_limit_is_a_share_of_the_backtests_own_value():
    tested = backtest()
    own = tested.net.mean() / tested.net.std(ddof=1)
    found = limit(rule(kind="baseline", limit=0.5, hysteresis=0.2), tested)
    assert found.value == pytest.approx(0.5 * own)
    assert found.clear == pytest.approx(0.6 * own)
    cost = limit(rule(kind="baseline", metric="cost", limit=1.5), tested)
    assert cost.value == pytest.approx(1.5 * 5e-4 * tested.turnover.mean())


def test_a_baseline_drawdown_is_a_share_of_the_deepest_there_was():
    tested = backtest()
    found = limit(rule(kind="baseline", metric="drawdown_current", hysteresis=0.5), tested)
    deepest = float(max_drawdown(tested.net))
    assert found.value == pytest.approx(deepest)
    assert found.clear == pytest.approx(deepest / 2.0)


def test_the_longest_time_under_water_of_the_backtest_is_counted():
    tested = backtest(net=np.array([0.5, -0.1, -0.1, 0.5, -0.1, 0.01, 0.01, 0.01]))
    assert own_value("drawdown_length", tested) == 4.0


@pytest.mark.parametrize("metric", METRICS)
def test_a_rule_without_a_backtest_cannot_be_computed(metric):
    for kind, value in (("baseline", 0.5), ("statistical", 0.01)):
        found = limit(rule(kind=kind, metric=metric, limit=value), None)
        assert found.status == "NOT_COMPUTABLE"
        assert found.reason == "the version has no recorded backtest"
        assert math.isnan(found.value)


def test_no_share_of_a_losing_backtest_is_a_limit():
    found = limit(rule(kind="baseline", limit=0.5), backtest(sharpe=-3.0))
    assert found.status == "NOT_COMPUTABLE"
    assert "no share of it is worse" in found.reason


@pytest.mark.parametrize(("n", "window", "needed"), [(100, 63, 126), (200, 252, 252), (0, 21, 126)])
def test_a_short_backtest_has_no_tails(n, window, needed):
    found = limit(rule(kind="statistical", limit=0.01, window=window), backtest(n))
    assert found.reason == f"the backtest has {n} sessions with a value, {needed} are needed"


def test_a_constant_backtest_has_no_tails():
    tested = backtest(net=np.full(300, 0.001))
    found = limit(rule(kind="statistical", limit=0.01), tested)
    assert found.status == "NOT_COMPUTABLE"
    assert "does not vary" in found.reason


@pytest.mark.parametrize(("window", "chance"), [(63, 0.05), (126, 0.01), (252, 0.05)])
def test_a_statistical_limit_is_the_quantile_of_independent_returns(window, chance):
    """With normal returns a window's ratio is near normal: quantile by its standard error."""
    tested = backtest(n=5000)
    own = own_value("sharpe", tested)
    found = limit(rule(kind="statistical", limit=chance, window=window), tested, n_resamples=20_000)
    z = {0.05: 1.6449, 0.01: 2.3263}[chance]
    normal = own - z * math.sqrt((1.0 + own**2 / 2.0) * (1.0 / window + 1.0 / 5000))
    assert found.value == pytest.approx(normal, abs=0.08 * abs(normal - own))


def test_a_share_of_new_windows_as_large_as_the_chance_lies_beyond_the_limit():
    """Held against windows that the backtest has not seen, and that are half as long as it."""
    rng = np.random.default_rng(8)
    given = rule(kind="statistical", limit=0.1, window=252)
    beyond = []
    for seed in range(150):
        found = limit(given, backtest(n=504, seed=seed), seed, n_resamples=400)
        fresh = 0.01 * (rng.standard_normal((100, 252)) + 1.5 / math.sqrt(252))
        beyond.append((fresh.mean(axis=1) / fresh.std(axis=1, ddof=1) <= found.value).mean())
    assert np.mean(beyond) == pytest.approx(0.1, abs=0.025)


def test_what_is_bad_above_has_its_limit_in_the_upper_tail():
    tested = backtest()
    for metric in ("volatility", "turnover", "cost", "drawdown_length"):
        own = own_value(metric, tested)
        found = limit(rule(kind="statistical", metric=metric, limit=0.01, hysteresis=0.5), tested)
        assert found.clear < found.value
        if metric != "drawdown_length":
            assert found.value > own


def test_overlapping_coefficients_get_wider_limits_than_independent_ones():
    rng = np.random.default_rng(4)
    steps = rng.normal(0.0, 1.0, 2500 + 20)
    overlapped = np.convolve(steps, np.ones(21) / math.sqrt(21.0), mode="valid")
    given = rule(kind="statistical", metric="information_coefficient", limit=0.05)
    wide, narrow = backtest(horizon=21), backtest(horizon=1)
    wide.information_coefficient[:] = overlapped
    narrow.information_coefficient[:] = rng.permutation(overlapped)
    assert limit(given, wide).value < 2.0 * limit(given, narrow).value < 0.0


def test_the_same_draw_gives_the_same_limits_and_drawdowns_are_never_below_a_total_loss():
    tested = backtest(net=np.random.default_rng(0).normal(0.0, 0.3, 300).clip(-0.9))
    rules = (*CALIBRATED, *TEXTBOOK)
    one, two = (limits_of(rules, tested, np.random.default_rng(9)) for _ in range(2))
    assert one == two
    assert [found.rule for found in one] == [given.name for given in rules]
    assert min(x.value for x in one if x.metric == "drawdown_current") >= -1.0
