"""The drift page: every section, nothing broken, the numbers those of the records."""

import re
from dataclasses import replace
from html import escape
from time import process_time

import numpy as np
import pytest

from shadowbook.adapters.report.drift import FULL, page_of_drift
from shadowbook.adapters.report.drift_words import (
    drifted_columns,
    headline,
    ordered_columns,
    read_first,
    worst_columns,
)
from shadowbook.core.drift.found import Attributions, FalseAlarms
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.quadrant import quadrant
from tests.unit.adapters.report.drifted_books import (
    AS_OF,
    FEATURES,
    drifted_book,
    faulty,
    ticketed,
    wanted,
    without_profile,
)
from tests.unit.adapters.report.test_monitor import read, row_of

NASTY = "<b>&"
SECTIONS = (
    "Retraining wanted",
    "Drift and decay",
    "Columns over time",
    "Today's columns",
    "What the textbook would say",
    "Distributions of the columns that differ most",
    "What the model looks at, then and now",
    "Errors as they matured",
    "Coverage ticket",
    "What could not be computed",
)


@pytest.fixture(scope="module")
def drifted():
    return wanted(drifted_book())


@pytest.fixture(scope="module")
def calm():
    return drifted_book(4, "quarterly", moved=0, tier=0)


def page_of(*books, **more):
    return page_of_drift(books, "Drift", AS_OF, **more)


def test_a_book_in_full_has_every_section_in_order(drifted):
    full = replace(drifted, ticket=("volume",), notes=("Labels of 5 sessions are unknown.",))
    page = page_of(full)
    reader = read(page)
    places = [page.index(f">{escape(title)}</h2>") for title in SECTIONS]
    assert places == sorted(places)
    row = row_of(reader, "weekly")
    assert row == [
        "weekly",
        "retrain on recent data",
        worst_columns(full),
        "0.3 (0.0 to 1.4)",
        str(full.incident),
        "open, 1 entry",
        "yes",
        "7",
    ]
    assert f"alert {full.request.alert}" in page
    assert "Labels of 5 sessions are unknown." in page
    assert "As of 2026-09-18 20:15 UTC" in page
    assert len(reader.pictures) == 1 + 1 + 6 + 2 + 2  # quadrant, heat, overlays, SHAP, streams


def test_numbers_say_where_they_come_from(drifted):
    page = page_of(
        drifted,
        sources={("weekly", "champion"): "Profile of run 3f2a"},
        illustrations={("weekly", "champion"): "drift/weekly.html?a&b"},
    )
    assert "250 scans, 2025-10-01 to 2026-09-15" in page
    assert "the profile of version 7 (2020-09-01 to 2025-09-02)" in page
    assert "Profile of run 3f2a." in page
    assert '<a href="drift/weekly.html?a&amp;b">' in page
    assert "drawn by Evidently" not in page_of(drifted)


def test_the_headline_tells_every_kind_of_drift(drifted):
    page = page_of(drifted)
    calibrated = [one for one in drifted.streams if one.setting == "calibrated"]
    ddm, adwin = (one.matured[one.alarms[-1]] for one in calibrated)
    assert ddm > adwin
    assert f"newest alarm of a calibrated detector: DDM on {ddm};" in page
    assert "importances that shifted: momentum_252_21 and distance_average_200;" in page
    quiet = replace(
        drifted,
        streams=tuple(replace(one, alarms=()) for one in drifted.streams),
        attributions=replace(
            drifted.attributions,
            rows=tuple(replace(row, shifted=False) for row in drifted.attributions.rows),
        ),
    )
    page = page_of(quiet)
    assert "newest alarm of a calibrated detector: none; importances that shifted: none;" in page


def test_the_evidence_of_a_request_is_told(drifted):
    page = page_of(drifted)
    for name, value in (
        ("columns", "momentum_21, momentum_63"),
        ("adjusted", "0.0004"),
        ("sessions in alarm", "12"),
    ):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page


