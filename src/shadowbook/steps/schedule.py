"""What a scheduled run is about, whether its data is there, and whether it was done before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from shadowbook.core.bitemporal import instant
from shadowbook.core.schedules import SchedulePolicy
from shadowbook.errors import ConfigError, DataError, StaleDataError
from shadowbook.steps.known import VERDICT
from shadowbook.steps.moment import resolve_as_of
from shadowbook.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

AROUND = timedelta(days=20)
"""No exchange rests this long."""

RECENT = 63
"""Sessions whose usual number of symbols the awaited one is compared with; the gate's own."""


@dataclass(frozen=True)
class Due:
    """A session to work on.

    Attributes
    ----------
    session : the trading day.
    as_of : its decision, the run's moment whatever time the run really starts.
    waits : whether its data may still be to come; history is all there.
    """

    session: date
    as_of: datetime
    waits: bool


@dataclass(frozen=True)
class NotDue:
    """Why there is nothing to do, in one sentence."""

    reason: str


@dataclass(frozen=True)
class Arrival:
    """How much of a session the source holds.

    Attributes
    ----------
    symbols, needed, usual : symbols with a bar of the session that is known at its decision, how
        many are needed, and how many the sessions before it had.
    late : symbols whose bar of the session became known after the decision only.
    trouble : why the source could not be read; empty where it could.
    """

    symbols: int
    needed: int
    usual: int
    late: int = 0
    trouble: str = ""

    @property
    def complete(self) -> bool:
        """True when the gate would let the session in by its number of symbols."""
        return not self.trouble and self.symbols >= self.needed


def policy_of(workspace: Workspace, flow: str) -> SchedulePolicy | NotDue:
    """Return a flow's schedule as params.yaml has it now."""
    policy = workspace.settings.schedules.get(flow)
    if policy is None or not policy.active:
        said = "has no schedule" if policy is None else "has switched off the schedule"
        return NotDue(f"params.yaml {said} {flow}: serve again to take it off the server")
    return policy


def due(workspace: Workspace, at: datetime, later: Sequence[datetime] = ()) -> Due | NotDue:
    """Say which session a run scheduled for ``at`` is about, if any.

    It is the session of the day that ``at`` falls on in the exchange's time zone. Where
    ``market_data.as_of`` is not ``now`` the moment is the one it names, such as that of the newest
    session that the source holds.

    Parameters
    ----------
    later : when later runs of the same schedule that are over-due as well were to start. The
        newest that is about a session does the work of those before it.

    Raises
    ------
    ConfigError, InsufficientDataError
        See ``resolve_as_of``.
    """
    calendar = workspace.market.calendar
    day = _day(workspace, at)
    held = calendar.schedule(day, day)
    if not len(held.sessions):
        return NotDue(f"{day} is no session of {calendar.name}")
    for other in later:
        on = _day(workspace, other)
        if len(calendar.schedule(on, on).sessions):
            return NotDue(f"the run scheduled for {other:%Y-%m-%d %H:%M} UTC does its work")
    if workspace.settings.market_data.as_of == "now":
        decided: datetime = held.decided_at[0].astype("datetime64[us]").astype(datetime)
        return Due(day, decided.replace(tzinfo=UTC), True)
    as_of = resolve_as_of(workspace, None)
    return Due(_decided_at(workspace, as_of), as_of, False)


def untrained(workspace: Workspace, found: Due, strategies: Sequence[str]) -> tuple[str, ...]:
    """Return the strategies without a finished training as of the session or a later moment.

    Changed code or settings do not count: a schedule trains once a session.
    """
    return tuple(
        name
        for name in strategies
        if not any(run.as_of >= found.as_of for run in workspace.models.runs(name))
    )


def prepared(workspace: Workspace, found: Due) -> bool:
    """Say whether the session's prices were accepted and its features are logged."""
    note = workspace.market.accepted.read_note(VERDICT)
    logged = workspace.feature_log.last_session()
    return (
        note is not None
        and datetime.fromisoformat(note["as_of"]) >= found.as_of
        and logged is not None
        and logged.astype(date) >= found.session
    )


def await_session(workspace: Workspace, found: Due, flow: str, policy: SchedulePolicy) -> None:
    """Wait until the session is decided and the source holds enough of it.

    Raises
    ------
    StaleDataError
        When the source does not hold it in time.
    """
    if not found.waits:
        return
    clock = workspace.clock
    began = max(clock.now(), found.as_of)
    until = began + timedelta(minutes=policy.patience_minutes)
    while (now := clock.now()) < found.as_of:
        clock.sleep(min(policy.poll_seconds, (found.as_of - now).total_seconds()))
    while not (arrival := arrived(workspace, found)).complete:
        left = (until - clock.now()).total_seconds()
        if left <= 0:
            raise StaleDataError(_did_not_come(workspace, found, arrival, flow, policy))
        clock.sleep(min(policy.poll_seconds, left))


def arrived(workspace: Workspace, found: Due) -> Arrival:
    """Look how many symbols of the session the source holds.

    A source that cannot be read just now may be under way: that is trouble, not the end.
    """
    market, gates = workspace.market, workspace.settings.gates.market
    try:
        told = market.source.read(market.calendar.schedule).bars
    except (DataError, ConfigError) as error:
        return Arrival(0, gates.min_symbols, 0, trouble=str(error))
    reference = market.accepted.read().bars if market.accepted.exists() else told
    usual = _usual(reference, found)
    of_session = told[told["session"] == _label(found)]
    known = of_session["available_at"] <= found.as_of
    symbols = int(of_session.loc[known, "symbol"].nunique())
    return Arrival(
        symbols=symbols,
        needed=max(gates.min_symbols, ceil(usual * gates.min_universe_share)),
        usual=usual,
        late=int(of_session["symbol"].nunique()) - symbols,
    )


def _usual(bars: pd.DataFrame, found: Due) -> int:
    """Median number of symbols of the sessions before, as known at the decision."""
    before = bars[(bars["session"] < _label(found)) & (bars["available_at"] <= found.as_of)]
    counts = before.groupby("session")["symbol"].nunique().tail(RECENT)
    return int(counts.median()) if len(counts) else 0


def _label(found: Due) -> str:
    return found.session.isoformat()


def _decided_at(workspace: Workspace, as_of: datetime) -> date:
    """Newest session that was decided at a moment."""
    near = workspace.market.calendar.schedule(as_of.date() - AROUND, as_of.date())
    session: date = near.sessions[near.decided_at <= instant(as_of)][-1].astype(date)
    return session


def _day(workspace: Workspace, at: datetime) -> date:
    return at.astimezone(workspace.market.calendar.zone()).date()


def _did_not_come(
    workspace: Workspace, found: Due, arrival: Arrival, flow: str, policy: SchedulePolicy
) -> str:
    source = workspace.settings.market_data.source
    waited = f"session {found.session} did not come within {policy.patience_minutes:g} minutes"
    remedy = (
        f"bring the data and run `shadowbook run --as-of {found.session}`, or raise "
        f"schedules.{flow}.patience_minutes"
    )
    if arrival.trouble:
        return f"{waited}, the source {source} cannot be read ({arrival.trouble}): {remedy}"
    holds = (
        f"{waited}: the source {source} holds {arrival.symbols} of its usual {arrival.usual} "
        f"symbols, {arrival.needed} are needed"
    )
    if arrival.symbols + arrival.late >= arrival.needed:
        return (
            f"{holds}, and {arrival.late} more became known only after the decision at "
            f"{found.as_of:%H:%M} UTC: raise market_data.decision_delay_minutes"
        )
    return f"{holds}: {remedy}"
