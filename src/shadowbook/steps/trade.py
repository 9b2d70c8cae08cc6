"""One trading day: settle what was ordered, mark the books, score, decide, send orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from shadowbook.adapters.host import sha256_file
from shadowbook.adapters.models.records import MANIFEST
from shadowbook.core.books.day import BookDay
from shadowbook.core.events import Event
from shadowbook.steps.desk import Desk, Lineup, Ratings, Restraint, refused
from shadowbook.steps.history import Moment, aware, moments_between
from shadowbook.steps.known import apply_services
from shadowbook.steps.manifest import Kept, StepManifest
from shadowbook.steps.rating import lineup_of, scorer_of, served
from shadowbook.steps.replay import lookback
from shadowbook.steps.watching import Watching
from shadowbook.workspace import Workspace


class TradeOutcome(StrEnum):
    """What came of a call to trade."""

    TRADED = "TRADED"
    """The session was recorded; what each book did stands in its day."""
    ALREADY_TRADED = "ALREADY_TRADED"
    """It had been recorded before; open orders were sent again, which doubles none."""
    GATE_SAID_NO = "GATE_SAID_NO"
    NO_SESSION = "NO_SESSION"
    NOT_CLOSED = "NOT_CLOSED"
    NO_CHAMPION = "NO_CHAMPION"
    HALTED = "HALTED"


@dataclass(frozen=True, eq=False)
class TradeReport:
    """What a trading day came to.

    Attributes
    ----------
    session, as_of : the trading day and its decision moment; None where it is no session.
    days : what each book did, missed sessions before it included.
    orders : how many the champions have open for the next session.
    reasons : one sentence each.
    kept : its manifest; None where nothing was recorded.
    """

    session: date
    as_of: datetime | None
    outcome: TradeOutcome
    days: tuple[BookDay, ...] = ()
    orders: int = 0
    reasons: tuple[str, ...] = ()
    kept: Kept | None = None

    @property
    def halts(self) -> bool:
        """True when the session could not be recorded."""
        return self.outcome not in (TradeOutcome.TRADED, TradeOutcome.ALREADY_TRADED)


def trade(workspace: Workspace, session: date) -> TradeReport:
    """Take every strategy's books through a session.

    Sessions left out before it are gone through first without deciding anything: their decisions
    would have had to be taken then.

    Raises
    ------
    StaleDataError
        When the gate has not judged the session's prices.
    IntegrityError
        When a model's file is not the registered one, or the ledger holds other content.
    TransientError
        When the broker cannot be reached, or still works on an order.
    """
    now, as_of = workspace.clock.now(), decided_at(workspace, session)
    if as_of is None:
        why = f"{session} is no session of {workspace.market.calendar.name}: nothing is traded"
        return TradeReport(session, None, TradeOutcome.NO_SESSION, reasons=(why,))
    if now < as_of:
        why = f"session {session} is decided at {as_of:%Y-%m-%d %H:%M} UTC: trade it after that"
        return TradeReport(session, as_of, TradeOutcome.NOT_CLOSED, reasons=(why,))
    lineups: dict[str, Lineup] = {}
    missing = []
    for name in workspace.settings.strategies:
        lineup = lineup_of(workspace, name, as_of)
        if lineup is None:
            missing.append(
                f"{name} has no champion trained as of {session} or before: run `shadowbook run "
                f"--as-of {session}` first"
            )
        else:
            lineups[name] = lineup
    if not lineups:
        return TradeReport(session, as_of, TradeOutcome.NO_CHAMPION, reasons=tuple(missing))
    # History is traded as of its own moments, live data as of the real one.
    live = workspace.settings.market_data.as_of == "now"
    with workspace.trading():
        return _traded(workspace, session, lineups, now if live else as_of, tuple(missing))


def decided_at(workspace: Workspace, session: date) -> datetime | None:
    """Return a session's decision moment; None for a day without one."""
    held = workspace.market.calendar.schedule(session, session)
    return aware(held.decided_at[0]) if len(held.sessions) else None


