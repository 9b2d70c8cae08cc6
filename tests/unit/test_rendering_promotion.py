"""What the terminal says of trials."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from shadowbook.rendering_promotion import sharpe_shown, show_trials
from shadowbook.steps.trials import TrialRow, Trials

ROW = TrialRow(
    run="0123456789abcdef",
    as_of=datetime(2022, 12, 28, 21, 15, tzinfo=UTC),
    candidate="ridge",
    recipe="feedc0de" + "0" * 56,
    sharpe=0.512,
    standard_error=0.234,
    chosen=True,
    version=3,
    kept=True,
    reason="",
)
LOST = replace(
    ROW, as_of=None, recipe=None, sharpe=float("nan"), chosen=False, kept=False, reason="run [x]"
)


def printed(capsys, *found):
    show_trials(found)
    return capsys.readouterr().out


def cells(out):
    rows = [line for line in out.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]


def test_a_trial_is_a_row(capsys):
    out = printed(capsys, Trials("weekly", 2, 1, 2.0, 1, np.nan, (ROW, LOST)))
    assert cells(out) == [
        ["01234567", "2022-12-28", "ridge", "feedc0de", "+0.51 ± 0.23", "3"],
        ["01234567", "-", "ridge", "-", "-", "-"],
    ]
    assert out.splitlines()[-2:] == [
        "weekly: 2 trials of 1 recipe, 2.0 of them independent, 1 of these because their returns "
        "cannot be read:",
        "  - 1 trial: run [x]",
    ]


def test_nothing_was_tried_yet(capsys):
    out = printed(capsys, Trials("weekly", 0, 0, 0.0, 0, np.nan, ()))
    assert out == "weekly: nothing was tried yet\n"


def test_an_error_that_is_not_known_is_left_out():
    assert sharpe_shown(-0.5, float("nan")) == "-0.50"
