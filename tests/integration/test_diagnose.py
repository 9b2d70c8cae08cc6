"""Recorded days replayed layer by layer: live days with manifests, planted faults, the block."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import shadowbook.steps.trade as trading_step
from shadowbook.commands.diagnosis import diagnose as command
from shadowbook.core.diagnosis.findings import DiagnosisVerdict, Layer
from shadowbook.errors import ConfigError
from shadowbook.steps.blocked import blocked_by
from shadowbook.steps.diagnose import diagnose
from shadowbook.steps.diagnose_clean import clean_signal
from shadowbook.steps.diagnose_known import known_days
from shadowbook.steps.diagnose_layers import rules_of
from shadowbook.steps.diagnose_record import recorded_days
from shadowbook.steps.diagnose_sources import books_of
from tests.integration.trading_places import TRADED, opened, traded

pytestmark = pytest.mark.slow

ONE, TWO, THREE, FOUR, FIVE = (date.fromisoformat(day) for day in TRADED[:5])


@pytest.fixture(scope="module")
def lived(trading, tmp_path_factory):
    """Three sessions traded, a split and a dividend among them. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("lived") / "ws")
    for day in TRADED[:3]:
        traded(place.root, day)
    return place


def diagnosed(place, *span, **options):
    with opened(place.root) as workspace:
        return diagnose(workspace, "weekly", *span, **options)


def head(place):
    with opened(place.root) as workspace:
        return workspace.ledger.head()


def blocked(place):
    with opened(place.root) as workspace:
        return blocked_by(workspace, "weekly")


def cells(report):
    return {one.layer.value: (one.cells, one.diverging) for one in report.diagnosis.layers}


def said(*words):
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


def test_what_live_did_is_what_the_code_makes_of_its_inputs(lived, tmp_path):
    place = lived.copy(tmp_path / "ws")
    report = diagnosed(place)
    assert (report.first, report.last, report.sessions) == (ONE, THREE, 3)
    found = cells(report)
    # Eight symbols, three sessions: six fields, 31 features, one score.
    assert found["raw data"] == (144, 0)
    assert found["features"] == (744, 0)
    assert found["predictions"] == (24, 0)
    assert all(diverging == 0 and n for n, diverging in found.values())
    # Three sessions are too few to tell decay: that blocks nothing.
    assert report.diagnosis.verdict is DiagnosisVerdict.INCONCLUSIVE
    assert not report.diagnosis.retraining_blocked
    assert blocked(place) == ""
    before = head(place)
    assert diagnosed(place).diagnosis == report.diagnosis
    assert head(place) == before
    with opened(place.root) as workspace:
        assert workspace.ledger.verify() is None


def test_a_shadow_book_is_diagnosed_by_the_model_of_execution(lived, tmp_path):
    report = diagnosed(lived.copy(tmp_path / "ws"), book="shadow/2")
    found = cells(report)
    assert found["orders"] == (0, 0)
    assert found["fills"][0] > 0
    assert not any(diverging for _, diverging in found.values())


def test_data_rewritten_since_are_not_what_live_was_pinned_to(lived, tmp_path):
    place = lived.copy(tmp_path / "ws")
    for part in (place.root / "data" / "market" / "bars").glob("2022.parquet"):
        bars = pd.read_parquet(part)
        bars["close"] *= 1.01
        part.chmod(0o644)
        bars.to_parquet(part, index=False)
    assert not any(diverging for _, diverging in cells(diagnosed(place)).values())


def test_a_fault_in_what_was_served_is_named_blocks_and_is_lifted_by_a_later_session(
    lived, tmp_path, monkeypatch
):
    place = lived.copy(tmp_path / "ws")
    sound = trading_step.served

    def in_percent(workspace, strategy, moment):
        given = sound(workspace, strategy, moment)
        values = given.features.copy()
        values[:, given.names.index("volatility_21")] *= 100.0
        return replace(given, features=values)

    with monkeypatch.context() as planted:
        planted.setattr(trading_step, "served", in_percent)
        traded(place.root, TRADED[3])
    report = diagnosed(place)
    assert report.diagnosis.verdict is DiagnosisVerdict.TECHNICAL
    assert report.diagnosis.first_layer is Layer.FEATURES
    features = report.diagnosis.layers[1]
    assert (features.diverging, features.first_session) == (8, FOUR)
    assert " volatility_21: " in features.where[0]
    assert [one.diverging for one in report.diagnosis.layers] == [0, 8, 0, 0, 0, 0]
    assert report.notes[-1] == (
        f"the feature log of {FOUR} holds what prices make, so something else was served to the "
        "model"
    )
    assert blocked(place).startswith(
        f"weekly is not retrained: its diagnosis of {ONE} to {FOUR} is technical (the first layer "
        f"that diverges: features; last seen on {FOUR}); fix what is wrong"
    )
    code, told = said("--strategy", "weekly", "--workspace", place.root, "--json")
    assert code == 3
    assert json.loads(told)["diagnosis"]["first_layer"] == "features"
    # An earlier session that is whole says nothing about the fault.
    diagnosed(place, ONE, THREE)
    assert blocked(place)
    traded(place.root, TRADED[4])
    diagnosed(place, FIVE, FIVE)
    assert blocked(place) == ""
    # An old fault that is found again does not block anew.
    again = diagnosed(place)
    assert (again.diagnosis.verdict, again.blocked) == (DiagnosisVerdict.TECHNICAL, "")


