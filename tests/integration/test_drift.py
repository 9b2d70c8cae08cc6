"""Drift of traded books: from the training run's profile to the page, the ledger and the wish."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

import shadowbook.steps.trade as trading_step
from shadowbook.core.drift.quadrant import Action, Cell
from shadowbook.errors import IntegrityError
from shadowbook.steps.drift_file import PROFILE, packed, registered_profile
from shadowbook.steps.monitor import monitor
from tests.integration.trading_places import (
    HALTING_RULE,
    TRADED,
    TRAINED,
    opened,
    set_params,
    shadowbook,
    traded,
)

pytestmark = pytest.mark.slow

SHORT = {
    "drift": {
        "windows": [5, 10],
        "n_resamples": 400,
        "persistence": 2,
        "clear_sessions": 3,
        "streams": {"n_histories": 20},
        "attributions": {"rows": 100, "n_resamples": 100},
    }
}
"""Windows that a few sessions fill."""

DECAYS = {"monitor": {"min_sessions": 0, "rules": [HALTING_RULE]}}
"""Results count as fallen from the third session on."""

ALERT = "drift/weekly/2022-12-07"


def looked_at(place):
    with opened(place.root) as workspace:
        return monitor(workspace)


def book(report, strategy="weekly"):
    (found,) = (one for one in report.drift if one.strategy == strategy)
    return found


def events(place, kind, strategy="weekly"):
    with opened(place.root) as workspace:
        assert workspace.ledger.verify() is None
        found = [stored.event for stored in workspace.ledger.events(kind)]
    return [event for event in found if event.body["strategy"] == strategy]


def registry(place):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{place.root}/mlruns/mlflow.db")


def head(place):
    with opened(place.root) as workspace:
        return workspace.ledger.head()


@pytest.fixture(scope="module")
def planted(trading, tmp_path_factory):
    """Volumes twenty times as large from the first traded session on, results that fall.

    Four sessions traded and looked at; -> place and session -> report. Not to be changed.
    """
    place = trading.copy(tmp_path_factory.mktemp("planted") / "ws")
    set_params(place.root, {**DECAYS, **SHORT})
    version = place.train(TRAINED).run.model_version
    registry(place).set_registered_model_alias("weekly", "champion", str(version))
    bars = place.bars()
    bars.loc[bars["session"] >= TRADED[0], "volume"] *= 20
    place.say(bars)
    reports = {}
    for day in TRADED[:4]:
        traded(place.root, day)
        reports[day] = looked_at(place)
    return place, reports


@pytest.fixture(scope="module")
def fallen(trading, tmp_path_factory):
    """Results that fall on inputs as they were; -> place and reports. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("fallen") / "ws")
    set_params(place.root, DECAYS)
    reports = []
    for day in TRADED[:4]:
        traded(place.root, day)
        reports.append(looked_at(place) if day >= TRADED[2] else None)
    return place, reports[2:]


def test_a_training_run_keeps_its_profile(trading):
    workspace = trading.workspace
    run = next(run for run in workspace.models.runs("weekly") if run.model_version == 1)
    file = workspace.models.artifact(run.run_id, PROFILE)
    assert PROFILE == "drift/profile.npz"
    recorded = workspace.models.manifest(run.run_id)["artifacts"][PROFILE]
    assert recorded == hashlib.sha256(file.read_bytes()).hexdigest()
    profile = registered_profile(workspace, "weekly", 1)
    assert packed(profile) == file.read_bytes()
    columns = profile.calibration.columns
    assert [one.kind for one in columns[-2:]] == ["prediction", "label"]
    assert len(columns) == 33
    assert str(profile.calibration.span[1]) == "2022-12-05"
    assert profile.calibration.windows == (21, 63)
    assert profile.attributions.n_sessions > 400
    assert registered_profile(workspace, "weekly", 9) is None


