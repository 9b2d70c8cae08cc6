"""Ingest, gate and features as a flow of their own."""

from __future__ import annotations

import json
from datetime import date

import pytest
import typer

from shadowbook.workspace import Workspace

pytestmark = pytest.mark.usefixtures("harness")


@pytest.fixture(scope="module")
def root(make_workspace):
    return make_workspace()


def prepare(root, **options) -> int:
    from flows.prepare import main

    with pytest.raises(typer.Exit) as ended:
        main(workspace=root, **options)
    return ended.value.exit_code


def test_it_brings_data_and_features_up_to_a_moment_and_trains_nothing(root, capsys):
    assert prepare(root, as_of="1991-12-31", as_json=True) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["ingest"]["last"] == "1991-12-31"
    assert done["gate"]["added"] == done["ingest"]["rows"]
    workspace = Workspace.open(root)
    assert workspace.feature_log.last_session().astype(date) == date(1991, 12, 31)
    assert workspace.models.runs() == []


def test_a_workspace_in_use_is_waited_for_or_said(root, capsys):
    with Workspace.open(root).lease("run"):
        assert prepare(root, as_of="1991-12-31", wait=0.01) == 1
    assert "after 0.01 minutes" in capsys.readouterr().err


def test_a_gate_that_says_no_ends_with_three(make_workspace, capsys):
    root = make_workspace({"gates": {"market": {"min_symbols": 21}}})
    assert prepare(root, as_of="1991-12-31") == 3
    assert "symbols" in capsys.readouterr().out
    assert Workspace.open(root).feature_log.last_session() is None
