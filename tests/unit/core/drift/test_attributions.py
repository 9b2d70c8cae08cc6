import numpy as np
import pytest
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingRegressor

from shadowbook.core.drift import benjamini_hochberg, ks_two_sample, psi
from shadowbook.core.drift.attributions import attribution_shift
from shadowbook.core.drift.explanations import attribute
from shadowbook.core.drift.policy import AttributionShiftPolicy
from shadowbook.core.drift.rankings import ndcg
from shadowbook.core.drift.summaries import AttributionSummary, summary_of

POLICY = AttributionShiftPolicy(n_resamples=200)
NAMES = ("a", "b", "c", "d")
WEIGHTS = np.array([0.4, 0.3, 0.2, 0.1])


def contributions(n_sessions, seed, scale=(1.0, 1.0, 1.0, 1.0), n_names=20, memory=0.0):
    """(S, K) sums of a linear model's contributions by session, as a summary."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_sessions, n_names, 4))
    for t in range(1, n_sessions):
        x[t] = memory * x[t - 1] + np.sqrt(1.0 - memory**2) * x[t]
    return summary_of(
        (x * WEIGHTS * scale).reshape(-1, 4), np.repeat(np.arange(n_sessions), n_names)
    )


def shift(reference, current, names=NAMES, rate=0.05, seed=1, policy=POLICY):
    rng = np.random.default_rng(seed)
    return attribution_shift(reference, current, names, policy, rate, rng)


def by_name(found):
    return {row.feature: row for row in found.rows}


def test_what_has_grown_is_found_and_the_rest_is_left_alone():
    reference = contributions(400, 1)
    current = contributions(60, 2, scale=(1.0, 1.0, 1.0, 6.0))
    found = shift(reference, current, rate=0.01)
    assert (found.status, found.n_reference, found.n_current) == ("OK", 400, 60)
    assert [row.feature for row in found.rows] == ["a", "b", "c", "d"]
    assert [row.shifted for row in found.rows] == [False, False, False, True]
    d = found.rows[-1]
    assert (d.rank_reference, d.rank_current) == (4, 1)
    assert d.absolute_reference == pytest.approx(reference.absolute[:, 3].mean())
    assert d.absolute_current == pytest.approx(current.absolute[:, 3].mean())
    low, high = d.absolute_interval
    assert low < 0.5 * np.sqrt(2.0 / np.pi) < high
    assert low > 0.0
    assert d.mean_interval[0] < 0.0 < d.mean_interval[1]
    assert (low + high) / 2.0 == pytest.approx(d.absolute_current - d.absolute_reference)
    means = [side.absolute.mean(axis=0) for side in (reference, current)]
    assert found.ndcg == pytest.approx(float(ndcg(*means)))
    assert found.ndcg < found.ndcg_band <= 1.0


def test_without_a_change_little_is_found():
    found = [
        shift(contributions(250, 2 * i), contributions(60, 2 * i + 1), seed=i) for i in range(25)
    ]
    p_values = [row.p_value for one in found for row in one.rows]
    # 100 at 5 %: between 1 and 12 with 99.2 %.
    assert 1 <= sum(p <= 0.05 for p in p_values) <= 12
    assert sum(one.ndcg < one.ndcg_band for one in found) <= 5


def test_deviations_are_those_of_means_of_independent_sessions():
    # Blocks of one session: the draws' deviation has a formula.
    reference, current = contributions(1000, 5), contributions(50, 6, scale=(1.5, 1, 1, 1))
    row = by_name(shift(reference, current, policy=AttributionShiftPolicy(n_resamples=4000)))["a"]
    for side, interval, change in (
        ("absolute", row.absolute_interval, row.absolute_current - row.absolute_reference),
        ("mean", row.mean_interval, row.mean_current - row.mean_reference),
    ):
        deviation = getattr(reference, side)[:, 0].std()
        ratio = row.absolute_current / row.absolute_reference
        expected = 1.96 * deviation * np.sqrt(ratio**2 / 50 + 1 / 1000)
        assert (interval[1] - interval[0]) / 2.0 == pytest.approx(expected, rel=0.1)
        assert sum(interval) / 2.0 == pytest.approx(change, abs=1e-12)


def test_the_p_value_is_that_of_the_ratio_of_importances():
    reference = contributions(1000, 5, n_names=1)
    current = contributions(50, 6, scale=(1.4, 1, 1, 1), n_names=1)
    row = by_name(shift(reference, current, policy=AttributionShiftPolicy(n_resamples=4000)))["a"]
    spread = reference.absolute[:, 0].std() / row.absolute_reference * np.sqrt(1 / 50 + 1 / 1000)
    ratio = row.absolute_current / row.absolute_reference
    z = norm.isf(row.p_value / 2.0)
    assert z == pytest.approx(np.log(ratio) / spread, rel=0.05)
    # The plain difference would say something else.
    assert (ratio - 1.0) / spread > 1.1 * z


def test_the_band_is_what_one_window_in_twenty_falls_below():
    alike = np.array([1.0, 0.95, 0.9, 0.85]) / WEIGHTS
    reference = contributions(250, 1, scale=alike, n_names=3)
    below = []
    for i in range(60):
        found = shift(reference, contributions(30, 100 + i, scale=alike, n_names=3), seed=i)
        below.append(found.ndcg < found.ndcg_band)
    # 60 at 5 %: at most 9 with 99.8 %; at 95 % it would be 48 and more.
    assert 1 <= sum(below) <= 9
    longer = shift(reference, contributions(150, 2, scale=alike, n_names=3))
    assert found.ndcg_band < longer.ndcg_band < 1.0


def test_memory_makes_the_intervals_wider():
    plain, slow = (
        shift(contributions(500, 7, memory=memory), contributions(60, 8, memory=memory))
        for memory in (0.0, 0.9)
    )
    widths = [
        np.ptp(by_name(found)[name].mean_interval) for found in (plain, slow) for name in NAMES
    ]
    assert (np.array(widths[4:]) > 2.0 * np.array(widths[:4])).all()


def test_the_same_draws_give_the_same_findings():
    reference, current = contributions(100, 1), contributions(30, 2)
    assert shift(reference, current) == shift(reference, current)
    # A feature's draws are its own: another name beside it changes nothing.
    fewer = [
        AttributionSummary(one.mean[:, :2], one.absolute[:, :2]) for one in (reference, current)
    ]
    assert shift(*fewer, NAMES[:2]).rows == shift(reference, current).rows[:2]


@pytest.mark.parametrize("sizes", [(9, 60), (60, 9), (0, 0)])
def test_too_few_sessions_are_not_computable(sizes):
    found = shift(contributions(sizes[0], 1), contributions(sizes[1], 2))
    assert (found.status, found.rows) == ("NOT_COMPUTABLE", ())
    assert (found.n_reference, found.n_current) == sizes
    assert f"{sizes[0]} explained sessions and the current window {sizes[1]}" in found.reason
    assert np.isnan([found.ndcg, found.ndcg_band]).all()


def test_no_features_are_not_computable():
    empty = AttributionSummary(np.empty((20, 0)), np.empty((20, 0)))
    assert shift(empty, empty, ()).status == "NOT_COMPUTABLE"


def with_column(summary, k, mean, absolute):
    changed = AttributionSummary(summary.mean.copy(), summary.absolute.copy())
    changed.mean[:, k], changed.absolute[:, k] = mean, absolute
    return changed


def test_features_that_contribute_nothing_never_count_and_share_the_last_rank():
    reference, current = contributions(100, 1), contributions(30, 2)
    for k in (1, 3):
        reference, current = (with_column(one, k, 0.0, 0.0) for one in (reference, current))
    found = shift(reference, current)
    row = by_name(found)["b"]
    assert (row.p_value, row.shifted) == (1.0, False)
    assert (row.mean_interval, row.absolute_interval) == ((0.0, 0.0), (0.0, 0.0))
    assert (row.rank_reference, row.rank_current) == (3, 3)
    assert [one.feature for one in found.rows] == ["a", "c", "b", "d"]
    assert found.ndcg == 1.0


def test_one_value_throughout_does_not_shift_by_its_rounding():
    reference = with_column(contributions(333, 1), 0, 0.1, 0.1)
    current = with_column(contributions(30, 2), 0, 0.1 + 1e-15, 0.1)
    row = by_name(shift(reference, current))["a"]
    assert row.p_value == 1.0
    np.testing.assert_allclose(row.absolute_interval, 0.0, atol=1e-12)


@pytest.mark.parametrize("before", [0.0, 0.1])
def test_what_never_varied_and_does_now_counts_without_an_interval(before):
    reference = with_column(contributions(100, 1), 3, before, before)
    found = by_name(shift(reference, contributions(30, 2)))["d"]
    assert found.p_value == pytest.approx(1.0 / 201.0)
    assert found.shifted
    assert np.isnan([*found.mean_interval, *found.absolute_interval]).all()


def test_what_falls_silent_counts():
    current = with_column(contributions(30, 2), 0, 0.0, 0.0)
    found = shift(contributions(100, 1), current)
    row = by_name(found)["a"]
    assert row.shifted
    assert (row.rank_reference, row.rank_current) == (1, 4)
    assert row.absolute_interval[1] < 0.0
    assert found.ndcg < found.ndcg_band


def test_a_feature_without_values_never_counts_and_comes_last():
    reference, current = contributions(100, 1), contributions(30, 2, scale=(1, 1, 1, 4))
    found = shift(with_column(reference, 0, np.nan, np.nan), current)
    row = found.rows[-1]
    assert (row.feature, row.rank_reference, row.shifted) == ("a", 4, False)
    assert np.isnan([row.p_value, row.absolute_reference, *row.absolute_interval]).all()
    assert row.absolute_current == pytest.approx(current.absolute[:, 0].mean())
    # The others are compared as if it was not there.
    assert by_name(found)["d"].shifted
    assert np.isfinite([found.ndcg, found.ndcg_band]).all()
    nothing = with_column(reference, slice(None), np.nan, np.nan)
    empty = shift(nothing, current)
    assert empty.status == "OK"
    assert np.isnan([empty.ndcg, empty.ndcg_band]).all()


def test_sessions_without_a_value_are_left_out():
    reference, current = contributions(100, 1), contributions(30, 2)
    holes = AttributionSummary(reference.mean.copy(), reference.absolute.copy())
    holes.mean[:20, 1] = holes.absolute[:20, 1] = np.nan
    row = by_name(shift(holes, current))["b"]
    assert row.absolute_reference == pytest.approx(reference.absolute[20:, 1].mean())
    assert 0.0 < row.p_value < 1.0
    holes.absolute[:91, 1] = holes.mean[:91, 1] = np.nan
    row = by_name(shift(holes, current))["b"]
    assert np.isnan(row.p_value)
    assert row.absolute_reference == pytest.approx(reference.absolute[91:, 1].mean())


def test_one_feature_alone_keeps_its_rank():
    one = [
        AttributionSummary(side.mean[:, :1], side.absolute[:, :1])
        for side in (contributions(100, 1), contributions(30, 2, scale=(3, 1, 1, 1)))
    ]
    found = shift(*one, ("a",))
    assert (found.ndcg, found.ndcg_band) == (1.0, 1.0)
    assert found.rows[0].shifted
    assert (found.rows[0].rank_reference, found.rows[0].rank_current) == (1, 1)


def test_what_was_explained_otherwise_is_refused():
    reference, current = contributions(100, 1), contributions(30, 2)
    with pytest.raises(ValueError, match=r"give \(S, 3\)"):
        shift(reference, current, NAMES[:3])
    thinned = AttributionSummary(current.mean, current.absolute, step=2)
    with pytest.raises(ValueError, match="every 1th session and the current window every 2th"):
        shift(reference, thinned)


def interacting(n_sessions, seed, together):
    """Rows whose first two features are as normal as ever, and correlated by ``together``."""
    x = np.random.default_rng(seed).normal(size=(n_sessions * 20, 4))
    x[:, 1] = together * x[:, 0] + np.sqrt(1.0 - together**2) * x[:, 1]
    return x, np.repeat(np.arange(n_sessions), 20)


@pytest.mark.slow  # shap takes seconds to import
def test_importance_shifts_although_every_distribution_stays_put():
    training, _ = interacting(300, 1, 0.0)
    y = training[:, 0] * training[:, 1] + 0.5 * training[:, 2]
    y += np.random.default_rng(2).normal(size=len(y))
    model = HistGradientBoostingRegressor(max_iter=80, max_leaf_nodes=15, early_stopping=False)
    model.fit(training, y)
    before, sessions_before = interacting(250, 3, 0.0)
    after, sessions_after = interacting(60, 4, 0.8)
    pairs = list(zip(before.T, after.T, strict=True))
    assert not benjamini_hochberg([ks_two_sample(*one).p_value for one in pairs], 0.05).any()
    assert max(psi(*one) for one in pairs) < 0.02
    found = by_name(
        shift(
            summary_of(attribute(model, before, NAMES).values, sessions_before),
            summary_of(attribute(model, after, NAMES).values, sessions_after),
        )
    )
    assert {name for name in NAMES if found[name].shifted} == {"a", "b"}
    assert found["a"].absolute_interval[0] > 0.0
    assert found["b"].mean_interval[0] > 0.0
    # The same window without the correlation shifts nothing.
    calm, sessions_calm = interacting(60, 4, 0.0)
    quiet = shift(
        summary_of(attribute(model, before, NAMES).values, sessions_before),
        summary_of(attribute(model, calm, NAMES).values, sessions_calm),
    )
    assert not any(row.shifted for row in quiet.rows)
