"""Names, numbers and evidence as a person reads them."""

from dataclasses import replace

from shadowbook.adapters.report.drift_words import (
    newest_alarm,
    ordered_columns,
    ordered_rows,
    read_first,
    shortened,
    told,
)
from tests.unit.adapters.report.drifted_books import drifted_book


def test_names_and_evidence_are_written_plainly():
    assert shortened("short", 8) == "short"
    assert len(shortened("a" * 50, 20)) == 20
    assert told(["a", "b"]) == "a, b"
    assert told({"b": 1}) == '{"b": 1}'
    assert told(0.00041234) == "0.0004123"
    assert told(float("nan")) == "not computable"
    assert told(None) == "null"


def test_equal_p_values_are_ordered_by_how_far_beyond_the_bands():
    row = replace(drifted_book(n=30).today[0], adjusted=0.001, p_value=0.0002, p_missing=1.0)
    rows = [
        replace(row, column="near", psi=1.1, psi_band=1.0, ks_statistic=0.1, ks_band=0.2),
        replace(row, column="unknown", psi=float("nan"), ks_band=float("nan")),
        replace(row, column="far", psi=0.5, psi_band=1.0, ks_statistic=0.8, ks_band=0.2),
        replace(row, column="by_missing", adjusted=0.0005, psi=0.0),
        replace(row, column="quiet", adjusted=0.5, drifted=False, psi=9.0),
    ]
    rows[:4] = [replace(one, drifted=True) for one in rows[:4]]
    names = [one.column for one in ordered_rows(rows)]
    assert names == ["by_missing", "far", "near", "unknown", "quiet"]


def test_columns_that_today_lacks_come_last_of_their_kind():
    book = drifted_book(n=30)
    lacking = book.path.columns[0]
    today = tuple(row for row in book.today if row.column != lacking)
    names = [book.path.columns[at] for at in ordered_columns(replace(book, today=today))]
    assert names[-3:] == [lacking, "prediction", "label"]
    bare = [book.path.columns[at] for at in ordered_columns(replace(book, today=()))]
    newest = dict(zip(book.path.columns, book.path.p_values[-1], strict=True))
    assert bare[-2:] == ["prediction", "label"]
    assert [newest[name] for name in bare[:-2]] == sorted(newest[name] for name in bare[:-2])
    assert ordered_columns(replace(book, path=None)) == []


def test_alarms_of_the_papers_settings_are_not_told_as_alarms():
    book = drifted_book(n=30)
    papers = tuple(one for one in book.streams if one.setting == "paper")
    assert any(one.alarms for one in papers)
    assert newest_alarm(replace(book, streams=papers)) == "none"


def test_of_two_books_in_one_cell_the_less_likely_stands_first():
    book = drifted_book(n=30)
    mild = replace(
        book, strategy="a", today=tuple(replace(row, adjusted=0.9) for row in book.today)
    )
    strong = replace(
        book, strategy="b", today=tuple(replace(row, adjusted=0.01) for row in book.today)
    )
    assert [one.strategy for one in read_first([mild, strong])] == ["b", "a"]