def test_the_worst_stands_first(drifted, calm):
    technical = faulty(replace(calm, strategy="zulu"))
    coverage = replace(ticketed(calm), strategy="overnight")
    watch = replace(calm, strategy="alpha", quadrant=quadrant(True, False))
    unknown = without_profile("ancient")
    books = [calm, unknown, watch, coverage, drifted, technical]
    assert [one.strategy for one in read_first(books)] == [
        "zulu",
        "weekly",
        "overnight",
        "ancient",
        "alpha",
        "quarterly",
    ]
    reader = read(page_of(*books))
    first = [row[0] for row in reader.rows if row and row[0] in {one.strategy for one in books}]
    assert first == [one.strategy for one in read_first(books)]


@pytest.mark.parametrize(
    ("drift", "decay", "said"),
    [
        (False, False, "No drift and no decay: the book goes on as it is."),
        (True, False, "The model is robust so far"),
        (False, True, "a coverage ticket lists what is not monitored."),
        (True, True, "No retraining was asked for in this session."),
        (None, True, "cannot be computed, so nothing is started by itself."),
        (True, None, "cannot be computed, so nothing is started by itself."),
    ],
)
def test_every_cell_says_what_is_done(calm, drift, decay, said):
    assert said in headline(replace(calm, quadrant=quadrant(drift, decay)))


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        ("technical", "Why: the newest diagnosis is technical."),
        ("weekly is not retrained: fix <it>.", "Why: weekly is not retrained: fix &lt;it&gt;."),
        ("", "Why: a diagnosis found one."),
    ],
)
def test_a_technical_verdict_says_fix_do_not_retrain(drifted, verdict, why):
    book = replace(faulty(drifted, verdict), request=None)
    page = page_of(book)
    assert row_of(read(page), "weekly")[1] == "fix, do not retrain"
    assert "Fix what is wrong, do not retrain: a fault would be trained into the model." in page
    assert why in page
    assert "The quadrant alone would say: retrain on recent data." in page
    assert "Retraining wanted</h2>" not in page


@pytest.mark.parametrize("verdict", ["statistical", "none", "inconclusive", ""])
def test_other_verdicts_leave_the_quadrant(drifted, verdict):
    assert "asked for, by alert" in headline(replace(drifted, verdict=verdict))


def test_a_ticket_lists_what_is_not_monitored(calm):
    book = ticketed(calm)
    page = page_of(book)
    assert all(f"<li>{escape(line)}</li>" in page for line in book.ticket)
    assert row_of(read(page), "quarterly")[5] == "open, 3 entries"


def test_a_book_without_profile_says_what_to_do():
    page = page_of(without_profile("monthly"))
    reader = read(page)
    assert "version 3 has no drift profile" in page
    assert "shadowbook retrain --strategy monthly." in page
    assert "Columns over time" not in page
    assert row_of(reader, "monthly")[1:4] == ["not computable", "not computable", "not measured"]
    page = page_of(faulty(without_profile("monthly")))
    assert "When the fault is fixed, train a version that has one" in page


def test_what_is_not_computable_says_so_with_its_reason(calm):
    nothing = Attributions((), np.nan, np.nan, 0, 0, "NOT_COMPUTABLE", "a rule has no SHAP values")
    silent = tuple(
        replace(
            row,
            status="NOT_COMPUTABLE",
            reason="every value is missing",
            psi=np.nan,
            ks_statistic=np.nan,
            p_value=np.nan,
            adjusted=np.nan,
        )
        if row.column == "beta_126"
        else row
        for row in calm.today
    )
    book = replace(
        calm,
        attributions=nothing,
        today=silent,
        overlays=(),
        streams=(),
        points=(),
        path=None,
        false_alarms=FalseAlarms(np.nan, np.nan, np.nan, 0.0),
        quadrant=quadrant(None, None),
    )
    page = page_of(book)
    read(page)
    for said in (
        "no session has been judged yet.",
        "no session has been scanned yet.",
        "a rule has no SHAP values.",
        "no column has values in both windows to be drawn.",
        "no label of this version has matured yet.",
        "how often each rule alarms when nothing changed was not measured",
    ):
        assert f"NOT_COMPUTABLE: {said}" in page
    assert "<li>beta_126, 21 sessions: every value is missing.</li>" in page
    bare = replace(book, today=(), attributions=None)
    page = page_of(bare)
    read(page)
    assert "NOT_COMPUTABLE: there is no scan of today." in page
    assert "NOT_COMPUTABLE: the model was not explained." in page


