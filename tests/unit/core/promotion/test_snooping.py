"""Data snooping: S&P 500 cases, arch where it is right, the papers' steps by hand, properties."""

import importlib.metadata
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from shadowbook.core.promotion.snooping import data_snooping_test, step_down_p_values
from shadowbook.core.stats.stationary import stationary_means, stationary_variance


@pytest.fixture(scope="module")
def leads():
    """Daily returns of twenty stocks over the index, 1990 to 2022."""
    package = importlib.metadata.distribution("skfolio")
    stocks, index = (
        pd.read_csv(
            str(package.locate_file(f"skfolio/datasets/data/{name}.csv.gz")),
            index_col=0,
            parse_dates=True,
        )
        .pct_change()
        .dropna()
        for name in ("sp500_dataset", "sp500_index")
    )
    return stocks.sub(index.iloc[:, 0], axis=0).dropna()


def names(found, table):
    return [table.columns[column] for column in found.survivors]


@pytest.mark.parametrize("seed", range(2))
def test_the_stocks_of_the_2010s(leads, seed):
    table = leads.loc["2010":"2019"]
    assert len(table) == 2516
    rng = np.random.default_rng(seed)
    found = data_snooping_test(table, 5_000, 10.0, studentize=False, rng=rng)
    assert found.statistic == pytest.approx(table.mean().max(), rel=1e-12)
    assert found.p_lower == pytest.approx(0.143, abs=0.02)
    assert found.p_consistent == pytest.approx(0.194, abs=0.02)
    assert found.p_upper == pytest.approx(0.194, abs=0.02)
    assert names(found, table) == []


@pytest.mark.parametrize("seed", range(2))
def test_the_stocks_of_the_2000s(leads, seed):
    table = leads.loc["2000":"2009"]
    assert len(table) == 2515
    rng = np.random.default_rng(seed)
    found = data_snooping_test(table, 5_000, 10.0, studentize=False, rng=rng)
    assert found.p_consistent == pytest.approx(0.0131, abs=0.006)
    assert names(found, table) == ["RRC"]


@pytest.mark.parametrize("studentize", [True, False])
def test_no_stock_leads_by_anything(leads, studentize):
    table = leads.loc["2010":"2019"]
    found = data_snooping_test(table - table.mean(), 500, studentize=studentize)
    assert found[:5] == (0.0, 1.0, 1.0, 1.0, ())
    assert found.p_values.tolist() == [1.0] * 20


def world():
    rng = np.random.default_rng(12)
    common = rng.normal(size=(400, 1))
    spread = np.array([1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 2.5])
    lead = np.array([0.0, 0.1, -0.1, -0.05, -0.6, 0.03, -0.7])
    return 0.6 * common + rng.normal(size=(400, 7)) * spread + lead


@pytest.mark.parametrize(
    ("studentize", "lower", "consistent", "upper"),
    [(False, 0.3371, 0.3427, 0.4341), (True, 0.2290, 0.2636, 0.3408)],
)
def test_it_is_archs_where_arch_is_right(studentize, lower, consistent, upper, monkeypatch):
    """SPA of arch 8.0.0 with 40,000 draws, which knows no finite samples.

    Studentized on columns divided by their long-run deviation, since its own flag changes nothing.
    Two planted leads are found by its StepM in both.
    """
    module = "shadowbook.core.promotion.snooping.small_sample"
    careful = data_snooping_test(world(), 10_000, 5.0, studentize)
    monkeypatch.setattr(module, lambda n_obs, mean_block: (1.0, 1e12))
    found = data_snooping_test(world(), 10_000, 5.0, studentize)
    assert found.p_upper < careful.p_upper < found.p_upper + 0.04
    assert found.p_lower == pytest.approx(lower, abs=0.015)
    assert found.p_consistent == pytest.approx(consistent, abs=0.015)
    assert found.p_upper == pytest.approx(upper, abs=0.015)
    planted = world() + 0.25 * np.isin(np.arange(7), [1, 5])
    assert data_snooping_test(planted, 5_000, 5.0, studentize).survivors == (1, 5)


