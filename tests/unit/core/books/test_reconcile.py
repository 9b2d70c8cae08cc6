"""The broker's holdings against the ledger's."""

from shadowbook.core.books.reconcile import Difference, reconcile


def test_equal_holdings_have_no_difference():
    assert reconcile({"KO": 5, "GE": -3, "IBM": 0}, {"GE": -3, "KO": 5}) == ()


def test_what_differs_is_named_in_order():
    found = reconcile({"KO": 5, "GE": -3, "T": 1}, {"KO": 5, "GE": 3, "AA": -2})
    assert found == (Difference("AA", 0, -2), Difference("GE", -3, 3), Difference("T", 1, 0))
