import numpy as np
import pytest

from shadowbook.core.books.construction import PortfolioPolicy
from shadowbook.core.books.paper import paper_book

PLAIN = PortfolioPolicy(volatility_target=None, max_position=1.0, min_names=2)


def test_a_book_of_two_names_by_hand():
    prices = np.array([[100.0, 100.0], [110.0, 100.0], [110.0, 120.0], [121.0, 120.0]])
    scores = np.array([[1.0, 0.0]] * 4)
    book = paper_book(scores, prices, 1, PLAIN, cost_bps=10.0)
    # Half of equity long in the first, half short in the second, from the first close on.
    np.testing.assert_allclose(book.signal, [np.nan, 0.05, -0.1, 0.05])
    # Traded at the close of session 1, it misses the first gain.
    np.testing.assert_allclose(book.gross, [np.nan, 0.0, -0.1, 0.05])
    # All of it is bought at the first close; then what the prices have moved is traded back.
    drifted = np.array([0.5, -0.6]) / 0.9
    expected = [1.0, np.abs([0.5, -0.5] - drifted).sum()]
    np.testing.assert_allclose(book.turnover[1:3], expected)
    np.testing.assert_allclose(book.net, book.gross - book.turnover * 0.001)


def test_it_is_scaled_to_the_target_volatility(sample):
    bars = sample.bars.pivot_table(index="session", columns="symbol", values="close")
    prices = bars.to_numpy("float64")[-800:]
    scores = np.random.default_rng(1).normal(size=prices.shape)
    policy = PortfolioPolicy(volatility_target=0.02)
    book = paper_book(scores, prices, 5, policy, 5.0)
    yearly = np.nanstd(book.signal[100:]) * np.sqrt(252)
    assert yearly == pytest.approx(0.02, rel=0.25)


def test_too_few_rated_names_keep_the_portfolio():
    prices = np.full((6, 4), 100.0) * np.cumprod(np.full((6, 4), [1.01, 1.0, 1.0, 0.99]), axis=0)
    scores = np.tile([3.0, 2.0, 1.0, 0.0], (6, 1))
    scores[3] = np.nan
    book = paper_book(scores, prices, 1, PLAIN, 0.0)
    assert book.signal[4] == pytest.approx(book.signal[3])
    assert book.turnover[4] < 0.02


def test_nothing_rated_is_no_book():
    book = paper_book(np.full((5, 3), np.nan), np.full((5, 3), 10.0), 2, PLAIN, 5.0)
    for series in (book.signal, book.gross, book.net, book.turnover):
        assert np.isnan(series).all()
