"""Which diagnosis blocks a retraining, and which one lifts the block."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shadowbook.core.events import Event
from shadowbook.settings import parse_settings
from shadowbook.steps.blocked import blocked_by
from shadowbook.workspace import Workspace

PARAMS = "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\nstrategies: {weekly: {horizon: 5}}\n"
AT = datetime(2022, 12, 28, 21, 15, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path):
    opened = Workspace(tmp_path, parse_settings(PARAMS))
    yield opened
    opened.ledger.close()


def said(workspace, verdict, last, *, faulty=None, strategy="weekly", book="champion"):
    """Record a diagnosis of the sessions up to a day, and the last of them that diverges."""
    n_events = workspace.ledger.head()[0]
    body = {
        "strategy": strategy,
        "book": book,
        "first": "2022-12-01",
        "last": last,
        "verdict": verdict,
        "first_layer": "features" if faulty else None,
        "last_diverging": faulty,
    }
    workspace.ledger.record([Event("diagnosis", f"diagnosis/{n_events}", AT, body)])


def test_nothing_blocks_where_nothing_was_diagnosed_and_no_ledger_is_made(workspace):
    assert blocked_by(workspace, "weekly") == ""
    assert not workspace.ledger_file.exists()


@pytest.mark.parametrize("verdict", ["technical", "both"])
def test_a_divergence_blocks_its_strategy_alone(workspace, verdict):
    said(workspace, verdict, "2022-12-20", faulty="2022-12-19")
    assert blocked_by(workspace, "weekly") == (
        f"weekly is not retrained: its diagnosis of 2022-12-01 to 2022-12-20 is {verdict} (the "
        "first layer that diverges: features; last seen on 2022-12-19); fix what is wrong, then "
        "run `shadowbook diagnose --strategy weekly --session DAY` with a day after 2022-12-19"
    )
    assert blocked_by(workspace, "monthly") == ""


@pytest.mark.parametrize("verdict", ["none", "statistical", "inconclusive"])
@pytest.mark.parametrize("last", ["2022-12-20", "2022-12-21"])
def test_whole_layers_of_that_session_or_a_later_one_lift_it(workspace, verdict, last):
    said(workspace, "technical", "2022-12-20", faulty="2022-12-20")
    said(workspace, verdict, last)
    assert blocked_by(workspace, "weekly") == ""


def test_an_earlier_session_says_nothing_about_a_later_one(workspace):
    said(workspace, "technical", "2022-12-20", faulty="2022-12-20")
    said(workspace, "none", "2022-12-19")
    assert blocked_by(workspace, "weekly")


def test_an_old_fault_found_again_does_not_block_anew(workspace):
    said(workspace, "technical", "2022-12-20", faulty="2022-12-20")
    said(workspace, "none", "2022-12-21")
    # The daily monitor looks back over the day of the fault.
    said(workspace, "technical", "2022-12-22", faulty="2022-12-20")
    assert blocked_by(workspace, "weekly") == ""
    said(workspace, "technical", "2022-12-23", faulty="2022-12-22")
    assert "last seen on 2022-12-22" in blocked_by(workspace, "weekly")


def test_a_shadow_book_that_is_whole_does_not_speak_for_the_champion(workspace):
    said(workspace, "technical", "2022-12-20", faulty="2022-12-20")
    said(workspace, "none", "2022-12-21", book="shadow/2")
    assert blocked_by(workspace, "weekly")


def test_the_champion_speaks_for_a_shadow_book(workspace):
    said(workspace, "technical", "2022-12-20", faulty="2022-12-20", book="shadow/2")
    assert blocked_by(workspace, "weekly").endswith(
        "`shadowbook diagnose --strategy weekly --book shadow/2 --session DAY` with a day after "
        "2022-12-20"
    )
    said(workspace, "none", "2022-12-21")
    assert blocked_by(workspace, "weekly") == ""


def test_a_diagnosis_that_does_not_say_which_session_diverged_means_its_last(workspace):
    body = {"strategy": "weekly", "book": "champion", "first": "2022-12-01", "last": "2022-12-20"}
    body |= {"verdict": "technical", "first_layer": "features"}
    workspace.ledger.record([Event("diagnosis", "diagnosis/old", AT, body)])
    assert "last seen on 2022-12-20" in blocked_by(workspace, "weekly")
    said(workspace, "none", "2022-12-21")
    assert blocked_by(workspace, "weekly") == ""
