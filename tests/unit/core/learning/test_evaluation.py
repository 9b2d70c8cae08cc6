import math

import numpy as np
import pytest
import statsmodels.api as sm
from pydantic import ValidationError
from scipy import stats
from statsmodels.stats.sandwich_covariance import S_hac_simple

from shadowbook.core.learning.evaluation import EvaluationPolicy, evaluate, hit_rates
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.stats.growth import max_drawdown
from shadowbook.core.stats.hac import bandwidth, small_sample_factor
from shadowbook.core.stats.resampling import circular_block_indices

POLICY = EvaluationPolicy()
NAMES = {
    "information_coefficient",
    "hit_rate",
    "gross_return",
    "net_return",
    "turnover",
    "sharpe",
    "sharpe_annualized",
    "max_drawdown",
}


def random_walk(rows, names, seed, volatility=0.01):
    rng = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(rng.normal(0.0, volatility, (rows, names)), axis=0))


def judged(scores, prices, horizon=5, policy=POLICY):
    return evaluate(scores, prices, horizon, policy, np.random.default_rng(0))


def test_information_coefficient_equals_scipy_on_real_prices(sample):
    prices = sample.prices[-600:]
    scores = np.full(prices.shape, np.nan)
    scores[21:] = prices[21:] / prices[:-21] - 1.0
    found = judged(scores, prices)
    forward = prices[5:] / prices[:-5] - 1.0
    expected = [stats.spearmanr(scores[t], forward[t]).statistic for t in range(21, 595)]
    np.testing.assert_allclose(found.information_coefficient[21:595], expected, atol=1e-13)
    assert np.isnan(found.information_coefficient[:21]).all()
    assert np.isnan(found.information_coefficient[595:]).all()


@pytest.mark.parametrize("name", ["information_coefficient", "net_return", "turnover", "hit_rate"])
def test_errors_of_means_equal_statsmodels(name, sample):
    prices = sample.prices[-600:]
    scores = np.random.default_rng(1).normal(size=prices.shape)
    found = judged(scores, prices)
    series = {
        "information_coefficient": found.information_coefficient,
        "net_return": found.net,
        "turnover": found.turnover,
        "hit_rate": found.hit_rate,
    }[name]
    values = series[np.isfinite(series)]
    lags = bandwidth(len(values), 5)
    fit = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    metric = found.metrics[name]
    assert metric.value == pytest.approx(fit.params[0], rel=1e-12)
    stretch = small_sample_factor(len(values), lags)
    assert metric.standard_error == pytest.approx(fit.bse[0] * stretch, rel=1e-9)
    assert metric.n_obs == len(values)


def test_sharpe_error_equals_the_delta_method_on_statsmodels_long_run_covariance(sample):
    prices = sample.prices[-900:]
    scores = np.full(prices.shape, np.nan)
    scores[21:] = prices[21:] / prices[:-21] - 1.0
    found = judged(scores, prices, 21)
    net = found.net[np.isfinite(found.net)]
    n, lags = len(net), bandwidth(len(net), 21)
    moments = np.column_stack([net, net**2])
    covariance = S_hac_simple(moments - moments.mean(axis=0), nlags=lags) / n
    mean, square = moments.mean(axis=0)
    deviation = math.sqrt(square - mean**2)
    gradient = np.array([square, -mean / 2.0]) / deviation**3
    error = math.sqrt(gradient @ covariance @ gradient / n) * small_sample_factor(n, lags)
    assert found.metrics["sharpe"].standard_error == pytest.approx(error, rel=5e-3)


def test_drawdown_error_is_the_spread_over_resampled_blocks(sample):
    prices = sample.prices[-900:]
    found = judged(np.random.default_rng(1).normal(size=prices.shape), prices, 21)
    net = found.net[np.isfinite(found.net)]
    rows = circular_block_indices(len(net), 21, 200, np.random.default_rng(0))
    expected = np.std([max_drawdown(net[row]) for row in rows], ddof=1)
    metric = found.metrics["max_drawdown"]
    assert metric.value == pytest.approx(
        (found.equity / np.maximum.accumulate(found.equity)).min() - 1
    )
    assert metric.standard_error == pytest.approx(expected, rel=1e-12)


def test_sharpe_error_on_independent_normal_returns_is_lo_s():
    prices = random_walk(8_000, 10, 3)
    scores = np.random.default_rng(3).normal(size=prices.shape)
    metric = judged(scores, prices, 1).metrics["sharpe"]
    lo = math.sqrt((1.0 + metric.value**2 / 2.0) / metric.n_obs)
    assert metric.standard_error == pytest.approx(lo, rel=0.15)


def test_sharpe_is_mean_over_deviation_and_scales_with_the_year(sample):
    prices = sample.prices[-600:]
    found = judged(np.random.default_rng(1).normal(size=prices.shape), prices)
    net = found.net[np.isfinite(found.net)]
    daily, yearly = found.metrics["sharpe"], found.metrics["sharpe_annualized"]
    assert daily.value == pytest.approx(net.mean() / net.std(ddof=1), rel=1e-12)
    assert yearly.value == pytest.approx(daily.value * math.sqrt(252), rel=1e-12)
    assert found.t_statistic("sharpe") == pytest.approx(found.t_statistic("sharpe_annualized"))


