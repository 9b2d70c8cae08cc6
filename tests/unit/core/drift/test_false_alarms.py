"""Years without change: what is counted, against a computation by hand."""

import dataclasses
import math

import numpy as np
import pytest

from shadowbook.core.drift.calibration import Sample, calibrate
from shadowbook.core.drift.cells import cells_of
from shadowbook.core.drift.distributions import ordered
from shadowbook.core.drift.false_alarms import A_YEAR, count_incidents, measure_false_alarms
from shadowbook.core.drift.grid import counts_of
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import scan_path
from shadowbook.core.stats.resampling import circular_block_indices

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


def reference(arrays, policy=POLICY):
    samples = [Sample(f"x{at}", "feature", one) for at, one in enumerate(arrays)]
    days = np.arange(len(arrays[0])).astype("datetime64[D]")
    return calibrate(samples, days, policy, np.random.default_rng(1)), samples


def measured(arrays, n_years, seed=3, policy=POLICY):
    calibration, samples = reference(arrays, policy)
    return measure_false_alarms(calibration, samples, policy, n_years, np.random.default_rng(seed))


def naive_distance(before, after):
    points = np.concatenate([before, after])
    return np.abs(
        np.searchsorted(before, points, side="right") / len(before)
        - np.searchsorted(after, points, side="right") / len(after)
    ).max()


def test_without_years_nothing_is_measured():
    found = measured([walk(0.0, 300, 2, 1)], 0)
    assert found.years == 0.0
    assert np.isnan([found.expected_a_year, found.textbook_psi, found.textbook_ks]).all()
    nothing = measured([np.full((300, 2), np.nan)], 5)
    assert nothing.years == 0.0
    assert math.isnan(nothing.expected_a_year)


def test_the_same_seed_measures_the_same():
    arrays = [walk(0.8, 400, 2, 1), walk(0.0, 400, 2, 2)]
    assert measured(arrays, 3) == measured(arrays, 3)
    assert measured(arrays, 3) != measured(arrays, 3, seed=4)


def test_columns_that_are_not_computable_take_no_part():
    arrays = [walk(0.8, 400, 2, 1), np.full((400, 2), np.nan)]
    assert measured(arrays, 2) == measured(arrays[:1], 2)


def test_shares_of_the_textbooks_by_hand():
    # So few values that the cells are the values: the grid's distances are the exact ones.
    arrays = [np.round(walk(0.2, 420, 2, 6)), np.round(walk(0.6, 420, 2, 5))]
    columns = reference(arrays)[0].columns
    assert columns[0].block < columns[1].block
    found = measured(arrays, 1)
    index, distance = [], []
    for column, values in zip(columns, arrays, strict=True):
        before, year = drawn_year(values, columns[1].block)
        cells = cells_of(column.finite, 10)
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
    assert found.years == 1.0


@pytest.mark.parametrize("seed", range(3, 9))
def test_incidents_are_those_of_a_scan_of_the_year(seed):
    values = walk(0.9, 600, 2, 8)
    calibration, (sample,) = reference([values])
    policy = POLICY.model_copy(update={"persistence": 1, "clear_sessions": 1})
    # Of memory that the calibration knows nothing of there are incidents.
    nothing_known = dataclasses.replace(calibration.columns[0], block=1)
    wild = dataclasses.replace(calibration, columns=(narrow(nothing_known),))
    found = measure_false_alarms(wild, [sample], policy, 1, np.random.default_rng(seed))
    before, year = drawn_year(values, 1, seed)
    counts = counts_of(nothing_known.grid, before[:, None]).sum(axis=0)
    held = dataclasses.replace(wild, columns=(dataclasses.replace(wild.columns[0], counts=counts),))
    days = np.arange(len(year)).astype("datetime64[D]")
    path = scan_path(held, [dataclasses.replace(sample, values=year)], days, since=19)
    assert found.expected_a_year == count_incidents(path.alarm == 1, 1, 1)
    assert found.expected_a_year > 0


def test_a_reference_that_holds_no_year_measures_nothing():
    short = measured([walk(0.5, 19 + A_YEAR - 1, 2, 4)], 2)
    assert short.years == 0.0
    assert np.isnan([short.expected_a_year, short.textbook_psi, short.textbook_ks]).all()
    found = measured([walk(0.5, 19 + A_YEAR, 2, 4)], 2)
    assert found.years == 2.0
    assert found.expected_a_year >= 0.0
    assert 0.0 < found.textbook_psi <= 1.0


def narrow(column):
    """Half of what the distances come to, so that scans alarm."""
    nulls = {
        window: dataclasses.replace(one, ks=one.ks * np.float32(0.5), psi=one.psi * np.float32(0.5))
        for window, one in column.nulls.items()
    }
    return dataclasses.replace(column, nulls=nulls)


def drawn_year(values, block, seed=3):
    """The reference and the year that a generator of the same seed draws."""
    rng = np.random.default_rng(seed)
    rows = circular_block_indices(len(values), block, 1, rng)[0]
    length = 19 + A_YEAR
    first = int(rng.integers(0, len(values) - length + 1))
    return ordered(values[rows].ravel()), values[first : first + length]


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
def test_textbooks_cry_wolf_where_values_have_memory_and_scans_do_not():
    policy = DriftPolicy(windows=(21, 63), n_resamples=1000, false_discovery_rate=0.02)
    found = measured([walk(0.95, 1260, 1, seed) for seed in range(6)], 30, policy=policy)
    assert found.textbook_psi > 0.7
    assert found.textbook_ks > 0.6
    assert found.expected_a_year < 1.0
    assert found.years == 30.0
