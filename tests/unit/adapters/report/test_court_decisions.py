"""Decisions of the court in a replay: the timeline, its ends, and pages without a court."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from shadowbook.adapters.report.court_decisions import (
    OPEN,
    ROWS,
    case_rows,
    decisions_lines,
    decisions_section,
)
from shadowbook.adapters.report.court_timeline import CaseRow, Upright, rows_of, timeline_drawing
from shadowbook.adapters.report.replay import page_of_replay
from shadowbook.core.promotion.court import Outcome
from shadowbook.core.promotion.judged import Judgment
from shadowbook.rendering_replay import show_replay
from tests.unit.adapters.report.judged_cases import a_replay
from tests.unit.adapters.report.test_replay import read

NASTY = "<b>&"
DAYS = [date(2024, 1, day) for day in (2, 9, 16, 23, 30)]


def judgment(session, outcome, challenger=2, champion=1):
    return Judgment("weekly", session, champion, challenger, "refresh", outcome, (), {})


@pytest.fixture(scope="module")
def replayed():
    return a_replay(6, promoted=3)


def test_a_replay_without_a_court_has_the_page_that_it_had(replayed):
    summary, _ = replayed
    page = page_of_replay([summary])
    assert page == page_of_replay([summary], ()) == page_of_replay([summary], [[]])
    assert "Decisions of the court" not in page
    assert ".spell" not in page


def test_the_page_tells_each_case_and_each_judgment(replayed):
    summary, judgments = replayed
    page = page_of_replay([summary], [judgments])
    reader = read(page)
    assert page.index("Decisions of the court") < page.index(">What happened<")
    ends = [row for row in reader.rows if len(row) == 6 and " against " in row[0]]
    rows = case_rows(summary, judgments)
    assert [row[0].split()[1] for row in ends] == [str(row.pair[1]) for row in rows]
    assert [row[3] for row in ends] == [str(row.judgments[-1].outcome) for row in rows]
    told = [row for row in reader.rows if len(row) == 5 and " against " in row[1]]
    assert len(told) == len(judgments)
    assert len(judgments) > OPEN
    assert f"<details><summary>Every judgment: {len(judgments)}</summary>" in page
    assert "How each case ended: 6" in page
    # Its own mark, the champion's figure has one more, and each figure's legend.
    assert page.count('class="mark promotion simulated"') == 4
    assert "promotion by the simulated operator" in page


def test_a_case_ends_with_its_book_or_with_the_champion(replayed):
    summary, judgments = replayed
    rows = {row.pair: row for row in case_rows(summary, judgments)}
    books = {one.series.book: one.series.sessions[-1].astype(date) for one in summary.books}
    promotion = next(note for note in summary.notes if note.kind == "promotion")
    assert rows[1, 3].until == promotion.session
    assert rows[1, 3].changes[-1].outcome is Outcome.PROMOTE
    assert rows[1, 3].changes[-1].session == promotion.session
    assert rows[3, 6].until == books["shadow/6"]
    assert max(row.until for row in rows.values()) <= summary.last


def test_marks_stand_where_the_outcome_changed():
    said = [None, Outcome.HOLD, Outcome.HOLD, Outcome.REJECT, Outcome.HOLD]
    row = CaseRow(tuple(judgment(*one) for one in zip(DAYS, said, strict=True)), date(2024, 2, 6))
    assert [(one.session.day, str(one.outcome)) for one in row.changes] == [
        (9, "HOLD"),
        (23, "REJECT"),
        (30, "HOLD"),
    ]
    drawn = str(timeline_drawing([row], "t", ()))
    spells = re.findall(r'<rect x="([\d.]+)"[^>]*width="([\d.]+)"[^>]*class="spell (\w+)"', drawn)
    assert [one[2] for one in spells] == ["opened", "watch", "critical", "watch"]
    widths = [float(one[1]) for one in spells]
    assert widths == pytest.approx([w * widths[0] for w in (1, 2, 1, 1)], abs=0.11)
    assert sum(widths) == pytest.approx(360 - 18 - float(spells[0][0]), abs=0.3)
    assert drawn.count('class="turn ') == 3


def test_cases_follow_each_other_as_they_were_opened():
    mixed = [
        judgment(DAYS[2], Outcome.HOLD, 3),
        judgment(DAYS[0], None, 2),
        judgment(DAYS[1], Outcome.HOLD, 2),
        judgment(DAYS[1], None, 3),
        judgment(DAYS[4], None, 3, champion=2),
    ]
    rows = rows_of(mixed, date(2024, 3, 1), {(1, 2): DAYS[3], (1, 3): DAYS[0]})
    assert [row.name for row in rows] == ["1 → 2", "1 → 3", "2 → 3"]
    # Never before what was said last.
    assert [row.until for row in rows] == [DAYS[3], DAYS[2], date(2024, 3, 1)]
    assert rows[1].judgments[0].outcome is None


def test_a_case_of_one_day_is_drawn():
    row = CaseRow((judgment(DAYS[0], Outcome.NOT_COMPUTABLE),), DAYS[0])
    drawn = str(timeline_drawing([row], "t", [Upright(DAYS[0], "retraining")] * 3))
    assert drawn.count('class="mark retraining"') == 1
    assert 'class="turn warning"' in drawn
    assert "nan" not in drawn


def test_many_cases_get_further_drawings():
    judgments = [
        judgment(date(2008 + at // 12, at % 12 + 1, 2), None, at + 2) for at in range(2 * ROWS + 5)
    ]
    summary, _ = a_replay(1, promoted=0)
    section = decisions_section([summary], [judgments], "court")
    assert section.count('role="img"') == 3
    assert f"How each case ended: {2 * ROWS + 5}" in section


def test_two_policies_of_which_one_asked_no_court(replayed):
    summary, judgments = replayed
    other = replace(summary, name=f"calm.yaml {NASTY}")
    page = page_of_replay([summary, other], [judgments, []])
    read(page)
    assert "weekly under params.yaml: what the court said" in page
    assert "The court was not asked under calm.yaml &lt;b&gt;&amp;." in page
    with pytest.raises(ValueError, match="judgments of 1 replays, not of 2"):
        page_of_replay([summary, other], [judgments])


def test_a_book_that_never_ran_does_not_break_its_case(replayed):
    summary, judgments = replayed
    blank = tuple(
        replace(one, series=replace(one.series, net=np.full(len(one.series.net), np.nan)))
        if one.series.book == "shadow/2"
        else one
        for one in summary.books
    )
    rows = case_rows(replace(summary, books=blank), judgments)
    assert rows[0].pair == (1, 2)
    read(page_of_replay([summary], [judgments]))


def test_the_terminal_counts_cases(replayed, capsys):
    summary, judgments = replayed
    assert len(decisions_lines(judgments)) == 1
    show_replay([summary], [judgments])
    printed = capsys.readouterr().out
    assert "the court on weekly: 6 cases: 2 replacements and 4 refreshes; last said: " in printed
    show_replay([summary], [[]])
    assert "the court was not asked" in capsys.readouterr().out
    show_replay([summary])
    assert "the court" not in capsys.readouterr().out.replace("the court says", "")