@pytest.mark.parametrize("horizon", [1, 5, 21])
def test_foresight_is_hugely_positive_and_hindsight_is_not(horizon):
    prices = random_walk(1_500, 20, 7)
    policy = EvaluationPolicy(execution_lag=0, cost_bps=0.0)
    foresight = forward_returns(prices, horizon)
    perfect = judged(foresight, prices, horizon, policy)
    assert perfect.metrics["information_coefficient"].value == pytest.approx(1.0)
    assert perfect.metrics["hit_rate"].value == 1.0
    assert perfect.t_statistic("net_return") > 20
    hindsight = np.full(prices.shape, np.nan)
    hindsight[horizon:] = foresight[:-horizon]
    late = judged(hindsight, prices, horizon, policy)
    assert abs(late.t_statistic("information_coefficient")) < 3
    assert abs(late.t_statistic("net_return")) < 3


def test_foresight_of_one_session_is_worthless_after_the_execution_lag():
    prices = random_walk(3_000, 20, 11)
    foresight = forward_returns(prices, 1)
    at_once = judged(foresight, prices, 1, EvaluationPolicy(execution_lag=0, cost_bps=0.0))
    later = judged(foresight, prices, 1, EvaluationPolicy(execution_lag=1, cost_bps=0.0))
    assert at_once.t_statistic("gross_return") > 50
    assert abs(later.t_statistic("gross_return")) < 3


def test_costs_are_turnover_times_their_rate(sample):
    prices = sample.prices[-400:]
    scores = np.random.default_rng(2).normal(size=prices.shape)
    free = judged(scores, prices, 5, EvaluationPolicy(cost_bps=0.0))
    dear = judged(scores, prices, 5, EvaluationPolicy(cost_bps=50.0))
    np.testing.assert_array_equal(free.gross, dear.gross)
    np.testing.assert_allclose(free.net - dear.net, 0.005 * dear.turnover, atol=1e-15)


def test_null_scores_are_rejected_about_as_often_as_they_should_be():
    horizon, rejected, n_worlds = 5, 0, 400
    rng = np.random.default_rng(42)
    policy = EvaluationPolicy(n_resamples=50)
    for _ in range(n_worlds):
        prices = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (750, 12)), axis=0))
        # persistent scores, as real ones are: neighboring sessions say nearly the same
        steps = rng.normal(size=(750, 12))
        scores = np.cumsum(steps, axis=0)
        scores[40:] -= scores[:-40].copy()
        found = evaluate(scores, prices, horizon, policy, rng)
        rejected += abs(found.t_statistic("information_coefficient")) > 1.96
    # 5 % nominal; the share of 400 draws has a deviation of 1.1 %
    assert 0.02 <= rejected / n_worlds <= 0.085


def test_hit_rate_by_hand():
    scores = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, np.nan]])
    outcomes = np.array([[1.0, 5.0, 3.0, 4.0, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    # medians are left out: 1 right, 5 wrong (score below, outcome above), 4 right, 2 wrong
    np.testing.assert_allclose(hit_rates(scores, outcomes, 5), [0.5, np.nan])
    np.testing.assert_allclose(hit_rates(scores, outcomes, 4), [0.5, 1.0])


def test_chance_is_half_right():
    prices = random_walk(1_000, 20, 5)
    scores = np.random.default_rng(5).normal(size=prices.shape)
    found = judged(scores, prices)
    assert found.metrics["hit_rate"].value == pytest.approx(0.5, abs=0.02)
    assert abs(found.t_statistic("hit_rate")) < 3


def test_equity_starts_at_one_and_ends_at_the_product(sample):
    prices = sample.prices[-300:]
    found = judged(np.random.default_rng(1).normal(size=prices.shape), prices)
    assert found.equity[0] == 1.0
    assert found.equity[-1] == pytest.approx(np.nanprod(1.0 + found.net))


def test_too_short_a_history_is_not_computable_and_says_so():
    prices = random_walk(60, 20, 1)
    found = judged(np.random.default_rng(1).normal(size=prices.shape), prices)
    assert set(found.metrics) == NAMES
    for metric in found.metrics.values():
        assert metric.status == "NOT_COMPUTABLE"
        assert math.isnan(metric.value)
        assert math.isnan(metric.standard_error)
        assert "evaluated sessions and needs 63" in metric.reason
    assert math.isnan(found.t_statistic("sharpe"))


def test_long_horizons_need_three_spans():
    prices = random_walk(140, 20, 1)
    found = judged(np.random.default_rng(1).normal(size=prices.shape), prices, 60)
    metric = found.metrics["information_coefficient"]
    assert (metric.status, metric.n_obs) == ("NOT_COMPUTABLE", 80)
    assert "needs 180" in metric.reason


def test_scores_that_say_nothing_are_not_computable():
    prices = random_walk(200, 20, 1)
    found = judged(np.zeros(prices.shape), prices)
    assert {m.status for m in found.metrics.values()} == {"NOT_COMPUTABLE"}


def test_returns_that_do_not_vary_have_no_sharpe():
    prices = np.full((200, 10), 50.0)
    scores = np.tile(np.arange(10.0), (200, 1))
    found = judged(scores, prices, 1, EvaluationPolicy(cost_bps=0.0))
    assert found.metrics["sharpe"].status == "NOT_COMPUTABLE"
    assert "do not vary" in found.metrics["sharpe"].reason
    assert found.metrics["net_return"].value == 0.0


def test_same_generator_same_figures(sample):
    prices = sample.prices[-300:]
    scores = np.random.default_rng(1).normal(size=prices.shape)
    assert judged(scores, prices).metrics == judged(scores, prices).metrics


def test_policy_refuses_what_makes_no_sense():
    for wrong in ({"cost_bps": -1.0}, {"top_fraction": 0.6}, {"execution_lag": -1}, {"lag": 1}):
        with pytest.raises(ValidationError):
            EvaluationPolicy(**wrong)
