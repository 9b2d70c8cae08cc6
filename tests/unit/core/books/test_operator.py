"""The simulated operator's rules, one by one."""

import numpy as np
import pytest
from pydantic import ValidationError

from shadowbook.core.books.operator import OperatorPolicy, chosen

FLAT = np.zeros(4)


def rules(promote="better_shadow", after=2):
    return OperatorPolicy(promote=promote, after_sessions=after)


def version_of(champion, shadows, policy):
    found = chosen(champion, {v: np.array(r) for v, r in shadows.items()}, policy)
    return found[0] if found else None


def test_who_never_promotes_never_does():
    assert version_of(FLAT, {2: [0.5] * 4}, rules("never")) is None


def test_the_newest_is_taken_once_it_is_ripe_whatever_it_made():
    assert version_of(FLAT, {2: [-0.5] * 4, 3: [-0.9] * 2, 4: [0.1]}, rules("newest")) == 3
    assert version_of(FLAT, {4: [0.1]}, rules("newest")) is None
    assert version_of(FLAT, {}, rules("newest")) is None


def test_the_better_one_is_furthest_ahead_over_its_own_sessions():
    champion = np.array([0.30, 0.0, -0.05, 0.0])
    # 2 made 32 % where the champion made 23.5 %; 3 made 10 % where it lost 5 %.
    assert version_of(champion, {2: [0.32, 0, 0, 0], 3: [0.1, 0.0]}, rules()) == 3


def test_as_good_is_not_better_and_equals_go_to_the_newest():
    assert version_of(np.array([0.1, 0.1]), {2: [0.1, 0.1]}, rules()) is None
    assert version_of(FLAT, {2: [0.1, 0.0], 7: [0.1, 0.0], 5: [0.1, 0.0]}, rules()) == 7


def test_growth_compounds_and_a_missing_return_is_none():
    found = chosen(np.array([np.nan, 0.02]), {2: np.array([0.1, np.nan, 0.1])[1:]}, rules())
    assert found == (2, "shadow book 2 made +10.00% in 2 sessions, the champion +2.00%")
    both = chosen(FLAT, {3: np.array([0.1, 0.1])}, rules())
    assert both == (3, "shadow book 3 made +21.00% in 2 sessions, the champion +0.00%")


def test_two_losses_of_more_than_all_are_no_gain():
    assert version_of(FLAT, {2: [-2.5, -2.5]}, rules()) is None


@pytest.mark.parametrize("bad", [{"promote": "best"}, {"after_sessions": 0}, {"x": 1}])
def test_a_rule_that_there_is_not_is_refused(bad):
    with pytest.raises(ValidationError):
        OperatorPolicy(**bad)