def test_a_fault_in_the_model_is_no_fault_of_its_features(lived, tmp_path, monkeypatch):
    place = lived.copy(tmp_path / "ws")
    rng = np.random.default_rng(3)
    sound = trading_step.scorer_of

    def unseeded(workspace, strategy, version):
        scorer = sound(workspace, strategy, version)
        return replace(scorer, estimator=Jittered(scorer.estimator, rng))

    with monkeypatch.context() as planted:
        planted.setattr(trading_step, "scorer_of", unseeded)
        traded(place.root, TRADED[3])
    report = diagnosed(place, FOUR, FOUR)
    assert report.diagnosis.first_layer is Layer.PREDICTIONS
    assert [one.diverging for one in report.diagnosis.layers] == [0, 0, 8, 0, 0, 0]


class Jittered:
    """A model that says something else each time."""

    def __init__(self, estimator, rng):
        self._estimator = estimator
        self._rng = rng

    def predict(self, values):
        return self._estimator.predict(values) + self._rng.normal(0.0, 1e-9, len(values))


def test_mistakes_get_one_sentence(lived, tmp_path):
    place = lived.copy(tmp_path / "ws")
    with pytest.raises(ConfigError, match="holds no book shadow/9 of weekly: its books are champ"):
        diagnosed(place, book="shadow/9")
    with pytest.raises(ConfigError, match="went through no session from 2022-12-28 to 2022-12-28"):
        diagnosed(place, date(2022, 12, 28), date(2022, 12, 28))
    with pytest.raises(ConfigError, match=r"there is no replay in .*: run `shadowbook replay`"):
        diagnosed(place, replay="newest")
    where = ("--workspace", place.root)
    assert said("--strategy", "daily", *where)[0] == 2
    code, told = said("-s", "weekly", "--session", TRADED[0], "--to", TRADED[1], *where)
    assert (code, told) == (2, "error: give --session, or --from and --to, not both\n")


def test_the_clean_signal_is_what_a_book_without_the_fault_earned(lived, tmp_path, monkeypatch):
    faulty, sound = (lived.copy(tmp_path / name) for name in ("faulty", "sound"))
    served = trading_step.served

    def turned(workspace, strategy, moment):
        given = served(workspace, strategy, moment)
        return replace(given, features=given.features[::-1])

    with monkeypatch.context() as planted:
        planted.setattr(trading_step, "served", turned)
        traded(faulty.root, TRADED[3])
    traded(sound.root, TRADED[3])
    for place in (faulty, sound):
        traded(place.root, TRADED[4])
    with opened(faulty.root) as workspace, books_of(workspace, None) as books:
        own = workspace.settings.strategy("weekly")
        days = recorded_days(books.ledger, "weekly", "champion", own.horizon, (ONE, FIVE))
        clean = clean_signal(
            "weekly",
            "champion",
            days,
            known_days(workspace, ONE, FIVE),
            lambda version: books.scorer(workspace, "weekly", version),
            lambda _: rules_of(workspace.settings, "weekly", modeled=True),
        )
        wrong = books.ledger.frame("book_returns", "weekly", "champion")["signal"].to_numpy()
    with opened(sound.root) as workspace:
        right = workspace.ledger.frame("book_returns", "weekly", "champion")["signal"].to_numpy()
    assert np.isnan(clean[:3]).all()  # the inputs were right: what is recorded stands
    np.testing.assert_array_equal(clean[3:], right[3:])
    assert wrong[4] != right[4]