@pytest.mark.parametrize("studentize", [True, False])
def test_the_papers_step_by_step(studentize):
    """Hansen's three centers and Romano and Wolf's removals, a resample at a time."""
    rows, n, block = world(), 400, 5.0
    found = data_snooping_test(rows, 800, block, studentize, 0.3, np.random.default_rng(3))
    error = np.sqrt(stationary_variance(rows, block) / n)
    scale = error if studentize else np.ones(7)
    means = rows.mean(axis=0)
    drawn = stationary_means(rows, block, 800, np.random.default_rng(3)) + means
    bound = -np.sqrt(2.0 * np.log(np.log(n)))
    centers = {
        "p_lower": np.maximum(means, 0.0),
        "p_consistent": np.where(means >= bound * error, means, 0.0),
        "p_upper": means,
    }

    def compared(lead):
        # Student's t as a normal deviate, after the mean's own share of the variance is put back.
        shrunk = lead / scale / np.sqrt(1.0 + 9.0 / n)
        return norm.ppf(student.cdf(shrunk, n * 0.36 / 1.64)) if studentize else shrunk

    largest = max(compared(means))
    for name, center in centers.items():
        shift = np.where(center == means, 0.0, compared(means))
        reached = sum(max((row - means) / scale + shift) >= largest for row in drawn)
        assert getattr(found, name) == pytest.approx((1 + reached) / 801)
    # StepM: the level's quantile of the largest among those not yet rejected, until none goes.
    planted = rows + 0.2 * np.isin(np.arange(7), [1, 5])
    for alpha in (0.05, 0.3, 0.7):
        left = list(range(7))
        while left:
            largest = np.sort(((drawn - means) / scale)[:, left].max(axis=1))
            critical = largest[-int(alpha * 801)]
            gone = [j for j in left if compared(planted.mean(axis=0))[j] > critical]
            left = [j for j in left if j not in gone]
            if not gone:
                break
        same = data_snooping_test(planted, 800, block, studentize, alpha, np.random.default_rng(3))
        assert sorted(set(range(7)) - set(left)) == list(same.survivors)


@given(seed=st.integers(0, 10_000), alpha=st.sampled_from([0.01, 0.05, 0.2, 0.5]))
@settings(max_examples=30, deadline=None)
def test_its_answers_agree_with_each_other(seed, alpha):
    rng = np.random.default_rng(seed)
    rows = rng.standard_t(4, size=(60, 5)) + rng.normal(0.0, 0.4, size=5)
    found = data_snooping_test(rows, 199, 3.0, bool(seed % 2), alpha, rng)
    assert found.p_lower <= found.p_consistent <= found.p_upper
    assert bool(found.survivors) == (found.p_upper <= alpha)
    assert found.p_values.min() == found.p_upper
    assert found.survivors == tuple(np.flatnonzero(found.p_values <= alpha))
    ranked = found.p_values[np.argsort(-found.statistics)]
    assert (np.diff(ranked) >= 0.0).all()
    assert (found.p_values[found.statistics <= 0.0] == 1.0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_neither_order_nor_size_matters(seed):
    rng = np.random.default_rng(seed)
    rows, order = rng.normal(0.05, 1.0, size=(50, 6)), rng.permutation(6)
    found = data_snooping_test(rows, 199, 4.0, rng=np.random.default_rng(1))
    units = 10.0 ** rng.integers(-6, 6, size=6)
    other = data_snooping_test((units * rows)[:, order], 199, 4.0, rng=np.random.default_rng(1))
    np.testing.assert_allclose(other.p_values, found.p_values[order], rtol=1e-9)
    assert other[:4] == pytest.approx(found[:4], rel=1e-9)


def test_the_deviations_decide_only_when_it_is_studentized():
    # A wild column that leads by chance hides a steady one that is better.
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(500, 2)) * np.array([1.0, 20.0]) + np.array([0.2, 0.0])
    assert data_snooping_test(rows, 999).survivors == (0,)
    assert data_snooping_test(rows, 999, studentize=False).survivors == ()


def test_hopeless_challengers_cost_the_consistent_value_no_power():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(250, 41)) - np.where(np.arange(41) > 0, 1.0, -0.13)
    found = data_snooping_test(rows, 1_999)
    assert found.p_consistent < 0.06
    assert found.p_upper > 0.2


def test_sessions_in_which_a_challenger_is_missing_count_for_none():
    rows = np.random.default_rng(0).normal(0.1, 1.0, size=(120, 4))
    holes = rows.copy()
    holes[5, 1], holes[60, 2], holes[61, 0] = np.nan, np.inf, -np.inf
    found = data_snooping_test(holes, 299)
    kept = data_snooping_test(np.delete(rows, [5, 60, 61], axis=0), 299)
    assert found[:5] == kept[:5]
    assert found.n_obs == 117
    assert found.p_values.tolist() == kept.p_values.tolist()


