"""Resamples in one matrix product, against samples made and measured one by one."""

import numpy as np
import pytest

from shadowbook.core.stats import sharpe_resamples
from shadowbook.core.stats.batches import batches
from shadowbook.core.stats.sharpe_resamples import studentized_deviations


def ratio(x):
    return x.mean() / x.std()


def gradient(a, b):
    first, second = np.mean(a * a), np.mean(b * b)
    one, other = a.var() ** 1.5, b.var() ** 1.5
    return np.array([first / one, -second / other, -0.5 * a.mean() / one, 0.5 * b.mean() / other])


def by_hand(a, b, block, batch):
    """Ledoit and Wolf (2008), section 3.2: four moments, l blocks, sample by sample."""
    n, blocks = len(a), len(a) // block
    starts = np.random.default_rng(batch.seed).integers(0, n, size=(batch.size, blocks))
    found = []
    for some in starts:
        rows = np.concatenate([(start + np.arange(block)) % n for start in some])
        x, y = a[rows], b[rows]
        v = np.column_stack([x, y, x * x, y * y])
        v -= v.mean(axis=0)
        psi = np.zeros((4, 4))
        for at in range(blocks):
            zeta = v[at * block : (at + 1) * block].sum(axis=0) / np.sqrt(block)
            psi += np.outer(zeta, zeta) / blocks
        weight = gradient(x, y)
        error = np.sqrt(weight @ psi @ weight / len(rows))
        found.append(abs(ratio(x) - ratio(y) - (ratio(a) - ratio(b))) / error)
    return np.array(found)


def pair(rho, n, seed=0):
    e = np.random.default_rng(seed).standard_t(5, size=(3, n))
    return 0.01 * (rho**0.5 * e[0] + (1.0 - rho) ** 0.5 * e[1:]) + 0.002


@pytest.mark.parametrize(("n", "block"), [(120, 5), (121, 10), (60, 1), (43, 20)])
@pytest.mark.parametrize("rho", [0.0, 0.99, 0.9999999])
def test_each_deviation_is_that_of_its_sample(n, block, rho):
    a, b = pair(rho, n)
    drawn = batches(260, np.random.default_rng(2))
    found = studentized_deviations(a[:, None], b, block, drawn)[:, 0]
    expected = np.concatenate([by_hand(a, b, block, batch) for batch in drawn])
    expected[expected > 1e6] = np.inf  # every block the same: their error is rounding
    np.testing.assert_allclose(found, expected, rtol=1e-4 if rho > 0.999 else 1e-8)


def test_a_challengers_figures_do_not_depend_on_the_others(monkeypatch):
    own = np.random.default_rng(1).normal(0.0005, 0.01, size=(90, 7))
    champion = own[:, 0] + np.random.default_rng(2).normal(0.0, 0.01, size=90)
    drawn = batches(300, None)
    found = studentized_deviations(own, champion, 5, drawn)
    for column in range(7):
        alone = studentized_deviations(own[:, [column]], champion, 5, drawn)[:, 0]
        np.testing.assert_allclose(found[:, column], alone, rtol=1e-9)
    monkeypatch.setattr(sharpe_resamples, "_TOGETHER", 3)
    np.testing.assert_allclose(studentized_deviations(own, champion, 5, drawn), found, rtol=1e-9)


def test_returns_have_no_unit():
    a, b = pair(0.8, 100)
    drawn = batches(250, None)
    found = studentized_deviations(a[:, None], b, 5, drawn)
    other = studentized_deviations(1e4 * a[:, None], 1e-3 * b, 5, drawn)
    np.testing.assert_allclose(other, found, rtol=1e-8)


def test_a_sample_without_an_error_counts_as_far_off():
    # Two blocks of eleven: one sample in 22 draws one block twice, and its blocks do not differ.
    a, b = pair(0.5, 22)
    found = studentized_deviations(a[:, None], b, 11, batches(2_000, None))[:, 0]
    assert not np.isnan(found).any()
    assert np.isinf(found).mean() == pytest.approx(1.0 / 22.0, abs=0.015)
