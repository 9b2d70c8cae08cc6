"""What follows from drift and decay together."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Cell(StrEnum):
    """Where a strategy stands."""

    CONTINUE = "continue"
    WATCH = "watch"
    """Inputs changed, results did not: the model is robust."""
    COVERAGE = "coverage"
    """Results fell, nothing that is monitored changed: monitoring is incomplete."""
    RETRAIN = "retrain"
    NOT_COMPUTABLE = "NOT_COMPUTABLE"


class Action(StrEnum):
    """What is done about it."""

    NONE = "none"
    WATCH = "watch"
    OPEN_COVERAGE_TICKET = "open a coverage ticket"
    RETRAIN = "retrain on recent data"
    TELL = "tell what cannot be computed"
    FIX = "fix what is wrong, do not retrain"
    """A bug found by a diagnosis overrides every cell."""


class Quadrant(NamedTuple):
    """A cell and its action."""

    cell: Cell
    action: Action


_CELLS = {
    (False, False): Quadrant(Cell.CONTINUE, Action.NONE),
    (True, False): Quadrant(Cell.WATCH, Action.WATCH),
    (False, True): Quadrant(Cell.COVERAGE, Action.OPEN_COVERAGE_TICKET),
    (True, True): Quadrant(Cell.RETRAIN, Action.RETRAIN),
}


def quadrant(drift: bool | None, decay: bool | None) -> Quadrant:
    """Say where a strategy stands.

    Parameters
    ----------
    drift : whether inputs, scores or labels are other than the reference's.
    decay : whether results are worse than the backtest's; None = not computable, for either.

    >>> quadrant(True, False)
    Quadrant(cell=<Cell.WATCH: 'watch'>, action=<Action.WATCH: 'watch'>)
    """
    if drift is None or decay is None:
        return Quadrant(Cell.NOT_COMPUTABLE, Action.TELL)
    return _CELLS[bool(drift), bool(decay)]


def overridden(standing: Quadrant) -> Quadrant:
    """Return where a strategy stands whose diagnosis has found a bug.

    >>> overridden(quadrant(True, True)).action
    <Action.FIX: 'fix what is wrong, do not retrain'>
    """
    return Quadrant(standing.cell, Action.FIX)
