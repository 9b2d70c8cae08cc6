"""What a scheduled run is about, and how it waits: a real workspace, a clock that jumps."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from shadowbook.errors import StaleDataError
from shadowbook.steps.schedule import (
    Due,
    NotDue,
    await_session,
    due,
    policy_of,
    prepared,
)
from shadowbook.workspace import Workspace

DAYS = ["2022-11-21", "2022-11-22", "2022-11-23", "2022-11-25"]
SYMBOLS = "ABCDEFGHIJ"
CRON = {"cron": "30 16 * * 1-5"}


class Clock:
    """Jumps when it is slept on; something may happen at a time."""

    def __init__(self, now: datetime) -> None:
        self.time, self.slept, self.plans = now, [], []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        for at, action in [plan for plan in self.plans if plan[0] <= self.time]:
            self.plans.remove((at, action))
            action()


def rows(days, symbols=SYMBOLS, **columns) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"symbol": symbol, "session": day, "close": 10.0, **columns}
            for day in days
            for symbol in symbols
        ]
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(make_workspace):
    return make_workspace(
        {
            "market_data": {"source": "files", "as_of": "now", "files": {"path": "prices.csv"}},
            "schedules": {
                "retrain": {**CRON, "patience_minutes": 60, "poll_seconds": 60},
                "prepare": {**CRON, "active": False},
            },
        }
    )


@pytest.fixture
def place(folder):
    """Open the workspace at a time, its source holding these rows."""

    def at(now: str, told: pd.DataFrame | None = None, as_of: str = "now") -> Workspace:
        (folder / "prices.csv").unlink(missing_ok=True)
        if told is not None:
            told.to_csv(folder / "prices.csv", index=False)
        opened = Workspace.open(folder)
        market = opened.settings.market_data.model_copy(update={"as_of": as_of})
        opened.settings = opened.settings.model_copy(update={"market_data": market})
        opened.clock = Clock(moment(now))
        return opened

    return at


@pytest.mark.parametrize(
    ("at", "session", "decided"),
    [
        ("2022-11-23T21:30", "2022-11-23", "2022-11-23T21:15"),
        ("2022-11-25T21:30", "2022-11-25", "2022-11-25T18:15"),  # closes at 13:00
        ("2022-11-25T14:00", "2022-11-25", "2022-11-25T18:15"),  # not yet decided
        ("2022-11-24T02:00", "2022-11-23", "2022-11-23T21:15"),  # still the day before there
        ("2022-07-01T20:30", "2022-07-01", "2022-07-01T20:15"),  # summer
    ],
)
def test_it_is_about_the_session_of_its_day_at_the_exchange(place, at, session, decided):
    found = due(place("2022-11-28T15:00"), moment(at))
    assert found == Due(date.fromisoformat(session), moment(decided), waits=True)


@pytest.mark.parametrize("day", ["2022-11-24", "2022-11-26", "2022-11-27"])
def test_a_day_without_a_session_is_skipped(place, day):
    found = due(place("2022-11-28T15:00"), moment(f"{day}T21:30"))
    assert found == NotDue(f"{day} is no session of XNYS")


def test_of_runs_that_are_over_due_the_newest_about_a_session_does_the_work(place):
    opened, monday = place("2022-11-28T15:00"), moment("2022-11-21T21:30")
    holiday, tuesday = moment("2022-11-24T21:30"), moment("2022-11-22T21:30")
    assert due(opened, monday, [holiday, tuesday]) == NotDue(
        "the run scheduled for 2022-11-22 21:30 UTC does its work"
    )
    assert isinstance(due(opened, monday, [holiday]), Due)
    assert due(opened, holiday, [tuesday]) == NotDue("2022-11-24 is no session of XNYS")


def test_history_takes_the_newest_session_there_is_and_waits_for_nothing(place):
    opened = place("2026-11-23T22:00", rows(DAYS), as_of="newest_session")
    found = due(opened, moment("2026-11-23T21:30"))
    assert found == Due(date(2022, 11, 25), moment("2022-11-25T18:15"), waits=False)
    await_session(opened, found, "retrain", opened.settings.schedules["retrain"])
    assert opened.clock.slept == []


def wait(opened: Workspace, at: str) -> Clock:
    found = due(opened, moment(at))
    await_session(opened, found, "retrain", opened.settings.schedules["retrain"])
    return opened.clock


def test_data_that_is_there_is_not_waited_for(place):
    opened = place("2022-11-25T21:31", rows(DAYS))
    assert wait(opened, "2022-11-25T21:30").slept == []


def test_a_run_before_the_decision_waits_until_it(place):
    opened = place("2022-11-25T18:00:30", rows(DAYS))
    clock = wait(opened, "2022-11-25T18:00")
    assert clock.time == moment("2022-11-25T18:15")
    assert clock.slept == [60.0] * 14 + [30.0]


def test_it_goes_on_as_soon_as_enough_symbols_are_there(place, folder):
    opened = place("2022-11-25T21:30", rows(DAYS[:3]))
    some = pd.concat([rows(DAYS[:3]), rows(DAYS[3:], SYMBOLS[:7])])
    more = pd.concat([rows(DAYS[:3]), rows(DAYS[3:], SYMBOLS[:8])])
    opened.clock.plans = [
        (moment("2022-11-25T21:35"), lambda: some.to_csv(folder / "prices.csv", index=False)),
        (moment("2022-11-25T21:38:30"), lambda: more.to_csv(folder / "prices.csv", index=False)),
    ]
    assert wait(opened, "2022-11-25T21:30").time == moment("2022-11-25T21:39")


def test_a_file_that_is_being_replaced_is_waited_for(place, folder):
    opened = place("2022-11-25T21:30")
    path = folder / "prices.csv"
    opened.clock.plans = [
        (moment("2022-11-25T21:32"), lambda: path.write_text("symbol,session,close\n")),
        (moment("2022-11-25T21:34"), lambda: rows(DAYS).to_csv(path, index=False)),
    ]
    assert wait(opened, "2022-11-25T21:30").time == moment("2022-11-25T21:34")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            rows(DAYS[:3]),
            "session 2022-11-25 did not come within 60 minutes: the source files holds 0 of its "
            "usual 10 symbols, 8 are needed: bring the data and run `shadowbook run --as-of "
            "2022-11-25`, or raise schedules.retrain.patience_minutes",
        ),
        (None, "session 2022-11-25 did not come within 60 minutes, the source files cannot be "),
    ],
)
def test_patience_has_an_end(place, told, said):
    opened = place("2022-11-25T21:30", told)
    with pytest.raises(StaleDataError) as caught:
        wait(opened, "2022-11-25T21:30")
    assert str(caught.value).startswith(said)
    assert opened.clock.time == moment("2022-11-25T22:30")


def test_patience_begins_with_the_decision(place):
    opened = place("2022-11-25T15:00", rows(DAYS[:3]))
    with pytest.raises(StaleDataError):
        wait(opened, "2022-11-25T15:00")
    assert opened.clock.time == moment("2022-11-25T19:15")


def test_data_known_only_after_the_decision_is_named(place, folder):
    early = rows(DAYS[:3], available_at="2022-11-23T21:00:00+00:00")
    late = rows(DAYS[3:], available_at="2022-11-25T18:40:00+00:00")
    opened = place("2022-11-25T21:30", pd.concat([early, late]))
    files = opened.settings.market_data.files
    columns = files.columns.model_copy(update={"available_at": "available_at"})
    files = files.model_copy(update={"columns": columns})
    market = opened.settings.market_data.model_copy(update={"files": files})
    opened.settings = opened.settings.model_copy(update={"market_data": market})
    with pytest.raises(StaleDataError) as caught:
        wait(opened, "2022-11-25T21:30")
    assert str(caught.value).endswith(
        "holds 0 of its usual 10 symbols, 8 are needed, and 10 more became known only after the "
        "decision at 18:15 UTC: raise market_data.decision_delay_minutes"
    )


def test_a_schedule_that_was_taken_out_or_switched_off_does_nothing(place):
    opened = place("2022-11-25T21:30")
    assert policy_of(opened, "retrain") == opened.settings.schedules["retrain"]
    off = policy_of(opened, "prepare")
    assert isinstance(off, NotDue)
    assert off.reason.startswith("params.yaml has switched off the schedule prepare: ")
    opened.settings = opened.settings.model_copy(update={"schedules": {}})
    gone = policy_of(opened, "retrain")
    assert isinstance(gone, NotDue)
    assert gone.reason.startswith("params.yaml has no schedule retrain: ")


def test_nothing_is_prepared_in_a_new_workspace(place):
    found = Due(date(2022, 11, 25), moment("2022-11-25T18:15"), waits=True)
    assert not prepared(place("2022-11-25T21:30", rows(DAYS)), found)
