"""Which book trades what."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.ab_split import split
from shadowbook.errors import SchemaError

DAY = date(2020, 1, 2)
NAMES = [f"S{number:02d}" for number in range(20)]


def test_matched_gives_every_name_the_same_share():
    part = split("us", DAY, ["A", "B", "C"], np.array([2.0, -1.0, np.nan]), 0.25)
    np.testing.assert_array_equal(part, [0.25, 0.25, np.nan])


def test_randomized_draws_by_the_digest_that_is_documented():
    expected = []
    for name in NAMES:
        digest = hashlib.sha256(f'["us", "7", "2020-01-02", "{name}"]'.encode()).digest()
        expected.append((int.from_bytes(digest[:8], "big") >> 11) / 2**53)
    part = split("us", DAY, NAMES, np.ones(20), 0.5, "randomized", "7")
    chosen = np.array(expected) < 0.5
    if chosen.sum() > 10:
        chosen = np.array(expected) <= sorted(expected)[9]
    np.testing.assert_array_equal(part, chosen.astype(float))


def test_it_is_the_same_in_any_order_of_symbols_and_another_with_another_key():
    weights = np.linspace(1.0, 2.0, 20)
    part = split("us", DAY, NAMES, weights, 0.5, "randomized")
    turned = split("us", DAY, NAMES[::-1], weights[::-1], 0.5, "randomized")
    np.testing.assert_array_equal(turned[::-1], part)
    for strategy, day, salt in (("eu", DAY, ""), ("us", DAY + timedelta(1), ""), ("us", DAY, "x")):
        other = split(strategy, day, NAMES, weights, 0.5, "randomized", salt)
        assert (other != part).any()


def test_a_name_is_drawn_with_the_chance_of_the_share_and_none_is_preferred():
    """400 names: the cap hardly binds, so the share of sessions is the share of capital."""
    names = [f"N{number}" for number in range(400)]
    days = [DAY + timedelta(n) for n in range(100)]
    drawn = np.array([split("us", d, names, np.ones(400), 0.25, "randomized") for d in days])
    # The cap cuts sessions that drew more than a quarter: 3 % of it (0.4 sd of 400 draws).
    assert 0.23 < drawn.mean() <= 0.25
    by_name = drawn.mean(axis=0)
    assert abs(by_name.std() - np.sqrt(0.25 * 0.75 / 100)) < 0.01
    following = np.corrcoef(drawn[1:].ravel(), drawn[:-1].ravel())[0, 1]
    assert abs(following) < 0.02


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(np.nan), max_size=12),
    st.just(0.0) | st.floats(1e-6, 1.0),
    st.sampled_from(["matched", "randomized"]),
)
def test_the_ab_book_never_gets_more_than_its_share(weights, share, mode):
    sizes = np.array(weights, dtype=float)
    part = split("us", DAY, NAMES[: len(weights)], sizes, share, mode)
    assert part.shape == sizes.shape
    assert (np.isnan(part) == np.isnan(sizes)).all()
    given_away = np.nansum(np.abs(sizes) * part)
    assert given_away <= share * np.nansum(np.abs(sizes)) * (1 + 1e-9)
    if mode == "randomized":
        assert set(part[~np.isnan(part)]) <= {0.0, 1.0}


def test_nothing_and_everything():
    assert split("us", DAY, NAMES, np.ones(20), 0.0, "randomized").sum() == 0.0
    assert split("us", DAY, NAMES, np.full(20, 0.1), 1.0, "randomized").sum() == 20.0
    assert split("us", DAY, [], np.empty(0), 0.5, "randomized").shape == (0,)


@pytest.mark.parametrize(
    ("symbols", "weights", "share"),
    [
        (["A"], [1.0], 1.1),
        (["A"], [1.0], -0.1),
        (["A"], [1.0], float("nan")),
        (["A", "A"], [1.0, 1.0], 0.5),
        (["A", "B"], [1.0], 0.5),
        (["A"], [float("inf")], 0.5),
    ],
)
def test_what_is_no_split_is_refused(symbols, weights, share):
    with pytest.raises(SchemaError):
        split("us", DAY, symbols, np.array(weights), share)
