"""Years left out: what is counted, against a computation by hand."""

import math

import numpy as np
import pytest

from shadowbook.core.drift.calibration import Sample, calibrate
from shadowbook.core.drift.cells import cells_of
from shadowbook.core.drift.distributions import ordered
from shadowbook.core.drift.false_alarms import (
    A_YEAR,
    _poisson,
    count_incidents,
    measure_false_alarms,
)
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import scan_path

POLICY = DriftPolicy(
    windows=(5, 20), n_resamples=200, false_discovery_rate=0.1, persistence=2, clear_sessions=3
)


def walk(phi, n_sessions, n_names, seed):
    rng = np.random.default_rng(seed)
    values = np.empty((n_sessions, n_names))
    values[0] = rng.normal(size=n_names)
    for t in range(1, n_sessions):
        values[t] = phi * values[t - 1] + math.sqrt(1 - phi**2) * rng.normal(size=n_names)
    return values


def samples_of(arrays):
    return [Sample(f"x{at}", "feature", one) for at, one in enumerate(arrays)]


def measured(arrays, n_years, seed=3, **policy):
    policy = POLICY.model_copy(update={"held_out_years": n_years, **policy})
    return measure_false_alarms(samples_of(arrays), policy, np.random.default_rng(seed))


def naive_distance(before, after):
    points = np.concatenate([before, after])
    return np.abs(
        np.searchsorted(before, points, side="right") / len(before)
        - np.searchsorted(after, points, side="right") / len(after)
    ).max()


def test_without_years_nothing_is_measured():
    for found in (measured([walk(0.0, 600, 2, 1)], 0), measured([], 5)):
        assert found.years == 0.0
        assert np.isnan([found.expected_a_year, found.textbook_psi, found.textbook_ks]).all()
        assert np.isnan(found.interval).all()


def test_the_rest_must_hold_a_year():
    needed = 2 * A_YEAR + 19
    assert measured([walk(0.5, needed - 1, 2, 4)], 2).years == 0.0
    found = measured([walk(0.5, needed, 2, 4)], 5)
    assert found.years == 2.0
    assert 0.0 < found.textbook_psi <= 1.0


def test_the_same_seed_measures_the_same():
    arrays = [walk(0.8, 600, 2, 1), walk(0.0, 600, 2, 2)]
    assert measured(arrays, 2) == measured(arrays, 2)


def test_columns_that_are_not_computable_take_no_part():
    arrays = [walk(0.8, 600, 2, 1), np.full((600, 2), np.nan)]
    one, both = measured(arrays[:1], 2), measured(arrays, 2)
    assert (one.textbook_psi, one.textbook_ks) == (both.textbook_psi, both.textbook_ks)
    nothing = measured(arrays[1:], 2)
    assert (nothing.expected_a_year, nothing.years) == (0.0, 2.0)
    assert math.isnan(nothing.textbook_psi)


def test_shares_of_the_textbooks_by_hand():
    # So few values that the cells are the values: the grid's distances are the exact ones.
    arrays = [np.round(walk(0.2, 530, 2, 6)), np.round(walk(0.6, 530, 2, 5))]
    found = measured(arrays, 1)
    index, distance = [], []
    for values in arrays:
        year, before = values[: A_YEAR + 19], ordered(values[A_YEAR + 19 :].ravel())
        cells = cells_of(before, 10)
        for t in range(19, len(year)):
            after = ordered(year[t - 4 : t + 1].ravel())
            e, a = cells.shares(before), cells.shares(after)
            index.append(((a - e) * np.log(a / e)).sum() > 0.2)
            limit = math.sqrt(-math.log(0.025) / 2) * math.sqrt(1 / len(before) + 1 / len(after))
            distance.append(naive_distance(before, after) > limit)
    assert len(index) == 2 * A_YEAR
    assert found.textbook_psi == pytest.approx(np.mean(index), abs=1e-12)
    assert found.textbook_ks == pytest.approx(np.mean(distance), abs=1e-12)
    assert 0.0 < found.textbook_ks < 1.0


@pytest.mark.parametrize("held", [0, 1])
def test_incidents_are_those_of_a_scan_of_the_year_left_out(held):
    values = walk(0.5, 700, 2, 8)
    # A change that one of two years alone has seen.
    values[: A_YEAR + 19] += 2.0 * (1 - held)
    values[-A_YEAR:] += 2.0 * held
    start = [0, len(values) - A_YEAR - 19]
    rng, incidents = np.random.default_rng(3), []
    for own, at in zip(rng.spawn(2), start, strict=True):
        there = np.ones(len(values), dtype=bool)
        there[at : at + A_YEAR + 19] = False
        days = np.arange(len(values)).astype("datetime64[D]")
        kept = calibrate(samples_of([values[there]]), days[there], POLICY, own)
        path = scan_path(kept, samples_of([values[~there]]), days[~there], since=19)
        incidents.append(count_incidents(path.alarm == 1, 2, 3))
    assert incidents[held] > 0
    found = measured([values], 2)
    assert found.expected_a_year == sum(incidents) / 2
    assert found.interval[0] <= found.expected_a_year <= found.interval[1]


def test_the_interval_is_the_exact_one_of_a_poisson_count():
    # Garwood (1936): of five events, 1.623 to 11.668; of none, 0 to 3.689.
    assert _poisson(5, 5) == pytest.approx((1.6235 / 5, 11.6683 / 5), abs=1e-4)
    assert _poisson(0, 1) == pytest.approx((0.0, 3.6889), abs=1e-4)


@pytest.mark.parametrize(
    ("alarms", "persistence", "clear", "wanted"),
    [
        ("", 1, 1, 0),
        ("x", 1, 1, 1),
        ("x.x.x", 1, 1, 3),
        ("x.x.x", 1, 2, 1),
        ("xx.xx", 2, 2, 1),
        ("xx..xx", 2, 2, 2),
        ("x.x.xx", 2, 1, 1),
        ("xxxxxx", 3, 1, 1),
        ("xx.xxx...xxx", 3, 3, 2),
    ],
)
def test_incidents_of_a_series(alarms, persistence, clear, wanted):
    assert count_incidents([one == "x" for one in alarms], persistence, clear) == wanted


@pytest.mark.slow
def test_textbooks_cry_wolf_most_of_the_time_and_scans_a_few_times_a_year():
    found = measured(
        [walk(0.95, 1260, 1, seed) for seed in range(6)],
        5,
        windows=(21, 63),
        n_resamples=1000,
        false_discovery_rate=0.02,
    )
    assert found.textbook_psi > 0.7
    assert found.textbook_ks > 0.6
    assert found.expected_a_year < 4.0
    assert found.years == 5.0
