import pytest

from shadowbook.core.drift import quadrant
from shadowbook.core.drift.quadrant import Action, Cell


@pytest.mark.parametrize(
    ("drift", "decay", "cell", "action"),
    [
        (False, False, Cell.CONTINUE, Action.NONE),
        (True, False, Cell.WATCH, Action.WATCH),
        (False, True, Cell.COVERAGE, Action.OPEN_COVERAGE_TICKET),
        (True, True, Cell.RETRAIN, Action.RETRAIN),
        (None, True, Cell.NOT_COMPUTABLE, Action.TELL),
        (True, None, Cell.NOT_COMPUTABLE, Action.TELL),
        (None, None, Cell.NOT_COMPUTABLE, Action.TELL),
    ],
)
def test_what_follows_from_drift_and_decay(drift, decay, cell, action):
    assert quadrant(drift, decay) == (cell, action)
