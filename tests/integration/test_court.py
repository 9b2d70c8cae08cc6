"""The court over a workspace's challengers, and over those of a replay in one go and in pieces."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest

from shadowbook.core.promotion.court import Outcome
from shadowbook.errors import InsufficientDataError
from shadowbook.steps.court import CASE, JUDGMENT
from shadowbook.steps.evaluate import evaluate
from shadowbook.steps.logged_features import first_difference
from shadowbook.steps.replays import replay
from tests.integration.trading_places import (
    LAST,
    TRADED,
    assert_same_books,
    opened,
    read_params,
    replay_ledger,
    set_params,
    shadowbook,
    traded,
)

pytestmark = pytest.mark.slow

FIRST, MIDDLE, END = "2022-07-01", "2022-10-14", "2022-11-30"

LENIENT = {
    "promotion": {
        "court": {
            "min_sessions": 21,
            "drift": False,
            "max_drawdown_ratio": None,
            "max_cost_ratio": None,
            "max_turnover_ratio": None,
            "refresh": {
                "margin": 10.0,
                "max_refit_distance": 10.0,
                "min_signal_correlation": None,
                "min_position_agreement": None,
            },
        }
    },
    "books": {"max_shadows": 4},
    "drift": {"n_resamples": 200, "held_out_years": 0, "streams": {"n_histories": 20}},
    "replay": {
        "models": "retrain",
        "retrain_sessions": 20,
        "retrain_on_drift": False,
        "n_splits": 2,
        "operator": {"promote": "court"},
    },
}
"""Refreshes are promoted as soon as they can be judged."""


def told(ledger, kind):
    return [stored.event for stored in ledger.events(kind)]


def spoken(ledger):
    """What the court said, in order, as far as a replay in pieces must say it again."""
    return [
        (e.at, e.key, e.body) for kind in (CASE, JUDGMENT, "promotion") for e in told(ledger, kind)
    ]


@pytest.fixture(scope="module")
def judged(trading, tmp_path_factory):
    """A replay that the court governs, in one go; -> place and report. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("judged") / "ws")
    set_params(place.root, LENIENT)
    with opened(place.root) as workspace:
        return place, replay(workspace, date.fromisoformat(FIRST), date.fromisoformat(END))


def test_the_court_promotes_refreshes_in_a_replay(judged):
    place, report = judged
    ledger = replay_ledger(place.root)
    promotions = told(ledger, "promotion")
    assert promotions
    assert {event.body["decided_by"] for event in promotions} == {"the court"}
    assert {event.body["reason"] for event in promotions} == {"the court says PROMOTE"}
    for event in promotions:
        body = event.body
        said = [
            one
            for one in told(ledger, JUDGMENT)
            if (one.body["champion"], one.body["challenger"], one.body["strategy"])
            == (body["champion"], body["challenger"], body["strategy"])
        ]
        # The judgment that promotes is on record, with every criterion passed.
        assert said[-1].at == event.at
        assert said[-1].body["outcome"] == "PROMOTE"
        assert all(one["passed"] for one in said[-1].body["criteria"])
        assert said[-1].body["evidence"]["drill_age_sessions"] == 0
    assert ledger.verify() is None
    (summary,) = report.summaries
    assert summary.counts["promotions"] == len(promotions)


def test_each_case_is_opened_once_and_judged_by_its_recipe(judged):
    place, _ = judged
    ledger = replay_ledger(place.root)
    cases = told(ledger, CASE)
    tried = len(read_params(place.root)["learning"]["candidates"])
    pairs = [(e.body["strategy"], e.body["champion"], e.body["challenger"]) for e in cases]
    assert len(set(pairs)) == len(pairs)
    trainings = {
        (e.body["strategy"], e.body["version"]): e.body["candidate"]
        for e in told(ledger, "training")
    }
    for event in cases:
        body = event.body
        same = (
            trainings[body["strategy"], body["champion"]]
            == trainings[body["strategy"], body["challenger"]]
        )
        assert body["kind"] == ("refresh" if same else "replacement")
        assert body["n_trials"] == body["challenger"] * tried
        assert (body["alpha_history"] > 0) is not same


def test_a_champion_changes_by_promotion_alone(judged):
    place, _ = judged
    ledger = replay_ledger(place.root)
    books = ledger.frame("book_returns", book="champion")
    for strategy, rows in books.groupby("strategy", observed=True):
        versions = rows["model_version"].astype(int).tolist()
        moments = rows["as_of"].tolist()
        changes = [
            (at, before, after)
            for at, before, after in zip(moments[1:], versions, versions[1:], strict=False)
            if before != after
        ]
        promoted = [
            (e.at, e.body["champion"], e.body["challenger"])
            for e in told(ledger, "promotion")
            if e.body["strategy"] == strategy
        ]
        assert changes == promoted


