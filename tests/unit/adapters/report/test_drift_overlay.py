"""Distributions over each other: shares or density, or why there is no drawing."""

import re
from dataclasses import replace

import numpy as np
import pytest

from shadowbook.adapters.report.drift_overlay import MOST, drawable, heights, overlays_section
from shadowbook.core.drift.found import Overlay
from tests.unit.adapters.report.drifted_books import cells_of, drifted_book


@pytest.fixture(scope="module")
def book():
    return drifted_book(n=100)


def overlay(edges, reference, current):
    return Overlay(
        "skew", 63, *(np.asarray(one, dtype=np.float64) for one in (edges, reference, current))
    )


def test_overlays_of_equal_cells_show_shares(book):
    one = overlay([0.0, 1.0, 2.0], [0.25, 0.75], [0.5, 0.5])
    page = overlays_section(replace(book, overlays=(one,)), "o")
    bars = re.search(r'<path d="([^"]+)" class="bar"/></svg>|d="([^"]+)" class="bar"/><path', page)
    top = 8.0
    floor, full = 128.0, 1.06 * 0.75
    heights_ = [floor - share / full * (floor - top) for share in (0.25, 0.75)]
    d = bars[1] or bars[2]
    assert [float(y) for y in re.findall(r"V([\d.]+)H", d)] == pytest.approx(heights_, abs=0.06)
    assert "Most was gained from 0 to 1 (+25.0%), most lost from 1 to 2 (−25.0%)." in page
    assert cells_of(page, "0 to 1") == ["25.0%", "50.0%"]


def test_numbers_of_many_cells_are_added_up(book):
    one = overlay(np.arange(25.0), np.full(24, 1.0 / 24.0), np.arange(24.0) / 276.0)
    page = overlays_section(replace(book, overlays=(one,)), "o")
    assert cells_of(page, "0 to 3") == ["12.5%", "1.1%"]
    assert cells_of(page, "21 to 24") == ["12.5%", "23.9%"]
    assert page.count("</tr>") == 1 + 8


def test_overlays_of_unequal_cells_show_density():
    reference, current, shares = heights(overlay([0.0, 1.0, 3.0], [0.5, 0.5], [0.2, 0.8]))
    assert not shares
    np.testing.assert_allclose(reference, [1.0, 0.5])
    np.testing.assert_allclose(current, [0.4, 0.8])


@pytest.mark.parametrize(
    "broken",
    [
        overlay([0.0, 1.0], [1.0], [np.nan]),
        overlay([-np.inf, 1.0], [1.0], [1.0]),
        overlay([1.0, 1.0], [1.0], [1.0]),
        overlay([1.0], [], []),
        overlay([0.0, 1.0, 2.0], [1.0], [1.0]),
    ],
)
def test_an_overlay_that_cannot_be_drawn_says_so(book, broken):
    assert not drawable(broken)
    page = overlays_section(replace(book, overlays=(broken,)), "o")
    assert "NOT_COMPUTABLE: a window without finite values" in page
    assert "nan" not in page


def test_only_so_many_overlays_are_drawn(book):
    page = overlays_section(replace(book, overlays=(book.overlays[0],) * (MOST + 2)), "o")
    assert page.count("<h4>") == MOST
