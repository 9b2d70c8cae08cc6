"""Importances then and now, at their places."""

import re

import numpy as np
import pytest

from shadowbook.adapters.report.drift_attribution import attribution_figure
from shadowbook.core.drift.found import Attributions, AttributionShift
from tests.unit.adapters.report.drifted_books import cells_of


def shift(name, then, now, shifted=False, ranks=(1, 1)):
    step = now - then
    interval = (step - 0.5, step + 0.5)
    return AttributionShift(name, -then, now, interval, then, now, interval, *ranks, 0.004, shifted)


def test_importances_lie_at_their_values():
    rows = (shift("aa", 4.0, 1.0, True, (1, 2)), shift("bb", 2.0, 2.0, False, (2, 1)))
    page = attribution_figure(Attributions(rows, 0.9, 0.95, 252, 63), "a")
    first = page.split("</svg>")[0]
    was = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"[^>]*class="was"', first)]
    now = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"[^>]*class="is"', first)]
    unit = (was[0] - was[1]) / 2.0
    assert was[0] - now[0] == pytest.approx(3.0 * unit, abs=0.3)
    assert was[1] == now[1]
    ends = re.findall(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+) \2" class="whisker"', first)
    low, _, high = (float(x) for x in ends[0])
    assert low < now[0] < high < was[0]  # the whisker leaves the ring out
    assert float(ends[1][0]) < was[1] < float(ends[1][2])
    assert ">▼ 1 → 2</text>" in first
    assert ">2 → 1</text>" in first
    assert "Shifted: aa." in page
    assert "0.900, below the 0.950 that 5 % of windows fall below by chance." in page
    assert cells_of(page, "aa")[:2] == ["4", "1"]
    assert cells_of(page, "aa")[-3:] == ["1 → 2", "0.004", "yes"]


def test_shifted_features_are_drawn_however_small_they_were():
    rows = [shift(f"f{at}", 1.0, 1.0, ranks=(at + 1, at + 1)) for at in range(40)]
    rows[35] = shift("late", 1.0, 9.0, True, (36, 1))
    page = attribution_figure(Attributions(tuple(rows), 0.9, np.nan, 252, 63), "a")
    first = page.split("</svg>")[0]
    assert first.count('class="was"') == 26
    assert ">late</text>" in first
    assert "its band is NOT_COMPUTABLE." in page


def test_importances_without_any_spread_can_be_drawn():
    page = attribution_figure(Attributions((shift("a", 0.0, 0.0),), np.nan, np.nan, 1, 1), "a")
    assert "nan" not in re.sub(r"<[^>]+>", "", page)
