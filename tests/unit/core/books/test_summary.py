"""A replay's figures: against hand computation, pandas and statsmodels."""

import json
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.sandwich_covariance import S_hac_simple

from shadowbook.core.books.summary import (
    BookSeries,
    ReplayNote,
    counts_of,
    difference,
    interval,
    metrics_of,
    summarize,
)
from shadowbook.core.stats.hac import bandwidth, small_sample_factor
from shadowbook.errors import InsufficientDataError
from shadowbook.serialization import to_json

NAN = np.nan
ESTIMATED = {
    "sharpe_annualized",
    "net_return_annual",
    "volatility_annual",
    "turnover",
    "signal_annual",
    "execution_annual",
    "cost_annual",
}


def series(net, strategy="weekly", book="champion", first="2020-01-01", **parts):
    net = np.asarray(net, dtype=np.float64)
    n = len(net)
    cost = np.where(np.isfinite(net), -0.0002, NAN)
    made = {
        "signal": net - cost - 0.0001,
        "execution": np.where(np.isfinite(net), 0.0001, NAN),
        "cost": cost,
        "turnover": np.where(np.isfinite(net), 0.1, NAN),
        "equity": 1e6 * np.cumprod(1.0 + np.nan_to_num(net)),
        "gross_exposure": np.ones(n),
        "net_exposure": np.zeros(n),
        "model_versions": np.ones(n, dtype=np.int64),
        "outcomes": ("TRADED",) * n,
    }
    sessions = np.datetime64(first, "D") + np.arange(n)
    return BookSeries(strategy, book, sessions, net, **(made | parts))


def daily(n=500, seed=0, mean=0.0004):
    return np.append(NAN, np.random.default_rng(seed).normal(mean, 0.01, n))


def test_figures_equal_pandas():
    net = daily()
    turnover = np.append(NAN, np.random.default_rng(1).random(500))
    found = metrics_of(series(net, turnover=turnover))
    told = pd.Series(net).dropna()
    curve = pd.concat([pd.Series([1.0]), (1.0 + told).cumprod()])
    expected = {
        "sharpe_annualized": told.mean() / told.std() * math.sqrt(252),
        "net_return_annual": curve.iloc[-1] ** (252 / 500) - 1,
        "volatility_annual": told.std() * math.sqrt(252),
        "max_drawdown": (curve / curve.cummax() - 1).min(),
        "net_return": curve.iloc[-1] - 1,
        "turnover": pd.Series(turnover).mean(),
        "signal_annual": (told + 0.0001).mean() * 252,
        "execution_annual": 0.0252,
        "cost_annual": -0.0504,
    }
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].value == pytest.approx(value, rel=1e-12), key
        assert (found[key].status, found[key].n_obs) == ("OK", 500)


def test_three_days_by_hand():
    """1 -> 0.9 -> 0.99 -> 0.891: from the start down to 0.891, and nothing can be estimated."""
    found = metrics_of(series([NAN, -0.1, 0.1, -0.1]))
    assert found["net_return"].value == pytest.approx(-0.109, abs=1e-15)
    assert found["max_drawdown"].value == pytest.approx(-0.109, abs=1e-15)
    assert math.isnan(found["max_drawdown"].standard_error)
    for key in ESTIMATED:
        assert found[key].status == "NOT_COMPUTABLE"
        assert found[key].reason == f"{key} has 3 sessions with a return and needs 63"
        assert math.isnan(found[key].value)


def test_a_fall_on_the_first_session_counts():
    assert metrics_of(series([-0.2, 0.1]))["max_drawdown"].value == pytest.approx(-0.2)
    assert metrics_of(series([0.2, 0.1]))["max_drawdown"].value == 0.0


def test_the_least_number_of_sessions():
    assert metrics_of(series(daily(62)))["sharpe_annualized"].status == "NOT_COMPUTABLE"
    assert metrics_of(series(daily(63)))["sharpe_annualized"].status == "OK"


def test_returns_that_do_not_vary_have_no_sharpe_and_no_volatility():
    found = metrics_of(series(np.full(100, 0.001)))
    assert found["sharpe_annualized"].status == "NOT_COMPUTABLE"
    assert found["sharpe_annualized"].reason.endswith("the returns do not vary")
    assert found["volatility_annual"].value == pytest.approx(0.0, abs=1e-15)
    assert found["net_return_annual"].value == pytest.approx(1.001**252 - 1.0)


def test_a_book_that_lost_all_it_had():
    net = np.append(daily(100), [-1.0, 0.0, 0.5])
    found = metrics_of(series(net))
    for key in ("net_return_annual", "net_return", "max_drawdown"):
        assert found[key].value == -1.0
        assert math.isnan(found[key].standard_error)


def test_a_book_without_a_session_has_no_figure():
    for metric in metrics_of(series([NAN, NAN])).values():
        assert (metric.status, metric.n_obs) == ("NOT_COMPUTABLE", 0)


