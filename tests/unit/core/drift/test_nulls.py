"""Null distributions: p-values by hand and by simulation, blocks against a plain gather."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from shadowbook.core.drift.distributions import ordered
from shadowbook.core.drift.grid import counts_of, distances, grid_of
from shadowbook.core.drift.nulls import (
    LONGER,
    SHARED,
    Blocks,
    Null,
    block_of,
    blocks_of,
    drawn,
    exceeding,
    missing_share,
    nulls_of,
    running_sums,
)
from shadowbook.core.stats.block_length import optimal_block_length


def walk(phi, n_sessions, n_names, rng):
    """AR(1) columns, unconditional variance 1."""
    values = np.empty((n_sessions, n_names))
    values[0] = rng.normal(size=n_names)
    for t in range(1, n_sessions):
        values[t] = phi * values[t - 1] + np.sqrt(1 - phi**2) * rng.normal(size=n_names)
    return values


def singles(values):
    return np.asarray(values, dtype=np.float32)


def null_of(ks, psi, missing=(0.0,)):
    """A null whose draws are given."""
    ks, psi = singles(ks), singles(psi)
    k, p = np.sort(ks), np.sort(psi)
    least = np.minimum(exceeding(k, ks), exceeding(p, psi))
    return Null(k, p, np.sort(singles(least)), np.sort(singles(missing)))


def nulls_of_values(values, windows=(20,), block=1, n_draws=400, seed=1):
    grid = grid_of(ordered(values.ravel()), 10)
    counts = counts_of(grid, values)
    rng = np.random.default_rng(seed)
    blocks = block if isinstance(block, Blocks) else Blocks(block, block)
    return grid, counts, nulls_of(grid, counts, windows, blocks, n_draws, rng)


def test_draws_that_tie_with_a_value_reach_it():
    draws = singles([0.0, 1.0, 1.0, 2.0])
    found = exceeding(draws, np.array([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.1, np.nan]))
    assert found[:-1].tolist() == [1.0, 1.0, 0.8, 0.8, 0.4, 0.4, 0.2]
    assert np.isnan(found[-1])


def test_a_tie_survives_the_last_bit():
    assert exceeding(singles([0.3]), np.array([0.1 + 0.2])).tolist() == [1.0]
    assert exceeding(singles([0.3]), np.array([0.3 + 1e-6])).tolist() == [0.5]


@given(
    st.lists(st.integers(0, 6).map(float), min_size=1, max_size=30),
    st.lists(st.integers(0, 7).map(float), min_size=1, max_size=10),
)
def test_the_share_that_reaches_is_the_naive_one(draws, values):
    found = exceeding(np.sort(singles(draws)), np.array(values))
    expected = [(sum(d >= v for d in draws) + 1) / (len(draws) + 1) for v in values]
    assert found.tolist() == pytest.approx(expected)


def test_both_distances_together_by_hand():
    null = null_of([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0])
    # Own p-values of the draws, 2/5 to 1: the less of the two is 2/5, 3/5, 3/5, 2/5.
    assert null.least.tolist() == pytest.approx([0.4, 0.4, 0.6, 0.6])
    found = null.p_value(
        np.array([5.0, 5.0, 4.0, 4.0, 3.0, 0.0, np.nan, 5.0]),
        np.array([5.0, 0.0, 4.0, 0.0, 0.0, 0.0, 5.0, np.nan]),
    )
    # Where the two are not equally unlikely, one draw more counts.
    assert found[:-2].tolist() == [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    assert np.isnan(found[-2:]).all()


def test_the_smallest_p_value_takes_both_distances():
    null = null_of(np.arange(99.0), np.arange(99.0))
    found = null.p_value(np.array([200.0, 200.0, 1.0]), np.array([200.0, 1.0, 200.0]))
    assert found.tolist() == [0.01, 0.02, 0.02]


def test_samples_that_lie_alike_never_drift():
    null = null_of([0.0, 0.0, 0.0], [0.1, 0.1, 0.1])
    found = null.p_value(np.array([0.0, 1e-6, 0.0]), np.array([0.2, 0.2, 0.1]))
    assert found.tolist() == [1.0, 0.25, 1.0]
    assert np.isnan(null.p_value(np.array([0.0]), np.array([np.nan]))).all()


def test_missing_shares_count_by_their_size():
    null = null_of([0.0], [0.0], missing=[0.0, 0.02, 0.05])
    found = null.p_missing(np.array([-0.05, 0.05, 0.02, 0.06, 0.0, np.nan]))
    assert found[:-1].tolist() == [0.5, 0.5, 0.75, 0.25, 1.0]
    assert np.isnan(found[-1])


@settings(max_examples=50)
@given(st.integers(0, 10_000))
def test_a_larger_distance_is_never_likelier(seed):
    rng = np.random.default_rng(seed)
    null = null_of(rng.integers(0, 9, 50) / 10, rng.integers(0, 9, 50) / 10)
    ks, psi = np.sort(rng.random(20)), np.sort(rng.random(20))
    p = null.p_value(ks, psi)
    # The draw that counts where the two differ may be one that counted before.
    assert (np.diff(p) <= 1 / 51 + 1e-12).all()
    assert p.min() >= 1 / 51
    assert p.max() <= 1.0


@settings(max_examples=80)
@given(st.integers(1, 12), st.integers(1, 4), st.data())
def test_sums_of_blocks_are_those_of_a_gather(n_sessions, n_cells, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    counts = rng.integers(0, 500, (n_sessions, n_cells)).astype(np.float32)
    sizes = data.draw(st.lists(st.integers(1, n_sessions), min_size=1, max_size=5))
    starts = [(size, rng.integers(0, n_sessions, 6)) for size in sizes]
    found = drawn(running_sums(counts), starts)
    for b in range(6):
        rows = np.concatenate([(first[b] + np.arange(size)) % n_sessions for size, first in starts])
        assert found[b].tolist() == counts[rows].sum(axis=0).tolist()


def test_every_window_has_its_sessions_and_names():
    values = np.random.default_rng(3).normal(size=(60, 4))
    values[values > 1.5] = np.nan
    _, counts, (short, long) = nulls_of_values(values, windows=(7, 60), block=9, n_draws=50)
    assert len(short.ks) == len(long.psi) == -(-50 // SHARED) * SHARED
    shares = counts[:, -1].sum() / 240
    assert long.missing.max() <= 0.2
    assert 0.0 < short.missing.max() <= 1.0 - shares
    assert (np.diff(short.ks) >= 0).all()
    # A whole reference against another one is nearer than a week of it.
    assert np.median(long.ks) < np.median(short.ks)


def test_both_sides_are_drawn():
    """Of n independent values on either side, the median of D sqrt(n / 2) is Kolmogorov's, 0.83.

    Cells lose some of it. Were one side fixed, it would be 0.59.
    """
    values = np.random.default_rng(4).normal(size=(500, 1))
    _, _, (null,) = nulls_of_values(values, windows=(500,), n_draws=800)
    assert np.median(null.ks) * np.sqrt(250) == pytest.approx(0.75, abs=0.08)


def test_blocks_run_over_the_end():
    values = np.random.default_rng(4).normal(size=(60, 2))
    values[0] = np.nan
    _, _, (null,) = nulls_of_values(values, windows=(40,), block=40, n_draws=800)
    # The first session is in two draws of three, as any other is.
    assert np.mean(null.missing == 0.0) == pytest.approx(2 / 27, abs=0.06)


def test_blocks_keep_what_stays_together():
    regimes = np.repeat([0.0, 1.0, 0.0, 1.0], 63)[:, None] + np.zeros((1, 5))
    _, _, (alone,) = nulls_of_values(regimes, windows=(21,), block=1)
    _, _, (blocks,) = nulls_of_values(regimes, windows=(21,), block=42)
    # A window of one regime is half the distribution away, which only blocks draw.
    assert alone.p_value(np.array([0.5]), np.array([0.0]))[0] < 0.01
    assert blocks.p_value(np.array([0.45]), np.array([0.0]))[0] > 0.4


def test_a_draw_without_values_is_no_distance():
    values = np.full((30, 1), np.nan)
    values[:3] = [[1.0], [2.0], [3.0]]
    _, _, (null,) = nulls_of_values(values, windows=(5,), n_draws=80)
    assert np.isfinite(np.concatenate([null.ks, null.psi, null.least, null.missing])).all()
    assert null.ks[0] == 0.0


def test_shares_of_missing_values():
    counts = np.array([[3, 1, 4], [0, 0, 5], [2, 2, 0], [0, 0, 0]], dtype=np.float32)
    assert missing_share(counts).tolist() == [0.5, 1.0, 0.0, 0.0]


def test_a_block_is_longer_where_memory_is():
    lengths = []
    for phi in (0.0, 0.7, 0.95):
        values = walk(phi, 600, 1, np.random.default_rng(8))
        lengths.append(block_of(values, ordered(values.ravel())))
    assert 1 <= lengths[0] <= 5
    assert lengths[0] < lengths[1] < lengths[2] <= 600
    # One name: the mean rank is the rank itself.
    values = walk(0.7, 600, 1, np.random.default_rng(8))
    ranks = np.argsort(np.argsort(values[:, 0])) / 600
    both = [optimal_block_length(one).circular for one in (ranks, (ranks - 0.5) ** 2)]
    assert lengths[1] == int(np.ceil(LONGER * max(both)))


def test_memory_of_the_spread_counts_too():
    rng = np.random.default_rng(2)
    calm = np.exp(walk(0.97, 800, 1, rng)) * rng.normal(size=(800, 30))
    plain = rng.normal(size=(800, 30))
    assert block_of(calm, ordered(calm.ravel())) > 3 * block_of(plain, ordered(plain.ravel()))


def test_missing_values_have_blocks_of_their_own():
    rng = np.random.default_rng(6)
    values = rng.normal(size=(600, 4))
    there = blocks_of(values, ordered(values.ravel()), counts_of_reference(values))
    assert there.missing == 2
    values[200:260] = np.nan
    holes = blocks_of(values, ordered(values.ravel()), counts_of_reference(values))
    assert holes.values == block_of(values, ordered(values.ravel())) < 10
    gone = np.isnan(values[:, 0]).astype(float)
    assert holes.missing == int(np.ceil(LONGER * optimal_block_length(gone).circular)) > 20


def test_only_missing_shares_are_drawn_in_the_blocks_of_missing_values():
    values = np.random.default_rng(6).normal(size=(300, 2))
    values[:60] = np.nan
    _, _, (alone,) = nulls_of_values(values, block=Blocks(3, 1))
    _, _, (runs,) = nulls_of_values(values, block=Blocks(3, 60))
    assert (runs.ks.tolist(), runs.psi.tolist()) == (alone.ks.tolist(), alone.psi.tolist())
    # One by one, a window of 20 hardly ever misses half; in runs, a tenth of them do.
    assert np.mean(alone.missing > 0.5) < 0.01
    assert np.mean(runs.missing > 0.5) > 0.1


def test_where_nothing_is_missing_no_draw_is():
    values = np.random.default_rng(6).normal(size=(60, 2))
    _, _, (null,) = nulls_of_values(values, n_draws=90)
    assert null.missing.tolist() == [0.0] * 96


def counts_of_reference(values):
    return counts_of(grid_of(ordered(values.ravel()), 10), values)


def test_blocks_have_bounds():
    assert block_of(np.full((300, 4), 7.0), np.full(1200, 7.0)) <= 2
    values = np.arange(12.0)[:, None]
    assert 1 <= block_of(values, values.ravel()) <= 12
    walked = walk(0.5, 400, 3, np.random.default_rng(1))
    holes = np.insert(walked, 100, np.full((50, 3), np.nan), axis=0)
    # Sessions without a value are left out.
    assert block_of(holes, ordered(walked.ravel())) == block_of(walked, ordered(walked.ravel()))


def test_p_values_are_even_where_nothing_changed():
    """Independent values: of 300 windows the share below a level is the level."""
    rng = np.random.default_rng(12)
    p = []
    for seed in range(30):
        values = rng.normal(size=(500, 1))
        grid, counts, (null,) = nulls_of_values(values, windows=(50,), n_draws=400, seed=seed)
        current = counts_of(grid, rng.normal(size=(500, 1))).reshape(10, 50, -1).sum(axis=1)
        ks, psi = distances(grid, counts.sum(axis=0)[:-1], current[:, :-1])
        p.extend(null.p_value(ks, psi))
    found = np.array(p)
    assert found.min() > 0.0
    for level in (0.05, 0.2, 0.5):
        low, high = binom.ppf([0.001, 0.999], 300, level)
        # Windows share references, so twice the binomial's distance is allowed.
        middle = 300 * level
        assert middle - 2 * (middle - low) <= (found <= level).sum() <= middle + 2 * (high - middle)


@pytest.mark.slow
@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.07), (0.5, 0.09), (0.9, 0.10)])
def test_a_level_of_five_percent_is_kept_with_memory(phi, most):
    rng = np.random.default_rng(7)
    alarms = []
    for seed in range(600):
        values = walk(phi, 1250 + 60, 1, rng)
        before = values[:1250]
        block = block_of(before, ordered(before.ravel()))
        grid, counts, (null,) = nulls_of_values(
            before, windows=(60,), block=block, n_draws=400, seed=seed
        )
        current = counts_of(grid, values[1250:]).sum(axis=0)
        ks, psi = distances(grid, counts.sum(axis=0)[:-1], current[:-1])
        alarms.append(float(null.p_value(ks, psi)) <= 0.05)
    # Three standard errors of 600 histories.
    assert np.mean(alarms) <= most + 3 * np.sqrt(most * (1 - most) / 600)
    assert np.mean(alarms) >= 0.01


@pytest.mark.slow
def test_a_level_of_five_percent_is_kept_by_missing_shares_in_runs():
    rng = np.random.default_rng(9)
    alarms, careless = [], []
    for seed in range(200):
        gone = runs(1250 + 60, 5, rng)
        values = np.where(gone, np.nan, rng.normal(size=gone.shape))
        before = values[:1250]
        counts = counts_of_reference(before)
        blocks = blocks_of(before, ordered(before.ravel()), counts)
        after = gone[1250:].mean() - gone[:1250].mean()
        for kept, block in ((alarms, blocks), (careless, Blocks(blocks.values, blocks.values))):
            _, _, (null,) = nulls_of_values(
                before, windows=(60,), block=block, n_draws=400, seed=seed
            )
            kept.append(float(null.p_missing(np.array([after]))[0]) <= 0.05)
    assert 0.01 <= np.mean(alarms) <= 0.10
    # With the blocks of the values, which have no memory, it would be this.
    assert np.mean(careless) > 0.25


def runs(n_sessions, n_names, rng):
    """Values that go missing a fifth of the time, for 10 sessions on average."""
    state = np.empty((n_sessions, n_names), dtype=bool)
    state[0] = rng.random(n_names) < 0.2
    for t in range(1, n_sessions):
        chance = np.where(state[t - 1], 0.9, 0.025)
        state[t] = rng.random(n_names) < chance
    return state
