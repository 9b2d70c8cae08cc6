"""What a program and a person are told of a book's drift."""

import json
from dataclasses import replace

import pytest

from shadowbook.core.drift.quadrant import quadrant
from shadowbook.steps.drift_pages import drift_sentence, told_in_full
from tests.unit.adapters.report.drifted_books import (
    drifted_book,
    faulty,
    ticketed,
    without_profile,
)


@pytest.fixture(scope="module")
def drifted():
    book = drifted_book(n=40)
    names = [one.column for one in book.today[::2]]
    today = tuple(replace(one, drifted=one.column in names[:2]) for one in book.today)
    points = (*book.points[:-1], replace(book.points[-1], drift=True, decay=None))
    return replace(book, today=today, points=points, quadrant=quadrant(True, True))


def test_one_sentence_says_where_a_book_stands(drifted):
    first, second = sorted({one.column for one in drifted.today if one.drifted})
    assert drift_sentence(drifted) == (
        f"weekly/champion: drift yes ({first}, {second}), decay not computable: retrain on recent "
        "data"
    )
    assert drift_sentence(faulty(drifted)).endswith(": fix what is wrong, do not retrain")
    every = replace(drifted, today=tuple(replace(one, drifted=True) for one in drifted.today))
    names = sorted({one.column for one in every.today})
    assert f"drift yes ({', '.join(names[:3])}, ...), decay" in drift_sentence(every)
    calm = replace(drifted, today=(), points=(replace(drifted.points[-1], drift=False),))
    assert drift_sentence(calm).startswith("weekly/champion: drift no, decay")
    assert drift_sentence(without_profile()) == (
        "monthly/champion: drift cannot be computed: Version 3 of monthly has no drift profile."
    )


def test_a_program_reads_figures_that_json_has(drifted):
    told = json.loads(json.dumps(told_in_full(drifted), allow_nan=False))
    assert (told["strategy"], told["model_version"]) == ("weekly", 7)
    assert (told["cell"], told["action"]) == ("retrain", "retrain on recent data")
    assert told["reference"] == ["2020-09-01", "2025-09-02"]
    assert len(told["columns"]) == len(drifted.today)
    assert told["columns"][0]["psi"] == drifted.today[0].psi
    assert told["false_alarms"]["expected_a_year"] == 0.31
    for row, one in zip(told["streams"], drifted.streams, strict=True):
        assert row["observations"] == len(one.values)
        assert row["alarms"] == [str(one.matured[at]) for at in one.alarms]
    assert told_in_full(ticketed(drifted))["ticket"] == list(ticketed(drifted).ticket)
    assert told_in_full(faulty(drifted))["verdict"] == "technical"
    nothing = told_in_full(without_profile())
    assert (nothing["reference"], nothing["columns"], nothing["streams"]) == (None, [], [])
    assert nothing["cell"] == "NOT_COMPUTABLE"