def test_a_challenger_without_any_value_is_left_out():
    rows = np.random.default_rng(0).normal(0.1, 1.0, size=(120, 4))
    beside = np.insert(rows, 2, np.nan, axis=1)
    found, kept = data_snooping_test(beside, 299), data_snooping_test(rows, 299)
    assert found[:4] == kept[:4]
    assert np.isnan(found.p_values[2])
    assert np.isnan(found.statistics[2])
    assert np.delete(found.p_values, 2).tolist() == kept.p_values.tolist()


@pytest.mark.parametrize("studentize", [True, False])
def test_challengers_that_never_vary(studentize):
    rows = np.random.default_rng(0).normal(0.3, 1.0, size=(120, 2))
    beside = np.column_stack([rows, np.zeros(120), np.full(120, -0.1), np.full(120, 0.1)])
    found = data_snooping_test(beside, 299, studentize=studentize)
    kept = data_snooping_test(rows, 299, studentize=studentize)
    assert found[:5] == kept[:5]
    assert found.p_values[2:4].tolist() == [1.0, 1.0]
    assert found.statistics[2:4].tolist() == [0.0, 0.0]
    assert np.isnan([found.p_values[4], found.statistics[4]]).all()


def test_copies_of_the_champion_are_not_better():
    found = data_snooping_test(np.zeros((50, 3)), 99)
    assert found[:5] == (0.0, 1.0, 1.0, 1.0, ())
    assert found.p_values.tolist() == [1.0] * 3
    assert found.status == "OK"


@pytest.mark.parametrize(
    ("excess", "reason"),
    [
        (np.zeros((9, 2)), "9 sessions have a value of every challenger, 10 are needed"),
        (np.full((50, 2), np.nan), "no challenger has a value"),
        (np.zeros((50, 0)), "no challenger has a value"),
        (np.full((50, 2), 0.1), "no challenger's lead varies"),
        (np.column_stack([np.zeros(50), np.ones(50)]), "no challenger's lead varies"),
    ],
)
def test_what_cannot_be_computed_says_why(excess, reason):
    found = data_snooping_test(excess, 99)
    assert np.isnan(found[:4]).all()
    assert found.survivors == ()
    assert found[-2:] == ("NOT_COMPUTABLE", reason)


def test_the_best_of_one_is_a_plain_test():
    rng = np.random.default_rng(2)
    rows = rng.normal(0.08, 1.0, size=(800, 1))
    found = data_snooping_test(rows, 5_000, 1.0)
    t = rows.mean() / rows.std() * math.sqrt(800)
    assert found.statistic == pytest.approx(t)
    assert found.p_upper == pytest.approx(0.5 * math.erfc(t / math.sqrt(2.0)), abs=0.01)
    assert found.p_lower == found.p_consistent == found.p_upper


def test_a_seed_is_an_answer_and_none_is_seed_zero():
    one, same, none, zero = (
        data_snooping_test(world(), 500, rng=rng).p_values.tolist()
        for rng in (
            np.random.default_rng(4),
            np.random.default_rng(4),
            None,
            np.random.default_rng(0),
        )
    )
    assert one == same != none
    assert none == zero


def test_stepping_down_by_hand():
    drawn = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0], [0.5, 0.2, 3.0], [0.1, 0.1, 0.1]])
    # 2.5 is reached by one largest of all; 0.9 by three of those without the second column's
    found = step_down_p_values(np.array([0.9, 2.5, -1.0]), drawn)
    assert found.tolist() == [0.8, 0.4, 1.0]


def test_of_thirty_equal_challengers_hardly_any_survives():
    wrong = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        rows = 0.7 * rng.normal(size=(250, 1)) + rng.standard_t(5, size=(250, 30))
        wrong.append(data_snooping_test(rows, 199, 5.0, rng=rng).p_upper <= 0.05)
    assert 0.02 < np.mean(wrong) < 0.08


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"excess": np.ones(30)}, "give sessions x challengers"),
        ({"excess": world(), "alpha": 0.0}, "alpha is 0.0"),
        ({"excess": world(), "alpha": 1.0}, "alpha is 1.0"),
        ({"excess": world(), "mean_block": 0.5}, "mean block"),
        ({"excess": world(), "n_resamples": 0}, "n_resamples is 0"),
    ],
)
def test_mistakes_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        data_snooping_test(**arguments)
