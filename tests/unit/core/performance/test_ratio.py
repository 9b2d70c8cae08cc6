import math
import subprocess
import sys

import numpy as np
import pytest

from shadowbook.core.performance import realization_ratio
from shadowbook.core.performance.ratio import ratio_path

SHARPE = 1.5 / math.sqrt(252)


def rng(seed=0):
    return np.random.default_rng(seed)


def returns(n, seed, sharpe=SHARPE, rho=0.0):
    values = math.sqrt(1.0 - rho * rho) * rng(seed).normal(size=n)
    for at in range(1, n):
        values[at] += rho * values[at - 1]
    return 0.01 * (values + sharpe)


def standard(n, seed):
    """Noise with mean 0 and deviation 1, exactly."""
    noise = rng(seed).normal(size=n)
    return (noise - noise.mean()) / noise.std(ddof=1)


def sharpe_of(values):
    return values.mean() / values.std(ddof=1)


def test_two_numbers_are_divided():
    found = realization_ratio(1.5, 2.0, rng())
    assert (found.value, found.status) == (0.75, "OK")
    assert np.isnan(found.interval).all()


def test_value_is_the_ratio_of_the_sharpes_and_lies_in_its_interval():
    live, backtest = returns(252, 1), returns(2_500, 2)
    found = realization_ratio(live, backtest, rng())
    assert found.value == pytest.approx(sharpe_of(live) / sharpe_of(backtest), rel=1e-12)
    assert found.interval[0] < found.value < found.interval[1]
    again = realization_ratio(live, backtest, rng())
    assert again == found


def test_planted_series_with_a_ratio_of_three_quarters():
    noise = standard(1_000, 3)
    found = realization_ratio(0.01 * (noise + 0.15), 0.02 * (noise + 0.2), rng())
    assert found.value == pytest.approx(0.75, rel=1e-9)


def test_interval_of_a_sure_backtest_is_that_of_the_live_sharpe():
    """A backtest of 20,000 sessions hardly varies: live error over its Sharpe is left."""
    live, backtest = returns(1_000, 4, sharpe=0.2), returns(20_000, 5, sharpe=0.4)
    low, high = realization_ratio(live, backtest, rng()).interval
    error = math.sqrt((1.0 + sharpe_of(live) ** 2 / 2.0) / 999) / sharpe_of(backtest)
    assert (high - low) / (2.0 * 1.96) == pytest.approx(error, rel=0.12)


def test_mean_of_information_coefficients():
    live, backtest = rng(1).normal(0.02, 0.1, 252), rng(2).normal(0.04, 0.1, 2_500)
    live[[3, 9]] = np.nan
    found = realization_ratio(live, backtest, rng(), statistic="mean")
    assert found.value == pytest.approx(np.nanmean(live) / backtest.mean(), rel=1e-12)
    assert found.interval[0] < found.value < found.interval[1]


def test_missing_values_are_dropped():
    live, backtest = returns(252, 1), returns(2_500, 2)
    holed = np.insert(live, [5, 100], [np.nan, np.inf])
    assert realization_ratio(holed, backtest, rng()) == realization_ratio(live, backtest, rng())
    listed = [None, *live.tolist()]
    assert realization_ratio(listed, backtest, rng()) == realization_ratio(live, backtest, rng())


@pytest.mark.parametrize(
    ("live", "backtest", "reason"),
    [
        (1.5, 0.0, "above zero"),
        (1.5, -2.0, "above zero"),
        (1.5, 1e-320, "too small"),
        (1.5, math.nan, "backtest figure is missing"),
        (math.nan, 2.0, "live figure is missing"),
        (returns(252, 1), returns(252, 1, sharpe=-1.0), "above zero"),
        (returns(252, 1), np.full(252, 0.01), "backtest series is constant"),
        (returns(252, 1), returns(9, 1), "backtest series has 9 known values"),
        (np.zeros(252), returns(252, 1, sharpe=1.0), "live series is constant"),
        (np.full(252, np.nan), returns(252, 1, sharpe=1.0), "live series has 0 known values"),
    ],
)
def test_what_cannot_be_computed_says_why(live, backtest, reason):
    found = realization_ratio(live, backtest, rng())
    assert found.status == "NOT_COMPUTABLE"
    assert reason in found.reason
    assert math.isnan(found.value)
    assert np.isnan(found.interval).all()


