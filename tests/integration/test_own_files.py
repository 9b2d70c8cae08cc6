"""A user's own prices, from CSV to a registered model, with volumes and without an index."""

import copy

import numpy as np
import pytest

from shadowbook.core.learning.features import feature_names
from shadowbook.steps.build_features import build_features
from shadowbook.steps.gate import gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import retrain
from shadowbook.workspace import Workspace

BEYOND_CLOSES = set(feature_names(("open", "high", "low", "close", "volume"))) - set(
    feature_names(("close",))
)


def test_own_prices_become_a_registered_model(own_files):
    workspace = Workspace.open(own_files)
    (run,) = workspace.models.runs()
    assert (run.strategy, run.model_version) == ("weekly", 1)
    assert set(run.aliases) == {"challenger", "champion"}
    manifest = workspace.models.manifest(run.run_id)
    assert [fold["fold"] for fold in manifest["layers"]["folds"]["folds"]] == [0, 1]


def test_features_of_volume_and_range_are_used(own_files):
    workspace = Workspace.open(own_files)
    manifest = workspace.models.manifest(workspace.models.runs()[0].run_id)
    used = set(manifest["layers"]["features"]["columns"])
    assert {"dollar_volume_z_63", "range_volatility_21", "overnight_gap"} <= BEYOND_CLOSES <= used
    names = sorted(BEYOND_CLOSES)
    rows = workspace.feature_log.read(columns=names)
    newest = rows[rows["session"] == rows["session"].max()]
    assert newest.shape[0] == 12
    assert np.isfinite(newest[names].to_numpy()).all()


def test_the_same_run_is_made_once(own_files):
    workspace = Workspace.open(own_files)
    again = retrain(workspace, "weekly", resolve_as_of(workspace, "2022-12-28"))
    assert again.existing


def test_without_an_index_the_market_is_the_equal_weighted_universe(
    make_workspace, own_params, own_prices
):
    params = copy.deepcopy(own_params)
    del params["market_data"]["files"]["references"]
    prices = own_prices(n_symbols=8, n_sessions=700)
    workspace = Workspace.open(make_workspace(params, {"prices.csv": prices.to_csv(index=False)}))
    moment = resolve_as_of(workspace, None)
    assert f"{moment:%Y-%m-%d %H:%M}" == "2022-12-28 21:15"
    assert ingest(workspace, moment).rows == 8 * 700
    assert not gate(workspace, moment).halts
    built = build_features(workspace, moment)
    assert not built.halts
    betas = workspace.feature_log.read(columns=["beta_126"])
    newest = betas[betas["session"] == betas["session"].max()]["beta_126"]
    assert newest.mean() == pytest.approx(1.0, abs=0.05), "the average stock is the market"
    report = retrain(workspace, "weekly", moment)
    assert not report.halts
    assert report.run.model_version == 1
