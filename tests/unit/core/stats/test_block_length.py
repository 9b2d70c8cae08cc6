import numpy as np
import pytest

from shadowbook.core.stats.block_length import optimal_block_length


def persistent(rho, n, seed=0):
    values = np.random.default_rng(seed).normal(size=n)
    for at in range(1, n):
        values[at] += rho * values[at - 1]
    return values


def test_reference_case_of_an_autoregression():
    """From arch 8.0.0's own tests, recomputed."""
    values = np.random.RandomState(0).standard_normal(10_100)
    for at in range(1, 10_100):
        values[at] += 0.3 * values[at - 1]
    found = optimal_block_length(values[100:])
    assert found.stationary == pytest.approx(13.635665, rel=1e-6)
    assert found.circular == pytest.approx(15.60894, rel=1e-6)


# Lengths by arch 8.0.0 of the same series; importing arch takes seconds.
@pytest.mark.parametrize(
    ("rho", "n", "stationary", "circular"),
    [
        (0.0, 12, 4.0, 4.0),
        (0.6, 40, 14.0, 14.0),
        (-0.4, 250, 4.401334610275421, 5.038270414625192),
        (0.9, 400, 19.67724267173531, 22.524819940513588),
        (0.3, 2500, 10.498060289441666, 12.017279132507428),
    ],
)
def test_lengths_equal_those_of_arch(rho, n, stationary, circular):
    found = optimal_block_length(persistent(rho, n))
    assert found.stationary == pytest.approx(stationary, rel=1e-9)
    assert found.circular == pytest.approx(circular, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e200])
def test_the_unit_does_not_matter(scale):
    values = persistent(0.5, 300)
    np.testing.assert_allclose(
        optimal_block_length(values * scale), optimal_block_length(values), rtol=1e-12
    )


def test_missing_values_are_left_out():
    values = persistent(0.5, 300)
    holed = np.insert(values, [3, 50], [np.nan, np.inf])
    assert optimal_block_length(holed) == optimal_block_length(values)


@pytest.mark.parametrize("values", [np.empty(0), np.arange(9.0), np.full(50, 0.1), np.zeros(50)])
def test_too_few_and_constant_values_have_no_length(values):
    assert np.isnan(optimal_block_length(values)).all()


def test_a_table_is_refused():
    with pytest.raises(ValueError, match="one series"):
        optimal_block_length(np.zeros((20, 2)))
