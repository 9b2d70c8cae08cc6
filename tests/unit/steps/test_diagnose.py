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


def said(workspace, verdict, last, whole=None, strategy="weekly"):
    """Record a diagnosis of the sessions up to a day."""
    n_events = workspace.ledger.head()[0]
    body = {
        "strategy": strategy,
        "first": "2022-12-01",
        "last": last,
        "verdict": verdict,
        "first_layer": "features" if verdict in ("technical", "both") else None,
        "whole": verdict not in ("technical", "both") if whole is None else whole,
    }
    workspace.ledger.record([Event("diagnosis", f"diagnosis/{n_events}", AT, body)])


def test_nothing_blocks_where_nothing_was_diagnosed_and_no_ledger_is_made(workspace):
    assert blocked_by(workspace, "weekly") == ""
    assert not workspace.ledger_file.exists()


@pytest.mark.parametrize("verdict", ["technical", "both"])
def test_a_divergence_blocks_its_strategy_alone(workspace, verdict):
    said(workspace, verdict, "2022-12-20")
    assert blocked_by(workspace, "weekly") == (
        f"weekly is not retrained: its diagnosis of 2022-12-01 to 2022-12-20 is {verdict} (the "
        "first layer that diverges: features); fix what is wrong, then run `shadowbook diagnose "
        "--strategy weekly` on a session after it"
    )
    assert blocked_by(workspace, "monthly") == ""


@pytest.mark.parametrize("verdict", ["none", "statistical", "inconclusive"])
@pytest.mark.parametrize("last", ["2022-12-20", "2022-12-21"])
def test_whole_layers_of_that_session_or_a_later_one_lift_it(workspace, verdict, last):
    said(workspace, "technical", "2022-12-20")
    said(workspace, verdict, last)
    assert blocked_by(workspace, "weekly") == ""


def test_an_earlier_session_says_nothing_about_a_later_one(workspace):
    said(workspace, "technical", "2022-12-20")
    said(workspace, "none", "2022-12-19")
    assert blocked_by(workspace, "weekly")


def test_what_could_not_be_compared_lifts_nothing(workspace):
    said(workspace, "technical", "2022-12-20")
    said(workspace, "inconclusive", "2022-12-21", whole=False)
    assert blocked_by(workspace, "weekly")


def test_an_old_fault_found_again_does_not_block_anew(workspace):
    said(workspace, "none", "2022-12-21")
    said(workspace, "technical", "2022-12-20")
    assert blocked_by(workspace, "weekly") == ""
