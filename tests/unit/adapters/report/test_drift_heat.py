"""The heat map: tones at their p-values, stripes at drifted cells, thinning that hides nothing."""

import re
from dataclasses import replace

import numpy as np
import pytest

from shadowbook.adapters.report.drift_heat import (
    COLUMNS,
    LEFT,
    RIGHT,
    ROW,
    TOP,
    heat_figure,
    thinned_path,
)
from shadowbook.adapters.report.svg import WIDTH
from shadowbook.core.drift.found import ScanPath
from tests.unit.adapters.report.drifted_books import drifted_book, weekdays


@pytest.fixture(scope="module")
def book():
    return drifted_book(n=100)


def path_of(p, drifted=None, alarm=None, names=None):
    p = np.asarray(p, dtype=np.float64)
    t, k = p.shape
    return ScanPath(
        weekdays(t),
        names or tuple(f"f{at}" for at in range(k)),
        p,
        np.full((t, k), 0.1),
        np.zeros((t, k), dtype=bool) if drifted is None else np.asarray(drifted, dtype=bool),
        np.nan_to_num(p, nan=1.0).min(axis=1, initial=1.0),
        np.zeros(t, dtype=np.int8) if alarm is None else np.asarray(alarm, dtype=np.int8),
    )


def strokes(page, class_):
    """Stretches of a class: start, height, stop."""
    found = re.search(rf'<path d="([^"]+)" class="{class_}"/>', page.split("</svg>")[0])
    if found is None:
        return []
    return [
        tuple(float(x) for x in one) for one in re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)", found[1])
    ]


def heat(book, path):
    return heat_figure(replace(book, path=path, today=()), "h")


def test_each_cell_has_the_tone_of_its_p_value(book):
    page = heat(book, path_of([[0.5], [0.1], [0.05], [0.01], [0.005], [0.001], [0.0005], [np.nan]]))
    days = np.array([0, 1, 2, 5, 6, 7, 8, 9])  # the first session is a Wednesday
    edges = LEFT + np.append(days, 10) / 10.0 * (WIDTH - RIGHT - LEFT)
    middle = TOP + 0.5 * ROW
    for class_, first, last in (
        ("tone p0", 0, 2),  # a p-value on a bound has the weaker tone
        ("tone p1", 2, 4),
        ("tone p2", 4, 6),
        ("tone p3", 6, 7),
    ):
        (start, y, stop) = strokes(page, class_)[0]
        assert y == middle
        assert (start, stop) == pytest.approx((edges[first], edges[last]), abs=0.06)
    assert (edges[7], middle) == pytest.approx(strokes(page, "unknown")[-1][:2], abs=0.06)


def test_drifted_cells_and_scans_in_alarm_are_marked(book):
    p = np.full((10, 2), 0.5)
    drifted = np.zeros((10, 2))
    drifted[4:6, 1] = 1
    alarm = np.array([-1, -1, 0, 0, 1, 1, 0, 0, 0, 0])
    page = heat(book, path_of(p, drifted, alarm))
    (stripe,) = strokes(page, "drifted core")
    (mark,) = strokes(page, "alarm")
    assert stripe[1] == TOP + 1.5 * ROW
    assert (stripe[0], stripe[2]) == (mark[0], mark[2])
    assert strokes(page, "unknown")[0][0] == LEFT
    assert "2 scans in alarm" in page


def test_stretches_of_one_tone_are_one_stroke(book):
    page = heat(book, path_of(np.full((200, 3), 0.5)))
    assert len(strokes(page, "tone p0")) == 3


def test_thinning_keeps_the_smallest_p_every_drift_and_every_alarm():
    rng = np.random.default_rng(0)
    t = 2 * COLUMNS + 7
    p = rng.uniform(0.2, 1.0, (t, 3))
    p[123, 1], p[-1, 2] = 1e-4, 2e-4
    p[40:60] = np.nan
    drifted, alarm = p < 0.01, (p < 0.01).any(axis=1).astype(np.int8)
    alarm[40:60] = -1
    path = path_of(p, drifted, alarm)

    thin = thinned_path(path)

    assert len(thin.starts) <= COLUMNS
    assert np.nanmin(thin.p_values[:, 1]) == 1e-4
    assert thin.p_values[-1, 2] == 2e-4
    assert thin.drifted.sum() == 2
    assert (thin.alarm == 1).sum() == 2
    assert np.isnan(thin.p_values).all(axis=1).sum() == (thin.alarm == -1).sum() > 0
    assert thin.starts[0] == path.sessions[0]
    assert (np.diff(thin.starts) > np.timedelta64(0, "D")).all()
    assert int((path.sessions >= thin.starts[-1]).sum()) == 3  # the newest place is full


def test_short_paths_are_not_thinned(book):
    thin = thinned_path(book.path)
    np.testing.assert_array_equal(thin.p_values, book.path.p_values)
    np.testing.assert_array_equal(thin.starts, book.path.sessions)


def test_the_numbers_of_each_column_stand_in_the_table(book):
    page = heat_figure(book, "h")
    at = book.path.columns.index("momentum_21")
    row = re.search(r">momentum_21</th>(.*?)</tr>", page)[1]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[2] == f"{book.path.psi[-1, at]:.3f}"
    assert cells[3] == f"{book.path.drifted[:, at].sum()}"
    assert cells[4] == f"{np.isfinite(book.path.p_values[:, at]).sum()}"


def test_long_names_are_cut_in_the_middle_and_whole_in_the_table(book):
    long = "rank_residual_momentum_252_21"
    page = heat(book, path_of([[0.5], [0.4]], names=(long,)))
    assert ">rank_resid…um_252_21</text>" in page
    assert f">{long}</th>" in page


def test_one_session_can_be_drawn(book):
    page = heat(book, path_of([[0.5, np.nan]]))
    assert "nan" not in re.sub(r"<[^>]*>|finan", "", page).lower()
    assert strokes(page, "tone p0") == [(LEFT, TOP + 0.5 * ROW, WIDTH - RIGHT)]


def test_a_path_without_sessions_or_columns_is_not_computable(book):
    for path in (path_of(np.empty((0, 2))), path_of(np.empty((3, 0)), alarm=[-1, -1, -1])):
        assert "NOT_COMPUTABLE: no session has been scanned yet." in heat(book, path)