def test_a_changed_byte_of_the_profile_is_no_profile(planted, tmp_path):
    place = planted[0].copy(tmp_path / "ws")
    models = place.workspace.models
    run = next(run for run in models.runs("weekly") if run.model_version == 3)
    file = models.artifact(run.run_id, PROFILE)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)
    told = (
        f"drift/profile.npz of run {run.run_id} (weekly/3) is not the file that was recorded: "
        "restore it, or retrain"
    )
    with pytest.raises(IntegrityError) as error:
        looked_at(place)
    assert str(error.value) == told
    done = shadowbook(place.root, "monitor")
    assert done.returncode != 0
    assert told in " ".join(done.stderr.split())
    file.unlink()
    with pytest.raises(IntegrityError, match="is not the file that was recorded"):
        registered_profile(place.workspace, "weekly", 3)


def test_a_version_of_an_older_release_has_nothing_to_be_held_against(planted, tmp_path):
    place = planted[0].copy(tmp_path / "ws")
    models = place.workspace.models
    run = next(run for run in models.runs("weekly") if run.model_version == 3)
    file = models.artifact(run.run_id, "manifest.json")
    manifest = json.loads(file.read_text("utf-8"))
    del manifest["artifacts"][PROFILE]
    file.chmod(0o644)
    file.write_text(json.dumps(manifest), "utf-8")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    registry(place).set_tag(run.run_id, "manifest_sha256", digest)
    before = len(events(place, "drift"))
    report = looked_at(place)
    found = book(report)
    why = (
        "version 3 has no drift profile on record, so drift cannot be looked for: a version that "
        "this release trains has one, once it is champion"
    )
    assert found.notes == (why,)
    assert (found.quadrant.cell, found.request) == (Cell.NOT_COMPUTABLE, None)
    assert f"weekly/champion: drift cannot be computed: {why}" in report.reasons
    assert why in report.drift_page.read_text("utf-8")
    assert len(events(place, "drift")) == before
    # The other strategy is looked at all the same.
    assert book(report, "fortnightly").path is not None


def test_drift_alone_is_watched_and_with_falling_results_asks_for_a_retraining(planted):
    _, reports = planted
    cells = [book(report).quadrant.cell for report in reports.values()]
    assert cells == [Cell.NOT_COMPUTABLE, Cell.WATCH, Cell.RETRAIN, Cell.RETRAIN]
    third, fourth = list(reports.values())[2:]
    drifted = {one.column for one in book(third).today if one.drifted}
    assert {"dollar_volume_z_63", "turnover_ratio_5_63"} <= drifted
    # What volumes are no part of has not changed.
    volumes = {"dollar_volume_z_63", "turnover_ratio_5_63", "illiquidity_21", "prediction"}
    assert drifted <= {*volumes, "rank_illiquidity_21"}
    # The alert is the same from day to day, the evidence is of the day.
    asked = [book(report).request for report in (third, fourth)]
    assert [one.alert for one in asked] == [ALERT, ALERT]
    assert [one.evidence["session"] for one in asked] == list(TRADED[2:4])
    assert asked[0].evidence["alerts"] == ["never_enough"]
    assert asked[0].evidence["model_version"] == 3
    named = {one["column"] for one in asked[0].evidence["columns"]}
    assert named == drifted
    # Importances shifted a session before scans alarmed: the drift is as old as the older of them.
    assert {"dollar_volume_z_63", "turnover_ratio_5_63"} <= set(asked[0].evidence["attributions"])
    assert book(third).incident is None
    assert book(fourth).incident.isoformat() == TRADED[2]
    assert not book(list(reports.values())[1]).request


