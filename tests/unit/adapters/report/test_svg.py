"""Drawings as text: what is thinned, where labels go, what is escaped."""

import re
from itertools import pairwise

import numpy as np
import pytest

from shadowbook.adapters.report.svg import (
    WIDTH,
    Drawing,
    Scale,
    element,
    end_labels,
    runs,
    thinned,
)
from shadowbook.adapters.report.ticks import ratio_ticks, round_ticks


def test_thinning_keeps_ends_extremes_and_gaps():
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=20_000))
    y[7_000:7_100] = np.nan
    y[12_345], y[15_432] = 900.0, -900.0
    x = np.arange(20_000.0)

    kept_x, kept_y = thinned(x, y)

    assert len(kept_x) <= 5 * 320
    assert (kept_x[0], kept_x[-1]) == (0.0, 19_999.0)
    assert {12_345.0, 15_432.0} <= set(kept_x)
    assert np.isnan(kept_y[(kept_x >= 7_000) & (kept_x < 7_100)]).all()
    assert len(runs(kept_x, kept_y)) == 2
    np.testing.assert_array_equal(kept_y, y[kept_x.astype(int)])


def test_short_series_are_drawn_whole():
    x = np.arange(100.0)
    assert len(thinned(x, x)[0]) == 100


def test_a_logarithmic_scale_and_what_it_cannot_show():
    scale = Scale(0.1, 10.0, 100.0, 0.0, log=True)
    np.testing.assert_allclose(scale(np.array([0.1, 1.0, 10.0, 0.0, -1.0, np.nan])), [
        100.0, 50.0, 0.0, np.nan, np.nan, np.nan,
    ])  # fmt: skip


@pytest.mark.parametrize(
    "places", [[50.0, 50.0, 50.0], [0.0, 1.0, 2.0], [100.0, 99.0, 98.0], [10.0], []]
)
def test_labels_do_not_lie_on_each_other_and_keep_their_order(places):
    moved = end_labels(places, 0.0, 100.0)
    ordered = sorted(moved)
    assert all(b - a >= 11.0 - 1e-9 for a, b in pairwise(ordered))
    assert all(0.0 <= place <= 100.0 for place in moved)
    assert np.argsort(moved, kind="stable").tolist() == np.argsort(places, kind="stable").tolist()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.0004, 0.0011, ["0", "0.0005", "0.0010"]),
        (0.0, 520.0, ["0", "100", "200", "300", "400", "500"]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert [text for _, text in round_ticks(low, high, 6)] == expected


def test_ticks_of_a_narrow_and_of_a_wide_ratio():
    assert [text for _, text in ratio_ticks(0.97, 1.12, 7)] == ["1.00", "1.05", "1.10"]
    assert [text for _, text in ratio_ticks(0.001, 900.0, 7)] == [
        "0.001", "0.01", "0.1", "1", "10", "100",
    ]  # fmt: skip


def test_everything_given_as_text_is_escaped():
    drawing = Drawing("x", 10.0, "<b>&", '"quoted" <i>')
    drawing.text(1.0, 2.0, "<script>&", "end", 'a"b')
    told = str(drawing)
    assert "<b>" not in told
    assert "<script>" not in told
    assert "&lt;script&gt;&amp;" in told
    assert 'class="a&quot;b"' in told
    assert element("rect", x=1.25) == '<rect x="1.2"/>'


@pytest.mark.parametrize(
    ("first", "last"), [("1990-01-02", "2022-12-28"), ("2022-03-01", "2022-04-20")]
)
def test_dates_do_not_touch_and_stay_on_the_page(first, last):
    ends = np.array([first, last], dtype="datetime64[D]").astype(float)
    drawing = Drawing("x", 100.0, "", "")
    drawing.date_axis(Scale(ends[0], ends[1], 40.0, 342.0), 78.0)
    found = re.findall(r'<text x="([\d.]+)"[^>]*>([^<]+)</text>', str(drawing))
    places = [(float(x) - 3.6 * len(text), float(x) + 3.6 * len(text)) for x, text in found]
    assert len(places) >= 2
    assert all(a[1] < b[0] for a, b in pairwise(places))
    assert places[0][0] >= 0.0
    assert places[-1][1] <= WIDTH
