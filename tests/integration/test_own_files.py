"""A user's own prices, from CSV to a registered model, with volumes and without an index."""

import copy
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from shadowbook.core.learning.features import feature_names
from shadowbook.core.values import Outcome
from shadowbook.errors import IntegrityError
from shadowbook.steps.build_features import build_features
from shadowbook.steps.gate import gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import retrain
from shadowbook.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[2]
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


EXAMPLE = PROJECT / "examples" / "hundred_stocks.yaml"
PRICES = ["open", "high", "low", "close"]
BAR = pd.Timestamp("2021-06-15")


def defective(own_prices):
    """A file as the example describes it, with what such files hold: two defects, two jumps."""
    bars = own_prices(n_symbols=20, n_sessions=1259).rename(columns=str.lower)
    bars = bars.rename(columns={"ticker": "symbol"})
    since = bars["date"] >= f"{BAR:%Y-%m-%d}"
    day = bars["date"] == f"{BAR:%Y-%m-%d}"
    # KO spins off: opens 57 % lower and trades what it always does.
    bars.loc[since & (bars["symbol"] == "KO"), PRICES] *= 0.43
    bars.loc[since & (bars["symbol"] == "KO"), "volume"] /= 0.43
    for symbol, factor in (("PEP", 0.78), ("JNJ", 1.3)):
        bars.loc[since & (bars["symbol"] == symbol), PRICES] *= factor
        bars.loc[day & (bars["symbol"] == symbol), "volume"] *= 8
    whole = (bars[PRICES] * 10_000).round()
    whole.loc[day & (bars["symbol"] == "MRK"), ["open", "high", "low"]] = -1
    return bars.assign(**whole.astype("int64"), volume=bars["volume"].round().astype("int64"))


@pytest.fixture(scope="module")
def example(make_workspace, own_prices):
    """The example's settings on a file of its kind, gone through the gate."""
    text = EXAMPLE.read_text(encoding="utf-8")
    root = make_workspace(files={"examples/hundred_stocks.yaml": text})
    path = root / yaml.safe_load(text)["market_data"]["files"]["path"]
    path.parent.mkdir()
    defective(own_prices).to_parquet(path, index=False)
    workspace = Workspace.open(root, root / "examples" / "hundred_stocks.yaml")
    moment = resolve_as_of(workspace, None)
    ingest(workspace, moment)
    return workspace, moment, gate(workspace, moment)


def test_the_example_names_each_defect_and_blames_no_honest_jump(example):
    _, _, report = example
    (verdict,) = report.verdicts
    found = {f.check: f.where for f in verdict.findings if f.outcome is not Outcome.PASSED}
    assert found["split_unadjusted"] == ("KO 2021-06-15",)
    for name in ("open", "high", "low"):
        assert found[f"{name}_present"] == ("MRK 2021-06-15",)
    assert {"PEP 2021-06-15", "JNJ 2021-06-15"} <= set(found["return_outlier"])
    spans = [(q.symbol, str(q.first), str(q.last), q.reason) for q in verdict.quarantined]
    assert spans == [("KO", "2021-06-14", "2021-06-15", "split_unadjusted")]
    assert verdict.outcome is Outcome.WARNED


def test_the_example_trains_and_its_data_is_no_part_of_the_code(example):
    workspace, moment, _ = example
    assert not build_features(workspace, moment).halts
    report = retrain(workspace, "weekly", moment)
    assert not report.halts
    assert report.run.model_version == 1
    status = subprocess.run(
        ("git", "status", "--porcelain"),
        cwd=workspace.root,
        capture_output=True,
        check=True,
        text=True,
    )
    assert status.stdout == ""


def test_the_examples_settings_are_the_projects_but_for_the_data():
    """What the example repeats of params.yaml, so that it reads alone, must not fall behind."""
    ours, theirs = (
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (PROJECT / "params.yaml", EXAMPLE)
    )
    assert theirs["strategies"] == ours["strategies"]
    assert theirs["learning"]["evaluation"] == ours["learning"]["evaluation"]
    for name, candidate in theirs["learning"]["candidates"].items():
        assert candidate == ours["learning"]["candidates"][name]


def test_thousands_of_restated_cells_are_one_sentence_or_dated_to_their_arrival(
    make_workspace, place_at, own_params, own_prices
):
    prices = own_prices(n_symbols=12, n_sessions=700)
    params = copy.deepcopy(own_params)
    del params["market_data"]["files"]["references"]
    root = make_workspace(params, {"prices.csv": prices.to_csv(index=False)})
    place = place_at(root)
    assert not place.accept("2022-12-28").halts
    chosen = np.random.default_rng(1).choice(len(prices), 5_000, replace=False)
    restated = prices.copy()
    restated.loc[chosen, "Close"] = (restated.loc[chosen, "Close"] * 1.001).round(3)
    restated.to_csv(root / "prices.csv", index=False)
    with pytest.raises(IntegrityError) as refused:
        place.accept("2022-12-28")
    sentence = str(refused.value)
    assert sentence.startswith("the source tells 5,000 accepted rows differently than before, ")
    assert "; ... of 12 symbols from 2020-" in sentence
    assert len(sentence) < 400

    params["market_data"]["on_rewrite"] = "record"
    (root / "params.yaml").write_text(
        yaml.safe_dump({**yaml.safe_load((root / "params.yaml").read_text()), **params})
    )
    report = place.accept("2022-12-28")
    assert (report.added, report.restated) == (5_000, 5_000)
    workspace = place.workspace
    bars = workspace.market.accepted.read().bars
    known = bars[bars["available_at"] <= pd.Timestamp("2022-12-28 21:15", tz="UTC")]
    first = prices.set_index(["Ticker", "Date"])["Close"].sort_index()
    keys = [known["symbol"], known["session"].dt.strftime("%Y-%m-%d")]
    assert (known["close"].to_numpy() == first.loc[list(zip(*keys, strict=True))]).all()
    assert place.accept("2022-12-28").added == 0, "told once, recorded once"


def test_a_delivery_that_lacks_an_accepted_year_is_noted_and_loses_nothing(
    make_workspace, place_at, own_params, own_prices
):
    prices = own_prices(n_symbols=8, n_sessions=700)
    params = copy.deepcopy(own_params)
    del params["market_data"]["files"]["references"]
    place = place_at(make_workspace(params, {"prices.csv": prices.to_csv(index=False)}))
    place.accept("2022-12-28")
    rest = prices[~prices["Date"].str.startswith("2021")]
    rest.to_csv(place.root / "prices.csv", index=False)
    report = place.accept("2022-12-28")
    assert not report.halts
    (verdict,) = report.verdicts
    (finding,) = [f for f in verdict.findings if f.check == "history_retold"]
    assert finding.reason.startswith("AAPL 2021-01-04 (and 7 more: ")
    assert "no longer tells 252 accepted bars from here to 2021-12-31" in finding.reason
    assert len(place.workspace.market.accepted.read().bars) == 8 * 700