def test_where_a_book_stands_is_recorded_once_a_session(planted, tmp_path):
    place = planted[0].copy(tmp_path / "ws")
    recorded = events(place, "drift")
    assert [event.body["session"] for event in recorded] == list(TRADED[:4])
    assert [event.body["cell"] for event in recorded] == [
        "NOT_COMPUTABLE",
        "watch",
        "retrain",
        "retrain",
    ]
    assert [event.body["alert"] for event in recorded] == [None, None, ALERT, ALERT]
    assert [event.body["since"] for event in recorded] == [None, *[TRADED[1]] * 3]
    assert [event.body["drift"] for event in recorded] == [False, True, True, True]
    assert [event.body["decay"] for event in recorded] == [None, False, True, True]
    before = head(place)
    again = looked_at(place)
    assert head(place) == before
    assert book(again).request == book(planted[1][TRADED[3]]).request


def test_a_program_and_a_person_read_the_same(planted, tmp_path):
    place = planted[0].copy(tmp_path / "ws")
    done = shadowbook(place.root, "monitor", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (weekly,) = (one for one in told["drift"] if one["strategy"] == "weekly")
    assert (weekly["cell"], weekly["incident"]) == ("retrain", TRADED[2])
    assert weekly["reference"][1] == "2022-12-05"
    assert len(weekly["columns"]) == 66
    assert [one["alert"] for one in told["requests"] if one["strategy"] == "weekly"] == [ALERT]
    page = (place.root / "build" / "drift.html").read_text("utf-8")
    assert "dollar_volume_z_63" in page
    assert "drift/weekly.html" in page
    assert (place.root / "build" / "drift" / "weekly.html").stat().st_size > 100_000


def test_falling_results_without_drift_open_one_ticket(fallen):
    place, reports = fallen
    for report in reports:
        found = book(report)
        assert found.quadrant == (Cell.COVERAGE, Action.OPEN_COVERAGE_TICKET)
        assert found.request is found.incident is None
        assert "market series, except through features: index" in found.ticket
    (ticket,) = events(place, "ticket")
    assert ticket.key == f"ticket/weekly/1/{TRADED[2]}"
    assert ticket.body == {
        "strategy": "weekly",
        "book": "champion",
        "model_version": 1,
        "since": TRADED[2],
        "not_monitored": list(book(reports[0]).ticket),
    }


def test_a_bug_overrides_and_asks_for_nothing(planted, tmp_path, monkeypatch):
    place = planted[0].copy(tmp_path / "ws")
    sound = trading_step.served

    def in_percent(workspace, strategy, moment):
        given = sound(workspace, strategy, moment)
        values = given.features.copy()
        values[:, given.names.index("volatility_21")] *= 100.0
        return replace(given, features=values)

    with monkeypatch.context() as fault:
        fault.setattr(trading_step, "served", in_percent)
        traded(place.root, TRADED[4])
    report = looked_at(place)
    found = book(report)
    assert found.quadrant == (Cell.RETRAIN, Action.FIX)
    assert found.request is None
    assert found.verdict.startswith("weekly is not retrained: its diagnosis of ")
    assert not any(one.strategy == "weekly" for one in report.requests)
    newest = events(place, "drift")[-1].body
    assert (newest["session"], newest["alert"]) == (TRADED[4], None)
    assert newest["action"] == "fix what is wrong, do not retrain"


@pytest.mark.parametrize(
    "settings",
    [{"windows": [21, 63], "n_bins": 5}, {"windows": [63], "attributions": {"rows": 400}}],
)
def test_another_policy_than_the_profiles_changes_no_figure_of_it(planted, tmp_path, settings):
    place = planted[0].copy(tmp_path / "ws")
    usual = book(planted[1][TRADED[3]])
    set_params(place.root, {"drift": settings})
    found = book(looked_at(place))
    assert {one.window for one in found.today} == {5, 10}
    # Both windows are full of what was before the version, as they were.
    np.testing.assert_array_equal(found.path.adjusted, usual.path.adjusted)
    assert repr(found.today) == repr(usual.today)
    assert found.attributions.n_current == usual.attributions.n_current
    assert found.attributions.ndcg == usual.attributions.ndcg
