"""A version's reference: what is refused, what is not computable, and every window by hand."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.drift import ks_two_sample, psi
from shadowbook.core.drift.calibration import (
    KEPT,
    LEAST_SESSIONS,
    CalibratedColumn,
    Sample,
    calibrate,
    rolled,
)
from shadowbook.core.drift.grid import counts_of, grid_of
from shadowbook.core.drift.nulls import SHARED, Null
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import scan
from shadowbook.core.stats.ranks import centered_ranks

POLICY = DriftPolicy(windows=(5, 20), n_resamples=200, false_discovery_rate=0.1)
DAYS = np.arange(300).astype("datetime64[D]")


def sample(seed, n_sessions=300, name=None, share=0.0):
    """Independent normal values, a share of them missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_sessions, 4))
    values[rng.random(values.shape) < share] = np.nan
    return Sample(name or f"c{seed}", "feature", values)


def calibrated(*samples, seed=1, policy=POLICY):
    days = DAYS[: len(samples[0].values)]
    return calibrate(samples, days, policy, np.random.default_rng(seed))


def drawn(column):
    """All numbers of a column's nulls."""
    nulls = column.nulls.values()
    return [part.tolist() for one in nulls for part in (one.ks, one.psi, one.least, one.missing)]


def test_what_a_column_keeps():
    given_ = sample(1, share=0.1)
    made = calibrated(given_)
    (column,) = made.columns
    values = given_.values.ravel()
    assert column.finite.tolist() == np.sort(values[np.isfinite(values)]).tolist()
    assert column.counts.sum() == 1200
    assert column.counts[-1] == np.isnan(values).sum() == 1200 - len(column.finite)
    assert (column.name, column.kind, column.reason) == ("c1", "feature", "")
    assert list(column.nulls) == [5, 20]
    assert column.block >= 1
    assert made.span == (DAYS[0], DAYS[-1])
    assert (made.windows, made.n_bins, made.rate) == ((5, 20), 10, 0.1)
    assert (made.least_distance, made.least_missing) == (0.05, 0.01)
    assert made.false_alarms.years == 0.0
    assert math.isnan(made.false_alarms.expected_a_year)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="two columns of the reference have one name"):
        calibrated(sample(1, name="a"), sample(2, name="a"))
    with pytest.raises(ValueError, match="short has 299 sessions and the reference 300"):
        calibrated(sample(1), sample(2, 299, "short"))


