"""What the terminal says of books under watch: the page's own figures, in few lines."""

from dataclasses import replace
from pathlib import Path

import pytest

from shadowbook.adapters.report.monitor_words import newest_ratio, reading_of, shown_reading
from shadowbook.rendering_monitor import ALERTS, MOST, OTHERS, show_monitor
from tests.unit.adapters.report.monitored_books import book_under_watch, copied, untraded

PAGE = Path("build/monitor.html")


@pytest.fixture(scope="module")
def watched():
    return book_under_watch()


def printed(capsys, *books):
    show_monitor(books, PAGE)
    return capsys.readouterr().out


def test_a_champion_is_told_with_its_figures_and_open_alerts(watched, capsys):
    shadow = copied(replace(watched, alerts=(), capacity=1.0), "weekly", "shadow/5")
    out = printed(capsys, shadow, watched)
    assert "weekly, champion: critical, halted" in out
    for window in (21, 252):
        for metric in ("sharpe", "information_coefficient", "drawdown_current"):
            assert shown_reading(reading_of(watched, metric, window)) in out
    assert newest_ratio(watched.ratios["sharpe"]).split()[0] in out
    assert "  - critical since 2022-01-03, escalated 2022-04-11: sharpe over 63" in out
    assert "1 page so far, 0.6 a year" in out
    assert "│ weekly, shadow/5 │ quiet │ 252" in out
    assert out.index("weekly, champion") < out.index("weekly, shadow/5")
    assert out.rstrip().endswith("page: build/monitor.html")
    assert max(len(line) for line in out.splitlines() if "│" in line) <= 110


def test_nothing_traded_yet_is_one_sentence(capsys):
    told = "Nothing has been traded long enough to be measured: the monitor has no figure\n"
    assert printed(capsys, untraded()) == told + "page: build/monitor.html\n"
    assert printed(capsys) == told + "page: build/monitor.html\n"


def test_a_halted_book_is_told_before_it_has_figures(watched, capsys):
    fatigue = replace(watched.fatigue, years=5 / 252)
    young = replace(untraded(), alerts=watched.alerts, capacity=0.0, fatigue=fatigue)
    out = printed(capsys, young)
    assert "  1 page so far\n" in out
    assert "young, champion: critical, halted" in out
    assert "halted until a person closes the incident" in out
    assert "no figure" not in out


def test_a_young_book_beside_an_old_one_is_counted(watched, capsys):
    assert "1 book too young to be measured" in printed(capsys, watched, untraded())


def test_many_books_and_alerts_stay_short(watched, capsys):
    alerts = tuple(replace(watched.alerts[0], rule=f"r{at}") for at in range(ALERTS + 3))
    books = [copied(replace(watched, alerts=alerts), f"s{at}", "champion") for at in range(100)]
    out = printed(capsys, *books)
    assert out.count("3 more open alerts on the page") == MOST
    assert f"{100 - MOST - OTHERS} more books on the page" in out
    assert len(out.splitlines()) < MOST * 20 + OTHERS + 10


def test_markup_in_names_is_printed_as_it_is(watched, capsys):
    alerts = tuple(replace(one, reason="[red]x[/]") for one in watched.alerts)
    out = printed(capsys, copied(replace(watched, alerts=alerts), "[b]s", "champion"))
    assert "[b]s, champion" in out
    assert "[red]x[/]" in out