def test_no_book_at_all():
    page = page_of()
    read(page)
    assert "No champion has been scanned yet." in page


def test_columns_stand_worst_first_then_prediction_and_label(drifted):
    names = [drifted.path.columns[at] for at in ordered_columns(drifted)]
    assert set(names[:-2]) == set(FEATURES)
    assert names[-2:] == ["prediction", "label"]
    worst = [name for name in drifted_columns(drifted) if name in FEATURES]
    assert worst
    assert names[: len(worst)] == worst


def test_no_name_becomes_markup(drifted):
    columns = (NASTY, *drifted.path.columns[1:])
    book = replace(
        drifted,
        strategy=NASTY,
        path=replace(drifted.path, columns=columns),
        today=(replace(drifted.today[0], column=NASTY, drifted=True), *drifted.today[1:]),
        overlays=(replace(drifted.overlays[0], column=NASTY),),
        attributions=replace(
            drifted.attributions,
            rows=(replace(drifted.attributions.rows[0], feature=NASTY, shifted=True),),
        ),
        streams=tuple(replace(one, stream=NASTY) for one in drifted.streams),
        ticket=(NASTY,),
        notes=(NASTY,),
    )
    page = page_of(book, sources={(NASTY, "champion"): NASTY})
    read(page)
    assert NASTY not in page
    assert page.count(escape(NASTY)) > 15


def test_champions_beyond_the_room_are_in_the_table_alone(calm, drifted):
    books = [replace(calm, strategy=f"calm{at}") for at in range(FULL)]
    page = page_of(*books, drifted)
    reader = read(page)
    assert page.count('class="strategy"') == FULL
    assert row_of(reader, f"calm{FULL - 1}")[1] == "continue"
    assert f">calm{FULL - 1}</h2>" not in page
    assert ">weekly</h2>" in page
    assert f"Drawn below are the {FULL} that stand worst" in page


def test_eight_books_of_sixty_columns_stay_small_and_quick(drifted):
    rng = np.random.default_rng(0)
    columns = (*(f"feature_number_{at}_of_many" for at in range(58)), "prediction", "label")
    shape = (250, len(columns))
    # No two neighbors alike: the most strokes that a heat map can have.
    path = replace(
        drifted.path,
        columns=columns,
        p_values=10.0 ** -rng.uniform(0.0, 4.0, shape),
        psi=rng.uniform(0.0, 2.0, shape),
        drifted=rng.random(shape) < 0.5,
    )
    row, shift = drifted.today[0], drifted.attributions.rows[0]
    today = tuple(replace(row, column=name, window=w) for name in columns for w in (21, 63))
    shifts = tuple(replace(shift, feature=name) for name in columns[:-2])
    book = replace(
        drifted,
        path=path,
        today=today,
        attributions=replace(drifted.attributions, rows=shifts),
    )
    start = process_time()
    page = page_of(*[replace(book, strategy=f"strategy{at}") for at in range(8)])
    took = process_time() - start
    assert len(page.encode()) < 5_000_000
    assert took < 8.0


def test_the_policy_is_the_one_the_scans_were_judged_by(drifted):
    page = page_of(drifted, policy=DriftPolicy(false_discovery_rate=0.2, persistence=4))
    assert "drift at 0.2; decay from warning" in page
    assert "is at most 0.2." in page
    assert "after 4 scans in alarm in a row" in page


def test_the_page_reads_without_color(drifted):
    page = page_of(drifted)
    svg = re.findall(r"<svg viewBox=.*?</svg>", page)
    pictures = [one for one in svg if 'role="img"' in one]
    assert all(re.search(r"<title id=[^>]+>[^<]+</title><desc id=[^>]+>[^<]+</desc>", one)
               for one in pictures)  # fmt: skip
    assert 'class="drifted core"' in page  # a stripe, beside the tone
    assert "\N{BLACK UP-POINTING TRIANGLE}" in page  # beside the bold name