@pytest.mark.parametrize("key", ["turnover", "signal_annual"])
def test_errors_of_means_equal_statsmodels(key):
    values = daily()[1:]
    factor = 1.0 if key == "turnover" else 252.0
    part = key.removesuffix("_annual")
    found = metrics_of(series(daily(seed=3), **{part: np.append(NAN, values)}))[key]
    lags = bandwidth(500)
    fit = sm.OLS(values, np.ones(500)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    error = fit.bse[0] * small_sample_factor(500, lags) * factor
    assert found.standard_error == pytest.approx(error, rel=1e-9)


def delta_method(columns, gradient):
    """Error of a function of means, from statsmodels' long-run covariance of the columns."""
    n, lags = len(columns), bandwidth(len(columns))
    covariance = S_hac_simple(columns - columns.mean(axis=0), nlags=lags) / n
    return math.sqrt(gradient @ covariance @ gradient / n) * small_sample_factor(n, lags)


def sharpe_gradient(net):
    mean, variance = net.mean(), net.var()
    return np.array([(net**2).mean() / variance**1.5, -mean / (2.0 * variance**1.5)])


def test_errors_of_sharpe_growth_and_volatility_equal_the_delta_method():
    net = daily(900)[1:]
    found = metrics_of(series(net))
    moments = np.column_stack([net, net**2])
    sharpe = delta_method(moments, sharpe_gradient(net)) * math.sqrt(252)
    deviation = net.std()
    volatility = delta_method(moments, np.array([-net.mean(), 0.5]) / deviation) * math.sqrt(252)
    logs = np.log1p(net)
    growth = delta_method(logs[:, None], np.array([252.0 * math.exp(252.0 * logs.mean())]))
    assert found["sharpe_annualized"].standard_error == pytest.approx(sharpe, rel=2e-3)
    assert found["volatility_annual"].standard_error == pytest.approx(volatility, rel=2e-3)
    assert found["net_return_annual"].standard_error == pytest.approx(growth, rel=1e-9)


def test_a_difference_knows_that_both_lived_through_the_same_sessions():
    shared = daily(900)
    other = shared + 0.1 * daily(900, seed=5)
    found = difference(series(shared), series(other))["sharpe_annualized"]
    one, two = metrics_of(series(shared)), metrics_of(series(other))
    columns = np.column_stack([shared, shared**2, other, other**2])[1:]
    gradient = np.append(sharpe_gradient(columns[:, 0]), -sharpe_gradient(columns[:, 2]))
    expected = delta_method(columns, gradient) * math.sqrt(252)
    assert found.value == pytest.approx(
        one["sharpe_annualized"].value - two["sharpe_annualized"].value
    )
    assert found.standard_error == pytest.approx(expected, rel=2e-3)
    assert found.standard_error < 0.2 * one["sharpe_annualized"].standard_error


def test_a_difference_is_taken_over_the_sessions_both_have():
    net = daily(400)
    late = series(net[101:], first="2020-04-11")
    found = difference(series(net), late)
    assert found["net_return"].value == 0.0
    assert found["sharpe_annualized"].n_obs == 300
    assert (found["sharpe_annualized"].value, found["sharpe_annualized"].standard_error) == (0, 0)
    apart = difference(series(net), series(net, first="2030-01-01"))
    assert {metric.status for metric in apart.values()} == {"NOT_COMPUTABLE"}


def test_95_percent_intervals_cover():
    """Of 400 simulated books with a Sharpe ratio of 1, 92 % to 98 % of the intervals hold it."""
    inside = 0
    for seed in range(400):
        net = np.random.default_rng(seed).normal(0.01 / math.sqrt(252), 0.01, 750)
        low, high = interval(metrics_of(series(net))["sharpe_annualized"])
        inside += low <= 1.0 <= high
    assert 0.92 <= inside / 400 <= 0.98


def test_champions_come_first_and_shadows_by_number():
    books = [("weekly", "shadow/10"), ("weekly", "shadow/9"), ("weekly", "champion")]
    books += [("monthly", "shadow/2"), ("monthly", "champion")]
    made = summarize("p", [series([NAN, 0.1], *one) for one in books], (), "d", 1.0)
    assert [(one.series.strategy, one.series.book) for one in made.books] == [
        ("monthly", "champion"),
        ("monthly", "shadow/2"),
        ("weekly", "champion"),
        ("weekly", "shadow/9"),
        ("weekly", "shadow/10"),
    ]
    assert (made.first, made.last, made.n_sessions) == (date(2020, 1, 1), date(2020, 1, 2), 2)


def test_a_note_of_several_books_counts_once_and_notes_of_all_count_for_each():
    day = date(2020, 1, 2)
    notes = [
        ReplayNote(day, "promotion", "version 2 is champion", True, "weekly"),
        ReplayNote(day, "held", "no price", strategy="weekly"),
        ReplayNote(day, "held", "no price", strategy="weekly"),
        ReplayNote(day, "held", "the gate stopped"),
        ReplayNote(date(2020, 1, 1), "delisting", "X was closed", strategy="monthly"),
    ]
    made = summarize("p", [series([NAN, 0.1])], notes, "d", 1.0)
    assert [note.kind for note in made.notes] == ["delisting", "held", "held", "promotion"]
    assert made.counts == {
        "retrainings": 0,
        "promotions": 1,
        "alerts": 0,
        "halts": 0,
        "held": 2,
    }
    assert counts_of(made.notes, "monthly")["held"] == 1
    assert counts_of(made.notes, "monthly")["promotions"] == 0


def test_a_replay_of_nothing_and_torn_series_are_refused():
    with pytest.raises(InsufficientDataError, match="the replay p has no session"):
        summarize("p", [], (), "d", 1.0)
    torn = replace(series([NAN, 0.1]), equity=np.ones(3))
    with pytest.raises(ValueError, match="weekly champion"):
        summarize("p", [torn], (), "d", 1.0)


def test_a_program_reads_plain_json():
    note = ReplayNote(date(2020, 1, 2), "halt", "the broker differs", strategy="weekly")
    made = summarize("p", [series([NAN, 0.1])], [note], "d", 1.0)
    document = json.loads(to_json(made))
    book = document["books"][0]
    assert book["series"]["net"] == [None, 0.1]
    assert book["series"]["sessions"] == ["2020-01-01", "2020-01-02"]
    assert book["metrics"]["max_drawdown"]["value"] == 0.0
    assert book["metrics"]["sharpe_annualized"]["status"] == "NOT_COMPUTABLE"
    assert document["notes"][0]["session"] == "2020-01-02"
    assert document["counts"]["halts"] == 1
