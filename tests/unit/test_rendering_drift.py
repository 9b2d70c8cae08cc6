"""What the terminal says of drift: a row a strategy, what has drifted, what is not computable."""

from dataclasses import replace
from pathlib import Path

import pytest

from shadowbook.core.drift.found import FalseAlarms
from shadowbook.core.drift.quadrant import quadrant
from shadowbook.rendering_drift import MOST, show_drift
from tests.unit.adapters.report.drifted_books import drifted_book, without_profile

PAGE = Path("build/drift.html")


@pytest.fixture(scope="module")
def drifted():
    """Nine columns drifted in some window, as the scan of the last session has it."""
    book = drifted_book(n=40)
    today = tuple(
        replace(one, drifted=i < 18, adjusted=0.001 * (i + 1) if i < 18 else 0.9, p_missing=1.0)
        for i, one in enumerate(book.today)
    )
    return replace(book, today=today, quadrant=quadrant(True, True))


def printed(capsys, *books):
    show_drift(books, PAGE)
    return capsys.readouterr().out


def test_a_book_is_a_row_and_its_columns_are_lines(drifted, capsys):
    points = (*drifted.points[:-1], replace(drifted.points[-1], drift=True, decay=False))
    out = printed(capsys, replace(drifted, points=points))
    (row,) = (line for line in out.splitlines() if line.startswith("│ weekly"))
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["weekly", "7", "yes", "no", "retrain on recent data", "0.3 (0.0 to 1.4)"]
    lines = [line for line in out.splitlines() if line.startswith("  - ")]
    assert len(lines) == MOST + 1
    # Two windows a column: its most unlikely one is told, once.
    first = drifted.today[0]
    assert lines[0] == (
        f"  - weekly: {first.column} over 21 sessions: PSI {first.psi:.2f} (band "
        f"{first.psi_band:.2f}), K-S {first.ks_statistic:.2f} (band {first.ks_band:.2f}), "
        "adjusted p 0.0010"
    )
    named = [line.split(": ")[1].split(" over ")[0] for line in lines[:MOST]]
    assert named == [one.column for one in drifted.today[: 2 * MOST : 2]]
    assert lines[-1] == "  - weekly: 4 more drifted columns on the page"
    assert out.rstrip().endswith("page: build/drift.html")


def test_missing_values_are_told_as_such(drifted, capsys):
    first = replace(drifted.today[0], p_missing=1e-9, missing_difference=0.25)
    out = printed(capsys, replace(drifted, today=(first,)))
    assert f"{first.column} over 21 sessions: +25.0% missing, adjusted p 0.0010" in out


def test_what_cannot_be_computed_is_no_figure(drifted, capsys):
    nothing = FalseAlarms(float("nan"), float("nan"), float("nan"), 0.0)
    out = printed(capsys, replace(drifted, false_alarms=nothing, today=()), without_profile())
    rows = [line for line in out.splitlines() if line.startswith("│")][-2:]
    assert [row.strip("│").split("│")[-1].strip() for row in rows] == ["not measured"] * 2
    cells = [cell.strip() for cell in rows[1].strip("│").split("│")]
    assert cells[:5] == [
        "monthly",
        "3",
        "not computable",
        "not computable",
        "tell what cannot be computed",
    ]
    assert "  - monthly: Version 3 of monthly has no drift profile." in out


def test_without_books_nothing_is_printed(capsys):
    assert printed(capsys) == ""
