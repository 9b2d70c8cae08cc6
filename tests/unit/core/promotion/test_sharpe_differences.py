"""Sharpe differences: the two funds of Ledoit and Wolf, properties, and what is not computable."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.promotion.sharpe_differences import sharpe_difference, sharpe_differences

GOLDEN = json.loads(
    (Path(__file__).parents[3] / "golden" / "ledoit_wolf_sharpe_difference.json").read_text()
)
FUNDS = np.array(GOLDEN["returns"]).T
EXPECTED = GOLDEN["expected"]
METHODS = ("jobson_korkie_memmel", "ledoit_wolf_hac", "studentized_bootstrap")
BOOTSTRAP = "studentized_bootstrap"


def pair(seed, n=60, rho=0.7):
    e = np.random.default_rng(seed).standard_t(5, size=(3, n))
    return 0.01 * (rho**0.5 * e[0] + (1.0 - rho) ** 0.5 * e[1:]) + 0.001


def values(found):
    return np.array([*found[:3], *found.interval])


def test_the_two_funds():
    for method, error, p_value, within in (
        ("jobson_korkie_memmel", "jk_memmel_se", "jk_memmel_p", 1e-9),
        ("ledoit_wolf_hac", "hac_se", "hac_p", 1e-7),
    ):
        found = sharpe_difference(*FUNDS, method)
        assert found.difference == pytest.approx(EXPECTED["diff"], abs=1e-12)
        assert found.standard_error == pytest.approx(EXPECTED[error], abs=within)
        assert found.p_value == pytest.approx(EXPECTED[p_value], abs=within)
    ratios = FUNDS.mean(axis=1) / FUNDS.std(axis=1, ddof=1)
    assert ratios == pytest.approx(EXPECTED["sr"], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_two_funds_resampled(seed):
    found = sharpe_difference(*FUNDS, BOOTSTRAP, rng=np.random.default_rng(seed))
    assert found.difference == pytest.approx(EXPECTED["diff"], abs=1e-12)
    assert found.p_value == pytest.approx(EXPECTED["boot_p_b5_M4999"], abs=0.012)


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_other_way_round_is_the_same_with_another_sign(method, seed):
    a, b = pair(seed)
    one = sharpe_difference(a, b, method, n_resamples=249)
    other = sharpe_difference(b, a, method, n_resamples=249)
    assert other.difference == -one.difference
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-9)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), rel=1e-9)


@pytest.mark.parametrize("method", ["jobson_korkie_memmel", BOOTSTRAP])
@given(seed=st.integers(0, 10_000), unit=st.sampled_from([1e-9, 0.01, 7.0, 1e8]))
@settings(max_examples=25, deadline=None)
def test_the_size_of_a_book_does_not_matter(method, seed, unit):
    a, b = pair(seed)
    one = sharpe_difference(a, b, method, n_resamples=249)
    other = sharpe_difference(unit * a, b / unit, method, n_resamples=249)
    np.testing.assert_allclose(values(other), values(one), rtol=1e-7, atol=1e-12)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_only_the_bandwidth_of_the_hac_error_knows_the_unit(seed):
    a, b = pair(seed, 250)
    one, other = (sharpe_difference(k * a, k * b, "ledoit_wolf_hac") for k in (1.0, 100.0))
    assert other.difference == pytest.approx(one.difference, rel=1e-9)
    assert other.standard_error == pytest.approx(one.standard_error, rel=0.25)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1.0, 2.0, 3.0, 1e-5])
def test_series_that_differ_in_size_alone_have_one_ratio(method, size):
    a, _ = pair(1)
    found = sharpe_difference(a, size * a, method, n_resamples=99)
    assert found == (0.0, 0.0, 1.0, (0.0, 0.0), "OK", "")


@pytest.mark.parametrize("method", METHODS)
def test_a_series_held_short_is_another(method):
    a, _ = pair(1)
    found = sharpe_difference(a, -a, method, n_resamples=999)
    assert found.difference == pytest.approx(2.0 * a.mean() / a.std(ddof=1))
    assert found.standard_error > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_what_is_missing_in_either_is_left_out(method):
    a, b = pair(2)
    with_holes = np.array([np.insert(a, [3, 40], np.nan), np.insert(b, [3, 40], [5.0, np.inf])])
    one = sharpe_difference(a, b, method, n_resamples=199)
    assert sharpe_difference(*with_holes, method, n_resamples=199) == one


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (np.arange(9.0), np.arange(9.0) ** 2, "9 observations in common, 10 are needed"),
        (np.full(30, 0.1), np.arange(30.0), "a series does not vary"),
        (np.arange(30.0), np.zeros(30), "a series does not vary"),
        (np.zeros(30), np.zeros(30), "a series does not vary"),
        (np.full(30, np.nan), np.arange(30.0), "0 observations in common, 10 are needed"),
        ([], [], "0 observations in common, 10 are needed"),
    ],
)
def test_what_cannot_be_computed_says_why(method, a, b, reason):
    found = sharpe_difference(a, b, method, n_resamples=99)
    assert np.isnan(values(found)).all()
    assert found[-2:] == ("NOT_COMPUTABLE", reason)


def test_a_difference_without_an_error_is_not_computable():
    # Up or down by one, and the same lifted: no observation says more of one ratio than another.
    a = np.tile([1.0, -1.0], 20)
    for method in METHODS[1:]:
        found = sharpe_difference(a, a + 0.5, method, n_resamples=99)
        assert found.reason == "no observation tells the two ratios apart"


def test_a_bootstrap_needs_two_blocks():
    a, b = pair(1)
    assert sharpe_difference(a, b, BOOTSTRAP, block=30, n_resamples=99).status == "OK"
    found = sharpe_difference(a, b, BOOTSTRAP, block=31, n_resamples=99)
    assert found.reason == "60 observations in common, 62 are needed"


def test_the_interval_leaves_zero_out_where_the_p_value_is_small():
    seen = set()
    for seed in range(60):
        a, b = pair(seed)
        b = b - 0.0035
        found = sharpe_difference(a, b, BOOTSTRAP, n_resamples=199)
        low, high = found.interval
        assert low + high == pytest.approx(2.0 * found.difference)
        assert (low > 0.0 or high < 0.0) == (found.p_value <= 0.05)
        seen.add(found.p_value <= 0.05)
    assert seen == {True, False}


def test_too_few_resamples_bound_nothing():
    a, b = pair(1)
    found = sharpe_difference(a, b, BOOTSTRAP, n_resamples=18)
    assert math.isnan(found.interval[0])
    assert found.p_value >= 1.0 / 19.0
    assert found.status == "OK"
    assert math.isfinite(sharpe_difference(a, b, BOOTSTRAP, n_resamples=19).interval[0])


def test_each_challenger_gets_the_answer_it_gets_alone():
    rng = np.random.default_rng(4)
    champion = rng.normal(0.0005, 0.01, size=300)
    own = 0.8 * champion[:, None] + rng.normal(0.0003, 0.006, size=(300, 8))
    own[:40, 1] = own[100, 2] = np.nan
    own[:, 4], own[:, 5], own[:, 6] = 0.1, champion, np.nan
    champion[7] = np.nan
    rng = np.random.default_rng(9)
    together = sharpe_differences(own, champion, 5, 999, copy.deepcopy(rng))
    for column, found in enumerate(together):
        alone = sharpe_difference(own[:, column], champion, BOOTSTRAP, 5, 999, copy.deepcopy(rng))
        assert found.p_value == alone.p_value or found.status == alone.status == "NOT_COMPUTABLE"
        np.testing.assert_allclose(values(found), values(alone), rtol=1e-9)
        assert found[-2:] == alone[-2:]
    assert [found.status for found in together].count("OK") == 6
    assert sharpe_differences(own[:, :0], champion, rng=rng) == ()


def test_the_order_of_challengers_does_not_matter():
    rng = np.random.default_rng(4)
    champion, own = rng.normal(size=100), rng.normal(size=(100, 6))
    order = rng.permutation(6)
    found = sharpe_differences(own, champion, n_resamples=499)
    other = sharpe_differences(own[:, order], champion, n_resamples=499)
    for at, column in enumerate(order):
        np.testing.assert_allclose(values(other[at]), values(found[column]), rtol=1e-9)


def test_a_seed_is_an_answer_and_none_is_seed_zero():
    a, b = pair(3)
    first, again, other, none, zero = (
        sharpe_difference(a, b, BOOTSTRAP, n_resamples=999, rng=rng).interval
        for rng in (
            np.random.default_rng(1),
            np.random.default_rng(1),
            np.random.default_rng(2),
            None,
            np.random.default_rng(0),
        )
    )
    assert first == again != other
    assert none == zero


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"a": [1.0, 2.0], "b": [1.0], "method": METHODS[0]}, "shapes"),
        ({"a": [[1.0]], "b": [[1.0]], "method": METHODS[1]}, "shapes"),
        ({"a": [1.0], "b": [1.0], "method": "lo"}, "method is 'lo'"),
        ({"a": [1.0], "b": [1.0], "method": BOOTSTRAP, "block": 0}, "block is 0"),
        ({"a": [1.0], "b": [1.0], "method": BOOTSTRAP, "block": 2.5}, "block is 2.5"),
        ({"a": [1.0], "b": [1.0], "method": BOOTSTRAP, "n_resamples": 0}, "n_resamples is 0"),
    ],
)
def test_mistakes_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        sharpe_difference(**arguments)
    with pytest.raises(ValueError, match="challengers have shape"):
        sharpe_differences([1.0], [1.0])


@pytest.mark.parametrize(
    ("method", "low", "high"), [(METHODS[1], 0.03, 0.08), (BOOTSTRAP, 0.02, 0.07)]
)
def test_equal_ratios_differ_one_time_in_twenty(method, low, high):
    wrong = [
        sharpe_difference(*pair(seed, 150), method, n_resamples=199).p_value <= 0.05
        for seed in range(500)
    ]
    assert low < np.mean(wrong) < high