def test_in_pieces_the_court_says_the_same(judged, trading, tmp_path):
    place, _ = judged
    pieces = trading.copy(tmp_path / "ws")
    set_params(pieces.root, LENIENT)
    for end in (MIDDLE, END):
        with opened(pieces.root) as workspace:
            replay(workspace, date.fromisoformat(FIRST), date.fromisoformat(end))
    whole, again = replay_ledger(place.root), replay_ledger(pieces.root)
    assert spoken(again) == spoken(whole)
    assert_same_books(again, whole)
    assert again.head() == whole.head()


def test_the_pages_of_a_replay_show_the_court(judged):
    place, report = judged
    ledger = replay_ledger(place.root)
    page = report.court_page.read_text("utf-8")
    assert [one.judged.strategy for one in report.cases]
    for one in report.cases:
        assert one.judged.decision.outcome.value in page
        assert one.judgments[0].outcome is None
    text = report.page.read_text("utf-8")
    assert "Decisions of the court" in text
    assert len(report.judgments[0]) == len(told(ledger, CASE)) + len(told(ledger, JUDGMENT))


@pytest.fixture(scope="module")
def place(trading, tmp_path_factory):
    """Traded for some days, with a challenger from the second on. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("live") / "ws")
    place.extend(LAST)
    for day in TRADED:
        if day == TRADED[1]:
            place.train(day)
        traded(place.root, day)
    return place


def test_evaluate_opens_a_case_and_says_what_is_missing(place, tmp_path):
    here = place.copy(tmp_path / "ws")
    done = shadowbook(here.root, "evaluate", "--json")
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert [one["strategy"] for one in document["judged"]] == ["weekly"]
    for one in document["judged"]:
        names = [c["name"] for c in one["criteria"] if c["passed"] is False]
        assert one["outcome"] == "HOLD"
        assert "sessions" in names
        assert one["evidence"]["n_sessions"] <= len(TRADED)
        lacking = [c["name"] for c in one["criteria"] if c["passed"] is None]
        # Nobody has looked for drift, and the way back was never rehearsed.
        assert {"drift", "drill"} <= set(lacking)
    with opened(here.root) as workspace:
        before = workspace.ledger.head()
        assert len(told(workspace.ledger, CASE)) == 1
        assert len(told(workspace.ledger, JUDGMENT)) == 1
        report = evaluate(workspace)
        assert workspace.ledger.head() == before
        assert workspace.ledger.verify() is None
        assert report.halts
        assert "The court" in report.page.read_text("utf-8")


def test_evaluate_prints_a_table_a_challenger(place, tmp_path):
    here = place.copy(tmp_path / "ws")
    done = shadowbook(here.root, "evaluate", "--strategy", "weekly")
    assert done.returncode == 3
    assert "against champion 1: HOLD" in done.stdout
    assert "fortnightly" not in done.stdout
    assert "build/court.html" in done.stdout


def test_evaluate_without_a_book_says_what_to_do(trading, tmp_path):
    fresh = trading.copy(tmp_path / "ws")
    with opened(fresh.root) as workspace, pytest.raises(InsufficientDataError) as caught:
        evaluate(workspace)
    assert "run `shadowbook trade --session DAY` first" in str(caught.value)
    done = shadowbook(fresh.root, "evaluate", "--strategy", "unknown")
    assert done.returncode == 2
    assert "unknown" in done.stderr


def test_a_champion_without_a_challenger_is_a_sentence(place, tmp_path):
    here = place.copy(tmp_path / "ws")
    done = shadowbook(here.root, "evaluate", "--strategy", "fortnightly")
    assert done.returncode == 0, done.stderr
    assert "fortnightly has no challenger newer than its champion: nothing to judge" in done.stdout


def test_a_challenger_that_learned_from_wrong_features_is_rejected(place, tmp_path):
    here = place.copy(tmp_path / "ws")
    with opened(here.root) as workspace:
        assert first_difference(workspace) is None
        part = max(workspace.feature_folder.glob("**/*.parquet"))
    rows = pd.read_parquet(part)
    name = rows.columns.drop(["symbol", "session", "available_at"])[0]
    wrong = rows["session"] == TRADED[0]
    assert wrong.any()
    rows.loc[wrong, name] = rows.loc[wrong, name] + 1e-12
    rows.to_parquet(part, index=False)
    with opened(here.root) as workspace:
        assert str(first_difference(workspace)) == TRADED[0]
        (judged,) = evaluate(workspace, ["weekly"]).judged
        failed = [one.name for one in judged.decision.criteria if one.passed is False]
        assert judged.decision.outcome is Outcome.REJECT
        assert "training_data" in failed
        # The rejection is on record: it stands whatever comes after it.
        again = evaluate(workspace, ["weekly"]).judged[0].decision
        assert "earlier_verdict" in [one.name for one in again.against]
