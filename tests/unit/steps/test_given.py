"""A session's inputs as they are kept: every bit comes back, every bit counts."""

from dataclasses import replace

import numpy as np
import pytest

from shadowbook.steps.given import Given, unpacked

GIVEN = Given(
    symbols=("GE", "KO"),
    names=("momentum_21", "volatility_63"),
    features=np.array([[0.1, np.nan], [-0.2, 0.3]]),
    fields=("close", "volume"),
    bars=np.array([[10.5, 1e6], [50.25, np.nan]]),
)


def test_what_was_packed_comes_back_to_the_last_bit():
    back = unpacked(GIVEN.packed())
    assert (back.symbols, back.names, back.fields) == (GIVEN.symbols, GIVEN.names, GIVEN.fields)
    np.testing.assert_array_equal(back.features, GIVEN.features)
    np.testing.assert_array_equal(back.bars, GIVEN.bars)
    assert back.digest == GIVEN.digest


@pytest.mark.parametrize(
    "change",
    [
        {"symbols": ("GE", "IBM")},
        {"names": ("momentum_21", "volatility_21")},
        {"fields": ("close", "open")},
        {"features": np.array([[0.1, np.nan], [-0.2, np.nextafter(0.3, 1)]])},
        {"bars": np.array([[10.5, 1e6], [50.25, 1.0]])},
    ],
)
def test_anything_else_has_another_digest(change):
    assert replace(GIVEN, **change).digest != GIVEN.digest
