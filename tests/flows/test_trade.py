"""A trading day and a replay as Prefect runs them, in the workspace of a first champion."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest
import typer

from shadowbook.workspace import Workspace

pytestmark = [pytest.mark.usefixtures("harness"), pytest.mark.slow]

SESSION = date(1993, 12, 31)
PARAMS = {
    "learning": {
        "candidates": {"momentum_rule": {"kind": "momentum"}},
        "splits": {"n_splits": 1, "min_train": 500},
    },
    "strategies": {"weekly": {"horizon": 5}},
    "replay": {"retrain_sessions": None, "n_splits": None},
}


def trade(root: Path, day: str, **options: object) -> int:
    from flows.trade import main

    with pytest.raises(typer.Exit) as ended:
        main(session=datetime.fromisoformat(day), workspace=root, **options)
    return ended.value.exit_code


@pytest.fixture(scope="module")
def root(make_workspace, harness) -> Path:
    from flows.retrain import retrain_flow

    place = make_workspace(PARAMS)
    retrain_flow(place, as_of=SESSION.isoformat())
    return place


def test_a_day_without_a_session_ends_with_three(root, capsys):
    assert trade(root, "1993-12-25") == 3
    assert "NO_SESSION 1993-12-25" in capsys.readouterr().out


def test_a_day_is_traded_once_and_its_orders_wait(root, capsys):
    assert trade(root, SESSION.isoformat(), as_json=True) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["outcome"], len(first["days"])) == ("TRADED", 1)
    assert first["orders"] > 0
    assert trade(root, SESSION.isoformat(), as_json=True) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["outcome"], again["orders"]) == ("ALREADY_TRADED", first["orders"])
    ledger = Workspace.open(root).ledger
    assert ledger.verify() is None
    assert len(ledger.open_orders("weekly", "champion")) == first["orders"]


def test_a_replay_fits_on_the_flows_task_runner(root):
    from flows.replay import replay_flow

    report = replay_flow(root, date(1993, 12, 1), SESSION)
    (run,), (summary,) = report.runs, report.summaries
    assert (run.replayed, summary.n_sessions) == (22, 22)
    assert {book.series.book for book in summary.books} == {"champion"}
    assert report.page.read_text("utf-8").startswith("<!doctype html>")
