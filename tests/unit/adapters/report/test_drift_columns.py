"""Today's columns in numbers, and the textbook counted on the same windows."""

from dataclasses import replace

import pytest

from shadowbook.adapters.report.drift_columns import OPEN, columns_section, textbook_section
from shadowbook.adapters.report.drift_words import ordered_rows
from shadowbook.core.drift.policy import DriftPolicy
from tests.unit.adapters.report.drifted_books import cells_of, drifted_book

POLICY = DriftPolicy()


@pytest.fixture(scope="module")
def book():
    return drifted_book(n=100)


def test_drifted_rows_stand_open_and_the_rest_is_folded(book):
    page = columns_section(book, POLICY, "c")
    opened, folded = page.split("<details>")
    worst = ordered_rows(book.today)[0]
    assert cells_of(opened, worst.column)[1:4] == [
        f"{worst.psi:.3f} ({worst.psi_band:.3f})",
        f"{worst.ks_statistic:.3f} ({worst.ks_band:.3f})",
        "&lt;0.0001",
    ]
    n = sum(row.drifted for row in book.today)
    assert 0 < n <= OPEN
    assert opened.count("</tr>") == n + 1
    assert folded.count("</tr>") == len(book.today) - n + 1
    assert f"{len(book.today) - n} rows that did not drift" in folded


def test_many_drifted_rows_do_not_flood_the_page(book):
    today = tuple(replace(row, drifted=True) for row in book.today)
    page = columns_section(replace(book, today=today), POLICY, "c")
    assert page.split("<details>")[0].count("</tr>") == OPEN + 1
    assert f"{len(today) - OPEN} more rows that drifted" in page


def test_missing_shares_are_told_with_their_p_value(book):
    row = replace(book.today[0], missing_difference=-0.034, p_missing=0.0021, kind="label")
    page = columns_section(replace(book, today=(row,)), POLICY, "c")
    cells = cells_of(page, f"{row.column} (label)")
    assert cells[0] == f"{row.window} ({row.n_current} values)"
    assert cells[-1] == "−3.4% (p 0.0021)"


def test_the_textbook_is_counted_on_the_same_windows(book):
    page = textbook_section(book, "t")
    psi = sum(row.psi > 0.2 for row in book.today)
    ks = sum(row.ks_p_textbook < 0.05 for row in book.today)
    ours = sum(row.drifted for row in book.today)
    assert ours < psi < ks
    assert f"would call {psi} drifted and K-S at 5% would call {ks}; " in page
    assert f"the calibrated scan calls {ours}, and it alone decides." in page
    assert cells_of(page, "calibrated scan") == ["0.3 (0.0 to 1.4) incidents a year", "yes"]
    assert cells_of(page, "PSI above 0.2") == ["46% of columns in alarm at any time", "no"]
    assert "Measured on 5 years of this reference" in page
