"""Faults planted in the live path on real prices: a reduced form of the benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.parity import FAULTS, live, nothing, tally, world
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.steps.diagnose_record import recorded_days
from shadowbook.steps.rating import Scorer


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return world(tmp_path_factory.mktemp("parity"), since="2009-01-02")


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_planted_fault_is_technical_and_its_layer_is_named(made, name):
    assert tally(made, FAULTS[name], [5]) == (1, 1)


def test_nothing_planted_is_not_technical(made):
    assert tally(made, nothing, [1, 2]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FAULTS))
def test_planted_faults_are_found_over_seeds(made, name):
    technical, right = tally(made, FAULTS[name], range(500, 520))
    assert technical == right >= 19


@pytest.mark.slow
def test_nothing_planted_is_not_technical_over_seeds(made):
    assert tally(made, nothing, range(700, 740)) == (0, 0)


def test_what_a_book_carried_on_is_read_as_the_ledger_gives_it_back(made, tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", durable=False)
    first, last = made.first + 100, made.first + 112
    scorer = Scorer(made.models["ridge"], made.names, 0.5)
    fault = nothing(made, np.random.default_rng(0), first, last)
    try:
        for end in (first + 4, last):
            begin = first if end < last else first + 5
            live(made, fault, scorer, (ledger, tmp_path), ("weekly", begin, end))
            span = (made.moments[first].session, made.moments[last].session)
            days = recorded_days(ledger, "weekly", "champion", 5, span)
            assert vars(days[-1].after) == vars(ledger.state("weekly", "champion", 5))
        assert [day.session for day in days] == [m.session for m in made.moments[first : last + 1]]
        assert days[5].before is not None
        assert vars(days[5].before) == vars(days[4].after)
    finally:
        ledger.close()
