"""Trials and recipes of a real registry, and `shadowbook trials`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from shadowbook.adapters.models import database
from shadowbook.cli import app
from shadowbook.steps.baseline import registered_baseline
from shadowbook.steps.recipes import recipe_digests, recipe_of_version, recipes_of_settings
from shadowbook.steps.trials import trial_returns, trials
from tests.integration.trading_places import set_params

LATER = "2022-12-20"


def told(root, *arguments):
    """-> exit code, what `trials --json` says."""
    done = CliRunner().invoke(app, ["trials", "--workspace", str(root), "--json", *arguments])
    return done.exit_code, json.loads(done.stdout)


def test_one_run_of_two_candidates(single):
    place, made = single
    code, (found,) = told(place.root)
    assert code == 0
    assert (found["strategy"], found["raw"], found["recipes"]) == ("weekly", 2, 2)
    assert found["raw"] == place.workspace.models.count_trials("weekly")
    assert (found["unknown"], len(found["table"])) == (0, 2)
    assert 1.0 <= found["effective"] <= 2.0
    row = next(row for row in found["table"] if row["chosen"])
    assert (row["run"], row["version"]) == (made.run.run_id, 1)
    assert row["sharpe"] == made.run.metrics["sharpe_annualized"]
    assert row["standard_error"] > 0.0
    assert row["as_of"].startswith("2022-12-19")


def test_returns_are_those_of_the_backtest(single):
    workspace = single[0].workspace
    backtest = registered_baseline(workspace, "weekly", 1)
    sessions, returns = trial_returns(workspace, "weekly")
    manifest = workspace.models.manifest(single[1].run.run_id)
    digests = recipe_digests(manifest)
    np.testing.assert_array_equal(sessions, backtest.sessions)
    assert returns.keys() == set(digests.values())
    for name, net in backtest.candidates.items():
        np.testing.assert_array_equal(returns[digests[name]], net)


def test_a_recorded_run_has_the_recipes_of_the_settings(single):
    workspace = single[0].workspace
    manifest = workspace.models.manifest(single[1].run.run_id)
    assert recipes_of_settings(workspace, "weekly") == recipe_digests(manifest)
    assert recipe_of_version(workspace, "weekly", 1).window == {"kind": "expanding"}


def test_the_table_is_for_people(single):
    root = single[0].root
    done = CliRunner().invoke(app, ["trials", "--strategy", "weekly", "--workspace", str(root)])
    assert done.exit_code == 0
    assert "weekly: 2 trials of 2 recipes, " in done.stdout
    assert "momentum_rule" in done.stdout


def test_an_unknown_strategy_is_a_wrong_word(single):
    code, found = told(single[0].root, "--strategy", "yearly")
    assert (code, found["error"]["type"]) == (2, "ConfigError")


def delete(place, run_id):
    """Delete a retraining and its candidates, as somebody does in MLflow."""
    folder = place.root / "mlruns"
    client = database.open_client(f"sqlite:///{folder}/mlflow.db", folder / "artifacts")
    for child in place.workspace.models.children(run_id):
        client.delete_run(child.run_id)
    client.delete_run(run_id)


@pytest.mark.slow
@pytest.mark.parametrize(
    "window",
    [
        {"kind": "rolling", "sessions": 150},
        {"kind": "recency_weighted", "half_life_sessions": 60},
    ],
    ids=lambda window: window["kind"],
)
def test_another_window_is_another_recipe_and_is_reproduced(single, tmp_path, window):
    """A refit, an experiment with its own window and its rebuild; a deleted run still counts."""
    place = single[0].copy(tmp_path / "copy")
    place.train("2022-12-16")
    set_params(place.root, {"learning": {"window": window}})
    made = place.train("2022-12-19").run
    found = trials(place.workspace, "weekly")
    assert (found.raw, found.unknown) == (6, 0)
    # The rule of momentum is the same model under any window, but no longer the same recipe.
    assert found.recipes == 4
    assert found.effective < 3.5
    delete(place, place.workspace.models.resolve(single[1].run.run_id).run_id)
    assert len(place.workspace.models.runs("weekly")) == 2
    again = trials(place.workspace, "weekly")
    assert (again.raw, again.unknown, again.effective) == (6, 0, found.effective)
    manifest = place.workspace.models.manifest(made.run_id)
    folds = manifest["layers"]["folds"]["folds"]
    rolled = window["kind"] == "rolling"
    assert all((fold["train_sessions"] == 150) == rolled for fold in folds)
    done = CliRunner().invoke(
        app, ["reproduce", made.run_id, "--workspace", str(place.root), "--json"]
    )
    assert (done.exit_code, json.loads(done.stdout)["outcome"]) == (0, "REPRODUCED")
