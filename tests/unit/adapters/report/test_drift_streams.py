"""Streams of errors: dots, alarms, both settings, run lengths."""

import re
from dataclasses import replace

import numpy as np
import pytest

from shadowbook.adapters.report.drift_streams import smoothed, streams_section
from tests.unit.adapters.report.drifted_books import cells_of, drifted_book


@pytest.fixture(scope="module")
def book():
    return drifted_book(n=100)


def test_streams_show_dots_alarms_and_both_settings(book):
    page = streams_section(book, "s")
    pictures = [one for one in page.split("<svg") if 'role="img"' in one]
    assert len(pictures) == 2
    ddm = next(one for one in book.streams if one.detector == "DDM" and one.setting == "paper")
    dots = re.search(r'<path d="([^"]+)" class="dots"', pictures[0])[1]
    assert dots.count("h0") == len(ddm.values) - 2
    assert pictures[0].count('class="fired paper"') == 2
    assert pictures[0].count('class="fired"') == 1
    warned = re.findall(r'<path d="([^"]+)" class="warned"', pictures[0])
    assert [d.count("M") for d in warned] == [3, 4]
    assert f"paper {ddm.matured[ddm.alarms[1]]} and {ddm.matured[ddm.alarms[0]]}" in page
    assert cells_of(page, "DDM, calibrated") == [
        "direction error",
        "warm_up 30, warning 3.1, drift 4.4",
        "118",
        "2",
        "1",
        "3",
        "500",
        "512",
    ]
    assert cells_of(page, "ADWIN, paper")[-3:] == ["–", "–", "2,480"]


def test_alarms_stand_at_the_session_in_which_the_label_was_known(book):
    one = book.streams[1]
    page = streams_section(replace(book, streams=(one,)), "s")
    x = float(re.search(r'd="M([\d.]+) [\d.]+L\1 [\d.]+" class="fired"', page)[1])
    days = one.matured.astype("datetime64[D]").astype(int)
    share = (days[one.alarms[0]] - days[0]) / (days[-1] - days[0])
    assert x == pytest.approx(68.0 + share * (342.0 - 68.0), abs=0.06)


def test_the_calibrated_setting_stands_first_whatever_the_order(book):
    page = streams_section(book, "s")
    assert page.index(">calibrated</text>") < page.index(">paper</text>")


def test_streams_that_are_not_computable_say_why(book):
    silent = tuple(
        replace(
            one,
            status="NOT_COMPUTABLE",
            reason="12 observations and 30 are needed",
            values=np.full(12, np.nan),
            matured=one.matured[:12],
            alarms=(),
            warnings=(),
            skipped=12,
            run_length=np.nan,
        )
        for one in book.streams
    )
    page = streams_section(replace(book, streams=silent), "s")
    assert page.count("NOT_COMPUTABLE: 12 observations and 30 are needed.") == 2
    assert "NOT_COMPUTABLE: DDM on direction error: 0 right, 1 wrong, paper setting: 12" in page
    assert cells_of(page, "DDM, paper")[2:5] == ["0", "12", "not computable"]
    assert "nan" not in re.sub(r"<[^>]+>", "", page)


def test_a_mean_waits_for_enough_observations():
    values = np.concatenate([np.zeros(10), [np.nan], np.ones(15)])
    found = smoothed(values)
    assert np.isnan(found[:20]).all()
    assert found[20] == pytest.approx(0.5)
    assert found[-1] == pytest.approx(0.75)


def test_a_run_length_without_an_alarm_is_a_bound(book):
    streams = tuple(
        replace(one, run_length=8011.4, run_length_is_bound=True) for one in book.streams
    )
    assert "at least 8,011" in streams_section(replace(book, streams=streams), "s")
    assert "at least" not in streams_section(book, "s")
