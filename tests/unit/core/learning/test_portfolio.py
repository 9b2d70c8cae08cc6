import numpy as np
import pytest

from shadowbook.core.learning.portfolio import run_book, target_weights

NAN = np.nan


def test_best_names_are_bought_and_worst_sold_in_equal_parts():
    weights = target_weights(np.array([[5.0, 1.0, 3.0, 4.0, 2.0, NAN]]), 0.4, 5)
    np.testing.assert_allclose(weights, [[0.5, -0.5, 0.0, 0.5, -0.5, 0.0]])


def test_fraction_takes_whole_names_and_at_least_one():
    scores = np.arange(20.0)[None]
    assert (target_weights(scores, 0.2, 5) > 0).sum() == 4
    assert (target_weights(scores, 0.05, 5) > 0).sum() == 1
    assert (target_weights(scores, 0.01, 5) > 0).sum() == 1
    assert (target_weights(scores, 0.5, 5) > 0).sum() == 10


def test_ties_across_the_border_share_its_places():
    weights = target_weights(np.array([[9.0, 7.0, 7.0, 7.0, 1.0]]), 0.4, 5)
    # two places on each side: 9 has one, the three sevens share the other; below, 1 has one and
    # the sevens share the other, which cancels
    np.testing.assert_allclose(weights, [[0.5, 0.0, 0.0, 0.0, -0.5]])


def test_equal_scores_hold_nothing_whatever_the_order_of_the_symbols():
    assert not target_weights(np.full((1, 8), 0.3), 0.25, 5).any()


def test_sessions_with_too_few_names_hold_nothing():
    assert not target_weights(np.array([[1.0, 2.0, 3.0, 4.0, NAN]]), 0.25, 5).any()


def test_sides_always_sum_to_one():
    rng = np.random.default_rng(1)
    scores = np.round(rng.normal(size=(300, 11)), 1)
    scores[rng.random(scores.shape) < 0.2] = NAN
    weights = target_weights(scores, 0.3, 3)
    np.testing.assert_allclose(weights.sum(axis=1), 0.0, atol=1e-14)
    assert (np.abs(weights).sum(axis=1) <= 2.0 + 1e-12).all()


def test_decision_is_traded_at_the_next_close_and_earns_from_the_session_after():
    # One decision, after session 1's close: long A, short B, for two sessions.
    targets = np.zeros((7, 2))
    targets[1] = [1.0, -1.0]
    prices = np.array(
        [
            [100.0, 100.0],
            [100.0, 100.0],
            [150.0, 100.0],  # session 2: decided, not yet traded; its jump is not ours
            [165.0, 100.0],  # session 3: + 10 % on half the capital
            [165.0, 110.0],  # session 4: - 10 % on half the capital
            [330.0, 110.0],  # session 5: sold at the close before
            [330.0, 110.0],
        ]
    )
    book = run_book(targets, prices, horizon=2, execution_lag=1, cost_bps=100.0)
    np.testing.assert_allclose(book.gross, [NAN, NAN, NAN, 0.05, -0.05, 0.0, NAN], atol=1e-15)
    # bought: 0.5 + 0.5; rebalanced after A grew to 0.55 of 1.05; sold what B's rise left
    rebalanced = (0.55 / 1.05 - 0.5) + (0.5 - 0.5 / 1.05)
    sold = (0.5 + 0.55) / 0.95
    np.testing.assert_allclose(book.turnover[3:6], [1.0, rebalanced, sold])
    np.testing.assert_allclose(book.net[3:6], book.gross[3:6] - 0.01 * book.turnover[3:6])


@pytest.mark.parametrize("lag", [0, 1, 3])
@pytest.mark.parametrize("horizon", [1, 5])
def test_only_returns_inside_the_holding_span_are_earned(lag, horizon):
    decided = 4
    targets = np.zeros((20, 2))
    targets[decided] = [1.0, -1.0]
    earned = []
    for jump in range(1, 20):
        prices = np.full((20, 2), 50.0)
        prices[jump:, 0] = 60.0
        book = run_book(targets, prices, horizon, lag, 0.0)
        if np.nansum(np.abs(book.gross)) > 0:
            earned.append(jump)
    assert earned == list(range(decided + lag + 1, decided + lag + horizon + 1))


def test_sleeves_overlap():
    targets = np.zeros((8, 2))
    targets[0], targets[1], targets[2] = [1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]
    held = run_book(targets, np.ones((8, 2)), horizon=2, execution_lag=1, cost_bps=0.0).weights
    np.testing.assert_allclose(held[:, 0], [0.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0])


def test_position_without_a_price_is_carried_until_the_next_one():
    targets = np.tile([1.0, -1.0], (6, 1))
    prices = np.full((6, 2), 100.0)
    prices[3, 0] = NAN
    prices[4:, 0] = 120.0
    gross = run_book(targets, prices, horizon=1, execution_lag=1, cost_bps=0.0).gross
    np.testing.assert_allclose(gross, [NAN, NAN, 0.0, 0.0, 0.2, 0.0], atol=1e-15)


def test_symbol_that_was_never_priced_earns_nothing():
    targets = np.tile([1.0, -1.0], (5, 1))
    prices = np.full((5, 2), 100.0)
    prices[:3, 0] = NAN
    gross = run_book(targets, prices, horizon=1, execution_lag=0, cost_bps=0.0).gross
    assert np.nansum(np.abs(gross)) == 0.0


def test_book_without_decisions_never_opens():
    book = run_book(np.zeros((5, 3)), np.ones((5, 3)), 2, 1, 5.0)
    assert np.isnan(book.net).all()
    assert np.isnan(book.turnover).all()
