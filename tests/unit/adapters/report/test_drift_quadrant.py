"""The quadrant: dots at their places, gaps where nothing is known, the path in order."""

import math
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from shadowbook.adapters.report.drift_quadrant import (
    BAND,
    FLOOR,
    LEFT,
    RECENT,
    RIGHT,
    TOP,
    place,
    quadrant_figure,
)
from shadowbook.adapters.report.svg import WIDTH, Scale
from shadowbook.core.drift.found import QuadrantPoint
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.quadrant import quadrant
from tests.unit.adapters.report.drifted_books import drifted_book

POLICY = DriftPolicy(false_discovery_rate=0.1)
ACROSS = Scale(0.0, 3.0, LEFT, WIDTH - RIGHT)


@pytest.fixture(scope="module")
def book():
    return drifted_book(n=100)


def point(adjusted, tier, day=1):
    known = math.isfinite(adjusted)
    return QuadrantPoint(date(2026, 1, day), adjusted, tier, known and adjusted < 0.1, tier >= 2)


def drawn(book, points, cell=(True, True)):
    return quadrant_figure(
        replace(book, points=tuple(points), quadrant=quadrant(*cell)), POLICY, "q"
    )


def circle(page, class_):
    found = re.search(rf'<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" class="{class_}"', page)
    return None if found is None else (float(found[1]), float(found[2]))


@pytest.mark.parametrize(("tier", "row"), [(0, 0), (1, 1), (2, 2), (3, 3)])
def test_a_point_lies_at_its_surprise_and_tier(tier, row):
    x, y = place(point(0.01, tier), 0.5, ACROSS)
    assert x == pytest.approx(LEFT + 2.0 / 3.0 * (WIDTH - RIGHT - LEFT))
    assert y == pytest.approx(FLOOR - BAND * (row + 0.5))


def test_later_points_lie_higher_and_stay_in_their_band():
    heights = [place(point(0.5, 1), share, ACROSS)[1] for share in (0.0, 0.5, 1.0)]
    assert heights[0] > heights[1] > heights[2]
    assert all(FLOOR - 2.0 * BAND < y < FLOOR - BAND for y in heights)


def test_no_surprise_is_endless():
    assert place(point(0.0, 0), 0.0, ACROSS)[0] == pytest.approx(WIDTH - RIGHT)
    assert place(point(1.0, 0), 0.0, ACROSS)[0] == pytest.approx(LEFT)


@pytest.mark.parametrize("unknown", [point(math.nan, 1), point(0.5, -1)])
def test_what_is_not_computable_has_no_place(unknown):
    assert np.isnan(place(unknown, 0.5, ACROSS)).all()


def test_today_is_a_dot_with_its_date_and_the_first_session_a_ring(book):
    page = drawn(book, [point(1.0, 0), point(0.3, 1, 2), point(0.01, 2, 3)])
    high = 3.3
    x, y = circle(page, "today")
    assert x == pytest.approx(LEFT + 2.0 / high * (WIDTH - RIGHT - LEFT), abs=0.06)
    assert FLOOR - 3.0 * BAND < y < FLOOR - 2.0 * BAND
    assert circle(page, "start")[0] == pytest.approx(LEFT)
    assert ">2026-01-03</text>" in page


def test_the_line_of_drift_stands_at_the_policys_rate(book):
    page = drawn(book, [point(0.5, 0)])
    x = LEFT + 1.0 / 3.3 * (WIDTH - RIGHT - LEFT)
    assert f'd="M{x:.1f} {TOP:g}L{x:.1f} {FLOOR:g}" class="bound"' in page
    y = FLOOR - 2.0 * BAND
    assert f'd="M{LEFT:g} {y:g}L{WIDTH - RIGHT:g} {y:g}" class="bound"' in page


@pytest.mark.parametrize(
    ("cell", "left", "top"),
    [
        ((False, False), False, False),
        ((True, False), True, False),
        ((False, True), False, True),
        ((True, True), True, True),
    ],
)
def test_the_cell_where_the_book_stands_is_outlined(book, cell, left, top):
    page = drawn(book, [point(0.5, 0)], cell)
    found = re.search(r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*class="here"', page)
    assert (float(found[1]) > LEFT) == left
    assert (float(found[2]) == TOP) == top
    assert page.count("small halo strong") == 1


def test_a_cell_that_is_not_computable_outlines_none(book):
    assert 'class="here"' not in drawn(book, [point(0.5, 0)], (None, True))


def test_gaps_cut_the_path(book):
    known = [point(0.5, 0, 1), point(0.4, 0, 2)]
    page = drawn(book, [*known, point(math.nan, 0, 3), point(0.3, 1, 4), point(0.2, 1, 5)])
    walk = re.search(r'<path d="([^"]+)" class="walk"/>', page)[1]
    assert (walk.count("M"), walk.count("L")) == (2, 2)


def test_a_session_that_is_not_computable_has_no_dot_and_says_so(book):
    page = drawn(book, [point(0.5, 0), point(math.nan, -1, 2)])
    assert circle(page, "today") is None
    assert "2026-01-02 is NOT_COMPUTABLE, so it has no dot." in page
    assert '<th scope="row" role="rowheader">2026-01-02</th>' in page


def test_older_sessions_are_drawn_lightly(book):
    page = quadrant_figure(book, POLICY, "q")
    assert 'class="walk older"' in page
    assert f"newest {RECENT} sessions" in page
    few = quadrant_figure(replace(book, points=book.points[-RECENT:]), POLICY, "q")
    assert 'class="walk older"' not in few


def test_arrowheads_point_along_long_steps(book):
    page = drawn(book, [point(1.0, 0, 1), point(0.01, 0, 2)])
    corners = re.search(r'<path d="M([^"]+)Z" class="heading"', page)[1].split("L")
    xs = [float(corner.split()[0]) for corner in corners]
    assert xs[0] > max(xs[1:])  # its tip looks to the right
    still = drawn(book, [point(0.5, 0, day) for day in range(1, 21)])
    assert 'class="heading"' not in still