def _traded(
    workspace: Workspace,
    session: date,
    lineups: Mapping[str, Lineup],
    now: datetime,
    reasons: tuple[str, ...],
) -> TradeReport:
    desk = Desk(workspace.ledger, workspace.broker, workspace.settings, keeps_acceptance=True)
    for strategy, lineup in lineups.items():
        desk.line_up(strategy, lineup)
    last = workspace.ledger.last_as_of()
    first = session if last is None else min(last.date() + timedelta(days=1), session)
    known, moments = moments_between(workspace, first, session)
    due = [moment for moment in moments if last is None or moment.as_of > last]
    as_of = moments[-1].as_of
    views = [moment.view(desk.held(), lookback(workspace)) for moment in due]
    differences = desk.differences(views)
    if differences:
        why = "ledger and broker hold different positions, so nothing is traded: find out which is "
        differing = [
            f"{d.symbol}: {d.ledger:,} shares in the ledger, {d.broker:,} at the broker"
            for d in differences
        ]
        halted = (*reasons, why + "wrong and correct it", *differing)
        return TradeReport(session, as_of, TradeOutcome.HALTED, reasons=halted)
    if last is not None:
        desk.send_again(last if now >= last else now)
    watching = Watching(workspace, lineups, known.panel(as_of))
    if not due:
        why = f"the books have gone through {session} before; nothing is done twice"
        told = (*reasons, why)
        # An attempt that was killed may have recorded the session and not its manifest.
        told_of = {stored.event.at for stored in workspace.ledger.events("manifest")}
        lacks = as_of == last and as_of not in told_of
        kept = _kept(workspace, as_of) if lacks else None
        return TradeReport(session, as_of, TradeOutcome.ALREADY_TRADED, (), desk.n_open, told, kept)
    apply_services(workspace)
    days: list[BookDay] = []
    for moment in due:
        ratings = {
            name: _rated(workspace, name, lineups[name], moment, watching.restraint(name))
            for name in lineups
        }
        if moment is not due[-1]:
            why = f"session {moment.session} was not traded in time, so nothing was decided"
            ratings = {name: refused(one, why) for name, one in ratings.items()}
        days += _gone_through(workspace, desk, watching, moment, ratings, now)
    return TradeReport(
        session=session,
        as_of=as_of,
        outcome=TradeOutcome.TRADED,
        days=tuple(days),
        orders=desk.n_open,
        reasons=reasons,
        kept=_kept(workspace, as_of),
    )


def _gone_through(
    workspace: Workspace,
    desk: Desk,
    watching: Watching,
    moment: Moment,
    ratings: Mapping[str, Ratings],
    now: datetime,
) -> list[BookDay]:
    names = desk.names().union(*(one.given.symbols for one in ratings.values()))
    view = moment.view(names, lookback(workspace))
    days = desk.session(view, ratings, moment.following, now)
    watching.carry_on(days)
    return days


def _kept(workspace: Workspace, as_of: datetime) -> Kept:
    """Keep the manifest: the data that was read, what the books did, where the ledger stands."""
    reads = {
        "market": workspace.market.accepted.folder,
        "feature_log": workspace.feature_folder,
    }
    ledger = workspace.ledger
    runs = {(run.strategy, run.model_version): run.run_id for run in workspace.models.runs()}
    rows = ledger.frame("book_returns", since=as_of, until=as_of + timedelta(microseconds=1))
    names = ["strategy", "book", "outcome", "model_version"]
    books = [
        {**row, "model_run": runs.get((row["strategy"], row["model_version"]))}
        for row in rows[names].astype({"model_version": int}).astype(object).to_dict("records")
    ]
    seq, head = ledger.head()
    content = {"books": books, "ledger": {"events": seq, "head": head}}
    kept = StepManifest(workspace, "trade", as_of, reads).keep(
        TradeOutcome.TRADED.value, {}, content
    )
    if kept.run_id is not None:
        sha256 = sha256_file(workspace.models.artifact(kept.run_id, MANIFEST))
        body = {"kind": "trade", "run_id": kept.run_id, "manifest_sha256": sha256}
        ledger.record([Event("manifest", f"manifest/{kept.run_id}", as_of, body)])
    return kept


def _rated(
    workspace: Workspace, strategy: str, lineup: Lineup, moment: Moment, restraint: Restraint
) -> Ratings:
    given = served(workspace, strategy, moment)
    scores = {}
    for version in (lineup.champion, *lineup.shadows):
        scorer = scorer_of(workspace, strategy, version)
        scores[version] = scorer.scores(given.features, given.names)
    return Ratings(lineup, given, scores, restraint)