@pytest.mark.parametrize(("n_known", "computable"), [(0, False), (251, False), (252, True)])
def test_a_year_of_values_is_needed(n_known, computable):
    values = np.full((300, 3), np.nan)
    values[: n_known // 2, 0] = np.arange(n_known // 2)
    values[300 - (n_known - n_known // 2) :, 2] = np.arange(n_known - n_known // 2)
    values[150] = np.inf
    if n_known == 252:
        assert np.isfinite(values).any(axis=1).sum() == LEAST_SESSIONS
    (column,) = calibrated(Sample("a", "label", values)).columns
    assert (column.grid is not None) is computable
    assert bool(column.nulls) is computable
    wanted = f"the reference has values in {n_known} sessions and 252 are needed"
    assert column.reason == ("" if computable else wanted)
    if not computable:
        found = rolled(column, np.zeros((30, 1), dtype=np.float32), 5, REFERENCE)
        assert np.isnan([found.psi, found.ks, found.missing, found.p_value, found.p_missing]).all()
        assert len(found.psi) == 30


def test_absent_names_are_no_part_of_the_reference():
    given_ = sample(3)
    present = np.ones((300, 4), dtype=bool)
    present[:, 3] = False
    column = calibrated(Sample("a", "feature", given_.values, present)).columns[0]
    alone = calibrated(Sample("a", "feature", given_.values[:, :3])).columns[0]
    assert column.finite.tolist() == alone.finite.tolist()
    assert column.counts.tolist() == alone.counts.tolist()
    assert column.block == alone.block
    assert drawn(column) == drawn(alone)
    late = np.broadcast_to(np.arange(300)[:, None] >= 60, (300, 4))
    reason = calibrated(Sample("a", "feature", given_.values, late)).columns[0].reason
    assert reason == "the reference has values in 240 sessions and 252 are needed"


def test_the_same_seed_draws_the_same():
    one, other, third = (calibrated(sample(1), sample(2), seed=seed) for seed in (4, 4, 5))
    assert [drawn(column) for column in one.columns] == [drawn(column) for column in other.columns]
    assert drawn(one.columns[0]) != drawn(third.columns[0])
    # Columns of the same values have draws of their own.
    twins = calibrated(sample(1), sample(1, name="twin"))
    assert drawn(twins.columns[0]) != drawn(twins.columns[1])


def test_one_column_more_leaves_the_draws_of_the_others():
    two, three = calibrated(sample(1), sample(2)), calibrated(sample(1), sample(2), sample(3))
    assert [drawn(c) for c in two.columns] == [drawn(c) for c in three.columns[:2]]


def test_draws_do_not_hang_on_what_other_columns_hold():
    two = calibrated(sample(1), sample(2))
    walked = Sample("c1", "feature", np.cumsum(sample(1).values, axis=0))
    empty = Sample("c1", "feature", np.full((300, 4), np.nan))
    for other in (walked, empty):
        assert drawn(calibrated(other, sample(2)).columns[1]) == drawn(two.columns[1])


@pytest.mark.parametrize(("n_columns", "rate", "wanted"), [(1, 0.1, 200), (3, 0.02, 600)])
def test_there_are_draws_enough_for_one_column_alone(n_columns, rate, wanted):
    policy = POLICY.model_copy(update={"false_discovery_rate": rate})
    made = calibrated(*(sample(seed) for seed in range(n_columns)), policy=policy)
    n_tests = 2 * n_columns * 2
    for column in made.columns:
        n_draws = len(column.nulls[5].ks)
        assert wanted <= n_draws < wanted + SHARED
        assert n_draws % SHARED == 0
        assert n_tests / (n_draws + 1) <= rate


def naive(column, values, present, window, t):
    """One window, held by hand against the reference's values."""
    rows = slice(t - window + 1, t + 1)
    inside = values[rows][present[rows]]
    finite = inside[np.isfinite(inside)]
    before = float(column.counts[-1]) / float(column.counts.sum())
    missing = 1 - len(finite) / len(inside) - before if len(inside) else math.nan
    return psi(column.finite, finite), missing


REFERENCE = calibrated(sample(5, share=0.05))
COLUMN = REFERENCE.columns[0]


@settings(max_examples=40)
@given(st.integers(0, 40), st.sampled_from([5, 20]), st.integers(0, 999))
def test_rolling_is_holding_each_window_alone(n_sessions, window, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(0.2, 1.3, size=(n_sessions, 3))
    values[rng.random(values.shape) < 0.3] = np.nan
    present = rng.random(values.shape) < 0.7
    counts = counts_of(COLUMN.grid, values, present)
    found = rolled(COLUMN, counts, window, REFERENCE)
    for t in range(n_sessions):
        row = [part[t] for part in (found.psi, found.ks, found.missing, found.p_value)]
        if t < window - 1:
            assert np.isnan([*row, found.p_missing[t]]).all()
            continue
        index, missing = naive(COLUMN, values, present, window, t)
        assert row[0] == pytest.approx(index, abs=1e-6, nan_ok=True)
        assert row[2] == pytest.approx(missing, abs=1e-12, nan_ok=True)
        null = COLUMN.nulls[window]
        alone = null.p_value(np.array([row[1]]), np.array([row[0]]))[0]
        expected = 1.0 if row[1] <= 0.05 else alone
        assert row[3] == pytest.approx(expected, abs=0.0, nan_ok=True)
        if abs(missing) >= 0.01:
            assert found.p_missing[t] == null.p_missing(np.array([row[2]]))[0]
        else:
            assert found.p_missing[t] == 1.0


@pytest.mark.parametrize("least", [0.01, 0.2])
def test_small_differences_of_missing_shares_never_count(least):
    null = Null(*(np.zeros(99, dtype=np.float32) for _ in range(4)))
    grid = grid_of(np.array([0.0, 1.0]), 10)
    counts = counts_of(grid, np.array([[0.0, 1.0] * 50])).sum(axis=0)
    column = CalibratedColumn("a", "feature", np.array([0.0, 1.0]), grid, counts, 1, {1: null})
    values = np.zeros((4, 1000))
    for row, n_missing in enumerate((0, 5, 100, 300)):
        values[row, :n_missing] = np.nan
    strict = dataclasses.replace(REFERENCE, least_missing=least)
    found = rolled(column, counts_of(grid, values), 1, strict)
    assert found.missing.tolist() == pytest.approx([0.0, 0.005, 0.1, 0.3])
    expected = [math.nan, 1.0, 0.01 if least < 0.1 else 1.0, 0.01]
    assert found.p_missing.tolist() == pytest.approx(expected, nan_ok=True)


def test_a_share_that_falls_counts_like_one_that_rises():
    column = calibrated(sample(6, share=0.3)).columns[0]
    found = rolled(column, counts_of(column.grid, np.zeros((20, 40))), 20, REFERENCE)
    assert found.missing[-1] == pytest.approx(-column.counts[-1] / 1200)
    assert found.p_missing[-1] == 1 / 225


def test_where_nothing_could_be_nothing_is_missing():
    column = calibrated(sample(6, share=0.3)).columns[0]
    nobody = counts_of(column.grid, np.ones((20, 4)), np.zeros((20, 4), dtype=bool))
    found = rolled(column, nobody, 20, REFERENCE)
    assert np.isnan([found.missing[-1], found.p_missing[-1], found.p_value[-1]]).all()


def ranks(n_sessions, n_names, n_columns=20):
    """A universe's ranks, the same every session; absent names last."""
    values = np.full((n_sessions, n_columns), np.nan)
    values[:, :n_names] = np.arange(n_names)
    return centered_ranks(values), np.isfinite(values)


@pytest.mark.parametrize(
    ("n_names", "distance", "quiet"),
    [(20, 0.0, True), (19, 0.9 / 19, True), (18, 0.05, True), (14, 9 / 140, False)],
)
def test_ranks_that_lose_a_name_stay_quiet(n_names, distance, quiet):
    made = calibrated(Sample("rank", "feature", *ranks(300, 20)))
    (column,) = made.columns
    # Nothing ever moves in the reference, so that any distance is further than every draw.
    assert column.nulls[20].ks.max() == 0.0
    counts = counts_of(column.grid, *ranks(25, n_names))
    found = rolled(column, counts, 20, made)
    assert found.ks[19:].tolist() == pytest.approx([distance] * 6, abs=1e-7)
    least = 1 / (len(column.nulls[20].ks) + 1)
    assert found.p_value[19:].tolist() == pytest.approx([1.0 if quiet else least] * 6)
    assert np.isnan(found.p_value[:19]).all()
    # A name that is absent is not missing.
    assert np.isnan(found.p_missing).all()
    careless = dataclasses.replace(made, least_distance=0.0)
    alone = rolled(column, counts, 20, careless).p_value[19:]
    assert alone.tolist() == pytest.approx([1.0 if n_names == 20 else least] * 6)


def test_the_blocks_of_missing_values_are_those_of_their_share():
    gone = sample(7).values.copy()
    gone[100:145] = np.nan
    (column,) = calibrated(Sample("a", "feature", gone)).columns
    assert column.block < 10
    # Runs of 45 sessions: of windows of 20, more than one in ten misses most of its values.
    assert np.mean(column.nulls[20].missing > 0.5) > 0.1


def test_of_very_many_values_evenly_spaced_ones_are_kept():
    many = np.random.default_rng(2).normal(size=(300, 500))
    policy = DriftPolicy(windows=(5,), n_resamples=200, false_discovery_rate=0.4)
    days = np.arange(300).astype("datetime64[D]")
    made = calibrate([Sample("a", "feature", many)], days, policy, np.random.default_rng(1))
    column = made.columns[0]
    assert len(column.finite) == KEPT < many.size == column.counts.sum()
    assert (column.finite[0], column.finite[-1]) == (many.min(), many.max())
    current = np.random.default_rng(3).normal(0.1, 1.0, (5, 500))
    found = scan(made, [Sample("a", "feature", current)])[0]
    exact = ks_two_sample(many.ravel(), current.ravel())
    assert found.ks_statistic == pytest.approx(exact.statistic, abs=1e-5)
    assert found.psi == pytest.approx(psi(many.ravel(), current.ravel()), rel=1e-12)
