import numpy as np
import pytest

from shadowbook.core.stats.growth import equity_curve, max_drawdown


def test_losing_everything_is_final():
    np.testing.assert_array_equal(equity_curve(np.array([0.5, -2.0, 3.0])), [1.5, 0.0, 0.0])
    assert max_drawdown(np.array([0.5, -2.0, 3.0])) == -1.0


def test_drawdown_counts_a_loss_on_the_first_session():
    assert max_drawdown(np.array([-0.2, 0.1])) == pytest.approx(-0.2)
    assert max_drawdown(np.array([0.1, 0.2])) == 0.0
    np.testing.assert_allclose(
        max_drawdown(np.array([[0.1, -0.5, 0.1], [0.0, 0.0, 0.0]])), [-0.5, 0.0]
    )
