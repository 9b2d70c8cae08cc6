"""The court's page: every section, nothing broken, the numbers those of the cases."""

import re
from dataclasses import replace
from datetime import timedelta
from html import escape
from time import process_time

import numpy as np
import pytest

from shadowbook.adapters.report.court import FULL, page_of_court
from shadowbook.adapters.report.court_style import COURT_STYLE
from shadowbook.adapters.report.court_words import QUESTIONS, shown
from shadowbook.adapters.report.monitor_style import MONITOR_STYLE
from shadowbook.adapters.report.style import STYLE
from shadowbook.core.promotion.paths import lead_path
from tests.unit.adapters.report.judged_cases import (
    AS_OF,
    POLICY,
    all_cases,
    court_case,
    held,
    just_opened,
    not_computable,
    present,
    promoted,
    refreshed,
    rejected,
    replacement,
    side_by_side,
)
from tests.unit.adapters.report.test_monitor import read, row_of

NASTY = "<b>&"
MINUS = "\N{MINUS SIGN}"
SECTIONS = (
    "What the court asks",
    "How far it is ahead, and how sure that is",
    "What both books earned",
    "What history says",
    "What it may spend of the year's alpha",
    "What it said before",
)


@pytest.fixture(scope="module")
def cases():
    return all_cases()


def page_of(*cases, policy=POLICY):
    return page_of_court(cases, "Court", AS_OF, policy)


def test_a_case_in_full_has_every_section_in_order(cases):
    one = cases[0]
    page = page_of(one)
    reader = read(page)
    places = [page.index(f">{escape(title)}</h2>") for title in SECTIONS]
    assert places == sorted(places)
    assert len(reader.pictures) == 3
    for criterion in one.judged.decision.criteria:
        row = row_of(reader, QUESTIONS[criterion.name])
        assert row[1:4] == list(shown(criterion))
    bold = page.count('<tr role="row" class="chosen">')
    assert bold == sum(one.passed is False for one in one.judged.decision.criteria)
    assert "As of 2026-09-18 20:15 UTC" in page
    assert "47 of 504 sessions (2.0 years)" in page
    assert "It waits for 16 more sessions at the least." in page


def test_the_numbers_are_those_of_the_path(cases):
    one = cases[1]
    page = page_of(one)
    reader = read(page)
    path = one.path
    last = row_of(reader, str(path.sessions[-1]))
    ends = [path.lead, path.claim_lower, path.safe_lower, path.safe_upper]
    assert last[1:] == [
        str(len(path.sessions)),
        *(f"{line[-1]:z.2f}".replace("-", MINUS) for line in ends),
    ]
    assert f"lead so far: {path.lead[-1]:.2f}<" in page
    assert f"1 challenger, version 7: {path.challenger[-1]:.3f}×" in page
    assert one.judged.evidence.not_inferior_bound == path.safe_lower[-1]


def test_every_challenger_has_a_sentence(cases):
    page = page_of(*cases)
    read(page)
    overview = page[page.index('id="overview"') : page.index("</section>")]
    assert overview.count("<li>") == len(cases)
    assert "6 challengers of 3 strategies." in overview
    for outcome, badge in (
        ("PROMOTE", "quiet"),
        ("HOLD", "watch"),
        ("REJECT", "critical"),
        ("NOT_COMPUTABLE", "warning"),
    ):
        assert f'<span class="badge {badge}">{outcome}</span>' in overview


def test_margin_zero_minimum_effect_and_minimum_sessions_are_drawn(cases):
    page = page_of(cases[0])
    drawing = page[page.index('<path d="', page.index('id="c0-lead-desc"')) :]
    drawing = drawing[: drawing.index("</svg>")]
    for name in ("margin", "axis strong", "wanted", "least", "band", "line c0"):
        assert f'class="{name}"' in drawing
    assert ">63 sessions<" in drawing
    # The 63rd session is still to come: its mark stands at the right end.
    assert re.search(r'd="M342 18L342 228" class="least"', drawing)
    own = page_of(cases[4])
    assert 'class="wanted"' not in own
    assert 'class="line c1"' not in own[own.index('id="c0-lead"') : own.index('id="c0-books"')]


def test_a_claim_far_below_is_said_and_not_drawn(cases):
    page = page_of(cases[0])
    assert f"lower bound of its claim: {MINUS}15.30, below the picture" in page
    assert "below the picture" not in page_of(cases[1])


def test_history_and_budget_in_words_and_numbers(cases):
    page = page_of(cases[1])
    for name, value in (
        ("lead, annual Sharpe ratio", "0.94 ± 0.26"),
        ("p-value of this pair", "0.000150"),
        ("p-value among all recipes", "0.00410"),
        ("deflated Sharpe ratio", "97.2%"),
        ("trials", "64 fitted, 14.2 effective"),
        ("sessions in common", "2,016"),
        ("number in its year", "1"),
        ("alpha for history", "0.0100"),
        ("alpha for its shadow", "0.00250"),
        ("alpha of the year", "0.0500"),
        ("left for later ones", "0.0375"),
    ):
        assert f"<dt>{escape(name)}</dt><dd>{value}</dd>" in page
    assert "would have been 0.94 ahead of the champion" in page
    assert "alpha of the year" not in page_of(cases[1], policy=None)


