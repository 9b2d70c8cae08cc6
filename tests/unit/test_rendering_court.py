"""What the terminal says of the court: a table a challenger, and how far it is."""

from dataclasses import replace
from pathlib import Path

from shadowbook.adapters.report.court_words import QUESTIONS, shown
from shadowbook.rendering_court import WIDTH, show_court
from tests.unit.adapters.report.judged_cases import all_cases, held, promoted, rejected

PAGE = Path("build/court.html")


def printed(capsys, *judged, page=PAGE):
    show_court(judged, page)
    return capsys.readouterr().out


def rows_of(out):
    lines = (line for line in out.splitlines() if line.startswith("│"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_a_challenger_is_a_table_with_every_criterion(capsys):
    judged = held().judged
    out = printed(capsys, judged)
    assert out.splitlines()[0].rstrip() == "weekly: replacement 3 against champion 1: HOLD"
    assert rows_of(out) == [[QUESTIONS[one.name], *shown(one)] for one in judged.decision.criteria]
    caption = " ".join(line.strip() for line in out.splitlines()[-4:])
    assert "47 of 504 sessions (2.0 years)" in caption
    assert "16 more sessions at the least" in caption
    assert out.rstrip().endswith("page: build/court.html")


def test_no_line_is_wider_than_a_hundred_columns(capsys):
    out = printed(capsys, *(one.judged for one in all_cases()))
    assert max(map(len, out.splitlines())) <= WIDTH == 100
    heads = [line.strip() for line in out.splitlines() if " against champion " in line]
    assert heads == [
        "daily: replacement 7 against champion 1: PROMOTE",
        "monthly: refresh 4 against champion 2: REJECT",
        "weekly: refresh 6 against champion 1: PROMOTE",
        "weekly: refresh 8 against champion 1: HOLD",
        "weekly: replacement 3 against champion 1: HOLD",
        "weekly: replacement 5 against champion 1: NOT_COMPUTABLE",
    ]
    assert "not computable" in out


def test_markup_in_a_name_is_text(capsys):
    judged = promoted().judged
    nasty = replace(judged, strategy="[red]x[/red]")
    assert "[red]x[/red]: replacement 7" in printed(capsys, nasty)


def test_nothing_to_judge_is_one_sentence(capsys):
    assert printed(capsys, page=None).splitlines() == [
        "No challenger is before the court: train one with shadowbook retrain."
    ]


def test_without_a_page_none_is_named(capsys):
    assert "page:" not in printed(capsys, rejected().judged, page=None)
