"""A profile says of each column what the functions say of the samples."""

import math

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.drift import ReferenceProfile, ks_two_sample, psi


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(3)
    made = []
    for n, mean in ((3_000, 0.0), (400, 0.3)):
        values = {
            "normal": rng.normal(mean, 1.0, n),
            "few": rng.integers(0, 4, n).astype(float),
            "ties": np.round(rng.normal(mean, 1.0, n), 1),
            "holes": np.where(rng.random(n) < 0.1 + mean, np.nan, rng.normal(size=n)),
            "constant": np.full(n, 2.0),
            "nothing": np.full(n, np.nan),
        }
        made.append(pd.DataFrame(values))
    return made


@pytest.mark.parametrize("n_bins", [10, 4])
def test_a_scan_is_the_functions_column_by_column(tables, n_bins):
    reference, current = tables
    found = ReferenceProfile.fit(reference, n_bins).scan(current)
    assert list(found.index) == list(reference.columns)
    assert list(found.columns) == ["psi", "ks_statistic", "missing_difference", "status"]
    for name, row in found.iterrows():
        tested = ks_two_sample(reference[name], current[name])
        assert row["psi"] == pytest.approx(
            psi(reference[name], current[name], n_bins), rel=1e-12, nan_ok=True
        )
        assert row["ks_statistic"] == pytest.approx(tested.statistic, abs=1e-15, nan_ok=True)
        assert row["missing_difference"] == tested.missing_difference
        assert row["status"] == tested.status
    assert found["status"]["nothing"] == "NOT_COMPUTABLE"
    assert found["ks_statistic"]["constant"] == 0.0
    assert found["missing_difference"]["holes"] == pytest.approx(0.3, abs=0.08)


def test_columns_are_taken_by_name_and_arrays_by_place(tables):
    reference, current = tables
    profile = ReferenceProfile.fit(reference)
    found = profile.scan(current)
    turned = current[current.columns[::-1]].assign(other=1.0)
    pd.testing.assert_frame_equal(profile.scan(turned), found)
    plain = ReferenceProfile.fit(reference.to_numpy()).scan(current.to_numpy())
    assert plain["psi"].to_numpy() == pytest.approx(found["psi"].to_numpy(), nan_ok=True)


def test_an_empty_window_is_not_computable(tables):
    reference, current = tables
    found = ReferenceProfile.fit(reference).scan(current.iloc[:0])
    assert set(found["status"]) == {"NOT_COMPUTABLE"}
    assert all(math.isnan(value) for value in found["missing_difference"])


def test_mistakes_are_named(tables):
    reference, current = tables
    profile = ReferenceProfile.fit(reference)
    with pytest.raises(ValueError, match="lacks column few"):
        profile.scan(current.drop(columns="few"))
    with pytest.raises(ValueError, match="has 2 columns and the reference 6"):
        profile.scan(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        ReferenceProfile.fit(np.ones(3))
    with pytest.raises(ValueError, match="n_bins is 1"):
        ReferenceProfile.fit(reference, 1)
    with pytest.raises(ValueError, match="one name"):
        ReferenceProfile.fit(pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]))