def test_a_lead_behind_is_told_as_such():
    history = replace(replacement().history, effect=-0.4, n_competing=1, snooping_p_value=np.nan)
    one = court_case(replacement(history=history), side_by_side(30), present(30))
    page = page_of(one)
    read(page)
    assert "would have been 0.40 behind the champion" in page
    assert "no other recipe was tried" in page


def test_a_refresh_spends_nothing(cases):
    page = page_of(cases[4])
    read(page)
    assert "A refresh claims no lead and spends nothing" in page
    assert "with a correlation of 0.930" in page
    case = replace(cases[4].judged.case, refit_correlation=np.nan)
    page = page_of(replace(cases[4], judged=replace(cases[4].judged, case=case)))
    assert "How alike refits of the recipe were in history is not known." in page


def test_what_history_cannot_say_has_its_reason():
    page = page_of(not_computable())
    reader = read(page)
    assert "NOT_COMPUTABLE: 310 sessions of paired walk forward, 504 are needed." in page
    row = row_of(reader, QUESTIONS["gate"])
    assert row[1:4] == ["not known", "PASSED", "not computable"]
    bare = not_computable()
    judged = replace(bare.judged, case=replace(bare.judged.case, history=None))
    assert "no walk forward of both recipes was kept" in page_of(replace(bare, judged=judged))


@pytest.mark.parametrize("n", [0, 1, 6])
def test_a_young_shadow_says_that_nothing_is_known(n):
    opened = just_opened()
    record = side_by_side(n)
    path = lead_path(record, opened.judged.case, POLICY)
    page = page_of(replace(opened, path=path, judgments=()))
    reader = read(page)
    assert "side by side give no lead yet." in page
    assert ("NOT_COMPUTABLE: no session side by side yet." in page) == (n == 0)
    assert len(reader.pictures) == (n > 0)
    assert "Nothing is recorded of this case yet." in page


def test_sessions_without_a_return_are_no_gap_in_the_page():
    record = side_by_side(90)
    record.champion[[3, 40, 89]] = np.nan
    page = page_of(court_case(replacement(), record, present(90)))
    read(page)


def test_the_timeline_tells_each_judgment(cases):
    one = cases[2]
    page = page_of(one)
    reader = read(page)
    said = [row for row in reader.rows if row and row[0] in {str(j.session) for j in one.judgments}]
    rows = [row for row in said if len(row) == 4]
    assert [row[1] for row in rows] == [
        "case opened",
        *(str(j.outcome) for j in one.judgments if j.outcome),
    ]
    assert rows[-1][2].startswith("harm (")
    timeline = page[page.index('id="c0-timeline-drawing-title"') :]
    assert 'class="spell critical"' in timeline
    assert 'class="turn critical"' in timeline


def test_what_asks_for_an_act_stands_first(cases):
    page = page_of(*reversed(cases))
    heads = re.findall(r'id="c\d"[^>]*><h2>([^<]*)</h2>', page)
    assert heads == [
        "daily: replacement 7 against champion 1",
        "monthly: refresh 4 against champion 2",
        "weekly: refresh 6 against champion 1",
        "weekly: refresh 8 against champion 1",
        "weekly: replacement 3 against champion 1",
        "weekly: replacement 5 against champion 1",
    ]
    assert page == page_of(*cases)


def test_names_are_escaped():
    one = held()
    judged = replace(
        one.judged,
        strategy=NASTY,
        case=replace(one.judged.case, strategy=NASTY),
        decision=replace(
            one.judged.decision,
            criteria=tuple(replace(c, reason=NASTY) for c in one.judged.decision.criteria),
        ),
    )
    page = page_of(replace(one, judged=judged))
    read(page)
    assert NASTY not in page
    assert escape(NASTY) in page


def test_without_challengers_the_page_says_so():
    page = page_of()
    read(page)
    assert "No challenger is before the court." in page


def test_many_challengers_stay_small_and_fast():
    one = promoted()
    many = [
        replace(one, judged=replace(one.judged, case=replace(one.judged.case, challenger=number)))
        for number in range(10, 60)
    ]
    began = process_time()
    page = page_of(*many)
    assert process_time() - began < 2.0
    reader = read(page)
    assert len(reader.pictures) == 3 * FULL
    assert len(page.encode()) < 1_000_000
    assert page.count("<details><summary>weekly") + page.count("<details><summary>daily") == 42


def test_the_style_names_colors_that_there_are():
    colors = set(re.findall(r"--(\w+):#", STYLE))
    assert set(re.findall(r"var\(--(\w+)\)", COURT_STYLE)) <= colors
    for outcome in ("quiet", "watch", "warning", "critical", "opened"):
        assert f".spell.{outcome}{{" in COURT_STYLE
        assert f".badge.{outcome}{{" in MONITOR_STYLE + COURT_STYLE


def test_a_refresh_that_was_judged_later_than_its_last_session():
    one = refreshed()
    later = replace(one.judged, as_of=AS_OF + timedelta(days=30))
    read(page_of(replace(one, judged=later)))
    assert rejected().judged.decision.outcome == "REJECT"