def test_a_backtest_that_may_be_zero_leaves_the_interval_open_above():
    """A Sharpe ratio of 0.12 from 100 sessions has an error of 0.1: one draw in nine is below 0."""
    found = realization_ratio(standard(252, 1) + 0.1, standard(100, 6) + 0.12, rng())
    assert found.value == pytest.approx(0.1 / 0.12)
    assert -1.0 < found.interval[0] < found.value
    assert math.isnan(found.interval[1])


def test_a_losing_book_beside_such_a_backtest_is_open_below():
    found = realization_ratio(standard(252, 1) - 0.1, standard(100, 6) + 0.12, rng())
    assert math.isnan(found.interval[0])
    assert found.value < found.interval[1] < 1.0


def test_constant_coefficients_have_a_sure_mean():
    found = realization_ratio(np.full(30, 0.02), np.full(30, 0.04), rng(), statistic="mean")
    assert (found.value, found.interval) == (0.5, (0.5, 0.5))


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        ((1.5, np.ones(20)), {}, "both be numbers"),
        ((1.5, 2.0), {"n_resamples": 39}, "at least 40"),
    ],
)
def test_impossible_requests_are_refused(arguments, options, match):
    with pytest.raises(ValueError, match=match):
        realization_ratio(*arguments, rng(), **options)


def test_path_has_a_point_every_step_back_from_the_newest():
    live, backtest = returns(300, 1), returns(1_000, 2)
    sessions = np.datetime64("2020-01-01", "D") + np.arange(300)
    path = ratio_path(live, backtest, sessions, 126, 21, rng())
    ends = [300 - 21 * back for back in range(8, -1, -1)]
    assert path.sessions.tolist() == sessions[np.array(ends) - 1].tolist()
    for end, value in zip(ends, path.values, strict=True):
        expected = sharpe_of(live[end - 126 : end]) / sharpe_of(backtest)
        assert value == pytest.approx(expected, rel=1e-12)
    assert (path.low < path.values).all()
    assert (path.values < path.high).all()
    assert path.window == 126


def test_path_of_a_record_of_one_window_has_one_point():
    sessions = np.datetime64("2020-01-01", "D") + np.arange(63)
    path = ratio_path(returns(63, 1), returns(300, 2), sessions, 63, 21, rng())
    assert path.sessions.tolist() == [sessions[-1].item()]


def test_path_of_a_short_record_has_no_points():
    sessions = np.datetime64("2020-01-01", "D") + np.arange(30)
    path = ratio_path(returns(30, 1), returns(300, 2), sessions, 63, 21, rng())
    assert (len(path.sessions), len(path.values), len(path.low)) == (0, 0, 0)


@pytest.mark.parametrize(("n", "window", "step"), [(29, 20, 5), (30, 9, 5), (30, 20, 0)])
def test_impossible_paths_are_refused(n, window, step):
    sessions = np.datetime64("2020-01-01", "D") + np.arange(30)
    with pytest.raises(ValueError, match="give a"):
        ratio_path(np.zeros(n), np.zeros(30), sessions, window, step, rng())


@pytest.mark.slow
def test_interval_covers_the_true_ratio_of_autocorrelated_returns():
    """True ratio 1, AR(0.3), a year live against ten: 93.6 % in 1,500 worlds."""
    covered = []
    for seed in range(400):
        live, backtest = returns(252, 2 * seed, rho=0.3), returns(2_500, 2 * seed + 1, rho=0.3)
        low, high = realization_ratio(live, backtest, rng(seed)).interval
        covered.append(not low > 1.0 and not high < 1.0)
    assert 0.90 < np.mean(covered) < 0.98


def test_importing_the_room_loads_nothing_slow():
    code = (
        "import sys, shadowbook.core.performance as room; room.rolling_sharpe;"
        "print([n for n in ('scipy.stats', 'pandas', 'matplotlib', 'arch') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
