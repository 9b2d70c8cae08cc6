"""A replay in one go, in pieces, and the same days traded one by one: the same books."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.kills import MODES
from benchmarks.replay_kills import ReplayCampaign
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.errors import (
    ConfigError,
    InsufficientDataError,
    IntegrityError,
    PermanentError,
    StaleDataError,
)
from shadowbook.steps.given import unpacked
from shadowbook.steps.rating import scorer_of
from shadowbook.steps.replays import replay, span_of
from shadowbook.steps.trade import TradeOutcome
from shadowbook.workspace import Workspace
from tests.integration.trading_places import (
    LAST,
    SPLIT_DAY,
    TRADED,
    assert_same_books,
    in_order,
    read_params,
    replay_ledger,
    replayed,
    set_params,
    shadowbook,
    traded,
)

pytestmark = pytest.mark.slow

FIRST = TRADED[0]
VANISHED = "2022-12-14"


def trained_again(place, day, alpha):
    """Register another version of weekly, made with other settings; then they are as before."""
    kept = (place.root / "params.yaml").read_bytes()
    ridge = {"ridge": {"parameters": {"alpha": alpha}}}
    set_params(place.root, {"learning": {"candidates": ridge}})
    place.train(day)
    (place.root / "params.yaml").write_bytes(kept)


@pytest.fixture(scope="module")
def whole(trading, tmp_path_factory):
    """Data up to the last session, a third version on the way; replayed in one go."""
    place = trading.copy(tmp_path_factory.mktemp("whole") / "ws")
    place.extend(LAST)
    trained_again(place, TRADED[2], 1.0)
    replayed(place.root, FIRST, LAST)
    return place


@pytest.fixture
def fresh(whole, tmp_path):
    """A copy of ``whole`` that was not replayed yet."""
    place = whole.copy(tmp_path / "fresh")
    shutil.rmtree(place.root / ".shadowbook" / "replays")
    return place


def test_trading_day_by_day_gives_the_books_of_a_replay(trading, whole, fresh, tmp_path):
    daily = trading.copy(tmp_path / "daily")
    for day in TRADED:
        if day == TRADED[2]:
            # Its shadow book begins with the session it was trained as of, for want of room
            # another version's ends.
            daily.extend(day)
            trained_again(daily, day, 1.0)
        report = traded(daily.root, day)
        assert report.outcome is TradeOutcome.TRADED
        assert len(report.days) == 3
    replayed(fresh.root, FIRST, TRADED[-1])
    ledger = daily.workspace.ledger
    books = ledger.frame("book_returns").groupby(["strategy", "book"], observed=True).size()
    assert books.to_dict() == {
        ("fortnightly", "champion"): 6,
        ("weekly", "champion"): 6,
        ("weekly", "shadow/2"): 2,
        ("weekly", "shadow/3"): 4,
    }
    assert len(ledger.frame("fills")) > 60
    assert ledger.verify() is None
    assert_same_books(ledger, replay_ledger(fresh.root))
    # What the whole replay holds of these days is the same as well.
    until = replay_ledger(whole.root).frame("positions", until=ledger.last_as_of())
    mine = ledger.frame("positions", until=ledger.last_as_of())
    pd.testing.assert_frame_equal(in_order(until), in_order(mine), check_exact=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_pieces_give_the_same_ledger(whole, fresh, seed):
    rng = random.Random(seed)
    days = replay_ledger(whole.root).frame("book_returns")["session"].dt.strftime("%Y-%m-%d")
    for day in sorted(rng.sample(sorted(set(days))[:-1], 4)):
        replayed(fresh.root, FIRST, day)
    last = replayed(fresh.root, FIRST, LAST)
    again = replayed(fresh.root, FIRST, LAST)
    assert (again.replayed, again.digest) == (0, last.digest)
    ledger, other = replay_ledger(whole.root), replay_ledger(fresh.root)
    assert other.verify() is None
    assert other.head() == ledger.head() == (ledger.head()[0], last.digest)
    assert_same_books(ledger, other)


def test_pieces_of_processes_of_their_own_give_the_same_ledger(whole, fresh):
    for day in ("2022-12-07", "2022-12-14", LAST):
        done = shadowbook(fresh.root, "replay", "--from", FIRST, "--to", day)
        assert done.returncode == 0, done.stderr
    assert replay_ledger(fresh.root).head() == replay_ledger(whole.root).head()


@pytest.mark.parametrize("day", [SPLIT_DAY, "2022-12-14"])
def test_cut_off_between_broker_and_ledger_it_goes_on(whole, fresh, monkeypatch, day):
    """The broker has the session, splits and all, the ledger has not: as after a kill there."""
    record = Ledger.record_session

    def cut_off(ledger, events, days, *rest):
        if days[0].session == date.fromisoformat(day):
            raise KeyboardInterrupt
        record(ledger, events, days, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record_session", cut_off)
        with pytest.raises(KeyboardInterrupt):
            replayed(fresh.root, FIRST, LAST)
    assert replayed(fresh.root, FIRST, LAST).digest == replay_ledger(whole.root).head()[1]


def test_killed_it_goes_on_to_the_same_ledger(whole, fresh):
    place = ReplayCampaign(fresh.root, FIRST, LAST)
    place.undisturbed()
    landed = list(place.kills(3, random.Random(5), in_a_row=3))
    assert [one.mode for one in landed] == list(MODES)
    assert replay_ledger(fresh.root).head() == replay_ledger(whole.root).head()


def test_another_champion_under_a_replay_is_refused(fresh):
    replayed(fresh.root, FIRST, "2022-12-14")
    fresh.workspace.models._client.set_registered_model_alias("weekly", "champion", "2")
    with pytest.raises(IntegrityError, match=r"weekly has another champion .* to 2022-12-14 were"):
        replayed(fresh.root, FIRST, LAST)


def test_recorded_inputs_scored_again_give_the_recorded_predictions(whole):
    ledger, workspace = replay_ledger(whole.root), Workspace.open(whole.root)
    sessions = [stored.event for stored in ledger.events("session")]
    shadows = [event for event in sessions if event.body["book"] != "champion"]
    for event in (sessions[0], shadows[-1], sessions[-1]):
        body = event.body
        given = unpacked(ledger.inputs(body["inputs"]))
        assert given.digest == body["inputs"]
        scorer = scorer_of(workspace, body["strategy"], body["model_version"])
        again = dict(zip(given.symbols, scorer.scores(given.features, given.names), strict=True))
        rows = ledger.frame("predictions", body["strategy"], body["book"], since=event.at)
        rows = rows[rows["as_of"] == event.at]
        assert again == dict(zip(rows["symbol"], rows["score"], strict=True))


def test_a_replay_that_went_further_says_so(whole):
    with pytest.raises(ConfigError, match="has gone on to 2022-12-28 before: give --to"):
        replayed(whole.root, FIRST, TRADED[-1])


def test_the_champions_own_model_in_a_shadow_book_earns_the_same(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    place.extend(LAST)
    replayed(place.root, FIRST, LAST)
    ledger = replay_ledger(place.root)
    for table in ("predictions", "targets", "positions", "fills", "book_returns"):
        champion, shadow = (
            ledger.frame(table, "weekly", book).drop(columns="book")
            for book in ("champion", "shadow/2")
        )
        assert len(champion)
        pd.testing.assert_frame_equal(
            champion.drop(columns="model_version", errors="ignore"),
            shadow.drop(columns="model_version", errors="ignore"),
            check_exact=True,
            check_categorical=False,
        )


def test_what_happens_later_changes_no_book_before_it(trading, whole, tmp_path):
    cut = "2022-12-16"
    other = trading.copy(tmp_path / "ws")
    bars = other.bars()
    later = bars["session"] > cut
    rng = np.random.default_rng(3)
    # Another course, without a jump that the gate would take offense at.
    noise = rng.normal(0, 0.01, later.sum())
    for column in ("open", "high", "low", "close", "adjusted_close"):
        bars.loc[later, column] *= 1 + noise
    bars.loc[later, "volume"] *= 2
    other.say(bars)
    other.extend(LAST)
    trained_again(other, TRADED[2], 1.0)
    replayed(other.root, FIRST, LAST)
    until = pd.Timestamp("2022-12-17", tz="UTC")
    one, two = replay_ledger(whole.root), replay_ledger(other.root)
    for table in ("predictions", "targets", "fills", "positions", "book_returns"):
        mine, its = (
            in_order(ledger.frame(table, until=until.to_pydatetime())) for ledger in (one, two)
        )
        assert len(mine)
        pd.testing.assert_frame_equal(mine, its, check_exact=True)
    assert one.books_digest() != two.books_digest()
    # The other's data under this one's books is refused.
    (mine,) = (whole.root / ".shadowbook" / "replays").iterdir()
    (its,) = (other.root / ".shadowbook" / "replays").iterdir()
    assert mine.name == its.name
    shutil.rmtree(its)
    shutil.copytree(mine, its)
    with pytest.raises(IntegrityError, match="of session 2022-12-19 are not those"):
        replayed(other.root, FIRST, LAST)


RETRAINING = {
    "books": {"max_shadows": 2},
    "replay": {
        "models": "retrain",
        "retrain_sessions": 12,
        "operator": {"promote": "newest", "after_sessions": 6},
    },
}
LONG = "2022-10-03"


@pytest.fixture(scope="module")
def retrained(whole, tmp_path_factory):
    """A replay that fits its models itself, and whose operator takes each new one."""
    place = whole.copy(tmp_path_factory.mktemp("retrained") / "ws")
    shutil.rmtree(place.root / ".shadowbook" / "replays")
    set_params(place.root, RETRAINING)
    return place, replayed(place.root, LONG, LAST)


def test_retrainings_and_simulated_promotions_stand_in_the_ledger(retrained, whole):
    place, _ = retrained
    ledger = replay_ledger(place.root)
    assert ledger.verify() is None
    trainings = [stored.event for stored in ledger.events("training")]
    promotions = [stored.event for stored in ledger.events("promotion")]
    assert not any(event.simulated for event in trainings)
    assert len(trainings) == 2 * 6
    assert len(promotions) == 2 * 4
    assert all(event.simulated for event in promotions)
    assert {event.body["decided_by"] for event in promotions} == {"simulated operator"}
    champions = ledger.frame("book_returns", book="champion")
    assert sorted(champions["model_version"].unique()) == [1, 2, 3, 4, 5]
    with pytest.raises(PermanentError, match="a real ledger takes acts of people only"):
        whole.workspace.ledger.record(promotions[:1])
    assert whole.workspace.ledger.head() == (0, "")


def test_every_book_of_a_retraining_replay_adds_up(retrained):
    place, _ = retrained
    ledger = replay_ledger(place.root)
    params = read_params(place.root)["strategies"]
    fills, returns = ledger.frame("fills"), ledger.frame("book_returns")
    assert {"rebalance", "split", "dividend"} == set(fills["purpose"])
    assert len(fills) > 500
    for (strategy, book), days in returns.groupby(["strategy", "book"], observed=True):
        traded_here = fills[(fills["strategy"] == strategy) & (fills["book"] == book)]
        positions = ledger.frame("positions", str(strategy), str(book))
        held: dict[str, int] = {}
        cash = round(params[strategy].get("capital", 1_000_000.0) * 100)
        for day in days.itertuples():
            for fill in traded_here[traded_here["as_of"] == day.as_of].itertuples():
                held[fill.symbol] = held.get(fill.symbol, 0) + fill.quantity
                cash -= round(fill.quantity * fill.price * 100) + fill.commission_cents
            now = positions[positions["as_of"] == day.as_of]
            told = dict(zip(now["symbol"], now["quantity"], strict=True))
            assert told == {symbol: shares for symbol, shares in held.items() if shares}
            assert cash == day.cash_cents
            worth = float((now["quantity"] * now["mark"]).sum())
            assert day.equity == pytest.approx(cash / 100 + worth, abs=1e-6)
        rest = days[1:]
        assert rest["net"].to_numpy() == pytest.approx(
            rest["equity"].to_numpy() / days["equity"].to_numpy()[:-1] - 1, abs=1e-12
        )
        parts = rest["signal"] + rest["execution"] + rest["cost"]
        assert rest["net"].to_numpy() == pytest.approx(parts.to_numpy(), abs=1e-12)


def test_a_retraining_replay_in_pieces_is_the_same(retrained, tmp_path):
    place, run = retrained
    pieces = place.copy(tmp_path / "ws")
    shutil.rmtree(pieces.root / ".shadowbook" / "replays")
    for day in ("2022-10-20", "2022-11-11", "2022-12-01", LAST):
        last = replayed(pieces.root, LONG, day)
    assert last.digest == run.digest


def test_two_policies_stand_side_by_side(whole, fresh):
    params = read_params(fresh.root)
    params["strategies"]["weekly"]["portfolio"] = {"kind": "long_only"}
    params["execution"] = {"at": "next_open"}
    other = fresh.root / "other.yaml"
    other.write_text(yaml.safe_dump(params), "utf-8")
    words = ("replay", "--from", FIRST, "--to", LAST, "--policy", str(other), "--json")
    done = shadowbook(fresh.root, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [policy["name"] for policy in told["policies"]] == ["params.yaml", "other.yaml"]
    one, two = (policy["run"] for policy in told["policies"])
    assert one["digest"] == replay_ledger(whole.root).head()[1]
    assert one["digest"] != two["digest"]
    assert one["key"] != two["key"]
    page = (fresh.root / "build" / "replay.html").read_text("utf-8")
    assert "params.yaml" in page
    assert "other.yaml" in page


def test_a_stock_that_vanishes_is_held_unpriced_then_closed_at_its_last(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    set_params(place.root, {"gates": {"market": {"max_symbol_lag_sessions": 63}}})
    bars = place.bars()
    gone = sorted(bars["symbol"].unique())[2]
    place.say(bars[(bars["symbol"] != gone) | (bars["session"] <= VANISHED)])
    place.extend(LAST)
    replayed(place.root, FIRST, LAST)
    ledger = replay_ledger(place.root)
    assert ledger.verify() is None
    last_price = bars.set_index(["symbol", "session"]).loc[(gone, VANISHED), "close"]
    positions = ledger.frame("positions", "fortnightly", "champion")
    held = positions[(positions["symbol"] == gone) & (positions["session"] > VANISHED)]
    assert held["unpriced"].tolist() == [1, 2, 3, 4, 5]
    assert set(held["mark"]) == {last_price}
    assert held["quantity"].nunique() == 1
    fills = ledger.frame("fills", "fortnightly", "champion")
    mine = fills[(fills["symbol"] == gone) & (fills["session"] > VANISHED)]
    assert mine["purpose"].tolist() == ["delisting"]
    assert (mine["quantity"].item(), mine["price"].item()) == (
        -held["quantity"].iloc[0],
        last_price,
    )
    rated = ledger.frame("predictions", "weekly", "champion")
    assert not ((rated["symbol"] == gone) & (rated["session"] > VANISHED)).any()
    notes = [
        reason
        for stored in ledger.events("session")
        for reason in stored.event.body["reasons"]
        if stored.event.body["book"] == "champion"
        and stored.event.body["strategy"] == "fortnightly"
    ]
    assert notes == [f"{gone} has had no price for 5 sessions: closed at its last, {last_price:g}"]


def test_a_stock_with_too_few_features_is_not_rated_and_goes_out_of_the_book(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    gates = {"market": {"max_symbol_lag_sessions": 63}, "features": {"max_missing_share": 0.5}}
    set_params(place.root, {"learning": {"min_feature_share": 1.0}, "gates": gates})
    bars = place.bars()
    holed = sorted(bars["symbol"].unique())[2]
    place.say(bars[(bars["symbol"] != holed) | (bars["session"] != VANISHED)])
    place.extend(LAST)
    replayed(place.root, FIRST, LAST)
    ledger = replay_ledger(place.root)
    rows = place.workspace.feature_log.read()
    later = rows[(rows["symbol"] == holed) & (rows["session"] > VANISHED)]
    assert len(later) == 9
    assert later.isna().any(axis=1).all()
    for table in ("predictions", "targets"):
        told = ledger.frame(table, "weekly", "champion")
        days = told.loc[told["symbol"] == holed, "session"]
        assert (days <= VANISHED).any()
        rated = told[(told["symbol"] == holed) & (told["session"] > VANISHED)]
        if table == "predictions":
            assert rated.empty
        else:
            # Earlier sessions' sleeves hold it until they have run off.
            assert rated["weight"].iloc[-1] == 0.0
    last = ledger.frame("positions", "weekly", "champion")
    assert not ((last["symbol"] == holed) & (last["session"] == LAST)).any()


def test_a_universe_that_shrank_keeps_what_there_is(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    gates = {"gates": {"market": {"max_symbol_lag_sessions": 63}}}
    portfolio = {"min_rated_share": 1.0}
    set_params(place.root, {**gates, "strategies": {"weekly": {"portfolio": portfolio}}})
    bars = place.bars()
    gone = sorted(bars["symbol"].unique())[2]
    place.say(bars[(bars["symbol"] != gone) | (bars["session"] <= VANISHED)])
    place.extend(LAST)
    replayed(place.root, FIRST, LAST)
    for stored in replay_ledger(place.root).events("session"):
        body = stored.event.body
        if body["strategy"] == "weekly" and body["session"] > VANISHED:
            shrank = (
                "the universe shrank: 7 symbols are rated, 8 were; at least 100% of them are needed"
            )
            assert shrank in body["reasons"]
    targets = replay_ledger(place.root).frame("targets", "weekly", "champion")
    assert str(targets["session"].max().date()) == VANISHED


def test_a_policy_on_other_data_is_refused(fresh):
    params = read_params(fresh.root)
    params["market_data"]["decision_delay_minutes"] = 30
    other = fresh.root / "other.yaml"
    other.write_text(yaml.safe_dump(params), "utf-8")
    with pytest.raises(ConfigError, match=r"other.yaml: market_data differs .* on the same data"):
        replay(fresh.workspace, date(2022, 12, 6), date(2022, 12, 28), [other])
    assert not (fresh.root / ".shadowbook" / "replays").exists()


def test_a_span_beyond_what_is_logged_is_said_in_one_sentence(fresh):
    workspace = Workspace.open(fresh.root)
    newest = workspace.feature_log.last_session().astype(date)
    assert span_of(workspace, None, None, 3)[1] == newest
    first = span_of(workspace, None, None, 100_000)[0]
    assert span_of(workspace, None, first, 5) == (first, first)
    with pytest.raises(StaleDataError, match=f"features reach to {newest}, not to 2030-01-02"):
        span_of(workspace, None, date(2030, 1, 2), 3)
    with pytest.raises(StaleDataError, match="no features of 1950-01-03 or before are logged"):
        span_of(workspace, None, date(1950, 1, 3), 3)


def test_a_replay_that_begins_too_early_to_train_says_to_begin_later(fresh):
    set_params(fresh.root, {"replay": {"models": "retrain"}})
    first = span_of(Workspace.open(fresh.root), None, None, 100_000)[0]
    with pytest.raises(InsufficientDataError, match="begin the replay later"):
        replayed(fresh.root, first.isoformat(), first.isoformat())
