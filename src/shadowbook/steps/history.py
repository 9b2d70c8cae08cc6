"""A span of sessions as each was known at its decision, for a replay."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from shadowbook.core.bitemporal import mask, vintages
from shadowbook.core.books.view import REACH, View, view_of
from shadowbook.core.values import Floats, Panel
from shadowbook.errors import ConfigError, StaleDataError
from shadowbook.steps.given import Given
from shadowbook.steps.known import Accepted, accepted
from shadowbook.steps.past import Past, logged_of
from shadowbook.workspace import Workspace

AHEAD = timedelta(days=20)
"""No exchange rests this long, so the session after the last one is known."""


@dataclass(frozen=True, eq=False)
class Moment:
    """One session of a span.

    Attributes
    ----------
    session, as_of : the trading day, and its decision moment (aware UTC).
    following : the session after it.
    hours : when it opened and closed, aware UTC.
    panel, row : prices as known at the decision, and the session's row among them.
    """

    session: date
    as_of: datetime
    following: date
    hours: tuple[datetime, datetime]
    panel: Panel
    row: int

    def view(self, names: Collection[str], sessions_back: int) -> View:
        """Look at the session through the names that are rated, held or wanted."""
        return view_of(self.panel, self.row, names, sessions_back, self.hours)


@dataclass(frozen=True, eq=False)
class History:
    """The sessions of a span, with prices and features.

    Attributes
    ----------
    known : everything that was accepted; a retraining takes its own moment of it.
    moments : the sessions, in order.
    features : their rows of the feature log.
    past : features and prices, those before the span included.
    """

    known: Accepted
    moments: Sequence[Moment]
    features: LoggedFeatures
    past: Past


def history_of(workspace: Workspace, first: date, last: date) -> History:
    """Read a span of sessions, both days included.

    Raises
    ------
    ConfigError
        When the span holds no session, or ends before it begins.
    StaleDataError
        When prices or features do not reach over the span.
    """
    known, moments = moments_between(workspace, first, last)
    names = workspace.feature_log.columns()
    logged = workspace.feature_log.read(moments[-1].as_of)
    rows = rows_of(logged, moments)
    whole, start = (known.panel(moments[at].as_of) for at in (-1, 0))
    past = Past(whole, start, logged_of(logged, names, whole))
    return History(known, moments, LoggedFeatures(names, rows, moments), past)


def moments_between(workspace: Workspace, first: date, last: date) -> tuple[Accepted, list[Moment]]:
    """Return the accepted prices, and each session of a span as known at its decision.

    Raises
    ------
    ConfigError, StaleDataError
        See ``history_of``.
    """
    if last < first:
        raise ConfigError(f"the span ends on {last}, before it begins on {first}")
    calendar = workspace.market.calendar
    schedule = calendar.schedule(first, last + AHEAD)
    n_sessions = int((schedule.sessions <= np.datetime64(last, "D")).sum())
    if not n_sessions:
        raise ConfigError(f"there is no session of {calendar.name} from {first} to {last}")
    as_of = aware(schedule.decided_at[n_sessions - 1])
    known = accepted(workspace.market, as_of)
    found = _panels(known, as_of, schedule.sessions[0] - np.timedelta64(1, "D"))
    opens = calendar.opens(schedule)
    moments = []
    for i, session in enumerate(schedule.sessions[:n_sessions]):
        if session not in found:
            raise StaleDataError(
                f"the accepted prices hold nothing of session {session}: run `shadowbook run "
                f"--as-of {last}` first, or choose another span"
            )
        panel, row = found[session]
        moments.append(
            Moment(
                session=session.astype(date),
                as_of=aware(schedule.decided_at[i]),
                following=schedule.sessions[i + 1].astype(date),
                hours=(aware(opens[i]), aware(schedule.closes[i])),
                panel=panel,
                row=row,
            )
        )
    return known, moments


def _panels(
    known: Accepted, as_of: datetime, after: np.datetime64
) -> dict[np.datetime64, tuple[Panel, int]]:
    """Session -> the panel that was known at its decision, and its row there."""
    bars, series = known.delivery.bars, known.delivery.references
    found = {}
    for vintage in vintages(bars, series, known.schedule, as_of, REACH, after=after):
        panel = mask(vintage.panel, known.quarantined)
        for row in range(vintage.start, len(panel.sessions)):
            found[panel.sessions[row]] = (panel, row)
    return found


def given_of(
    moment: Moment, symbols: tuple[str, ...], names: Sequence[str], features: Floats
) -> Given:
    """Put a session's inputs together; without any row there is nothing to decide on."""
    known = {symbol: i for i, symbol in enumerate(moment.panel.symbols)}
    columns = [known[symbol] for symbol in symbols]
    fields = tuple(sorted(moment.panel.fields))
    bars = np.array([moment.panel.fields[name][moment.row, columns] for name in fields]).T
    why = "" if symbols else f"there are no features of session {moment.session}"
    return Given(symbols, tuple(names), features, fields, np.ascontiguousarray(bars), why)


class LoggedFeatures:
    """Rows of the feature log by session, as flat arrays.

    Parameters
    ----------
    rows : of the sessions of ``moments``, by session and symbol.

    Attributes
    ----------
    names : K features of the log.
    values : (R, K) of all rows of the span, by session and symbol.
    """

    def __init__(
        self, names: tuple[str, ...], rows: pd.DataFrame, moments: Sequence[Moment]
    ) -> None:
        self.names = names
        days = rows["session"].to_numpy("datetime64[D]")
        sessions = np.array([moment.session for moment in moments], dtype="datetime64[D]")
        self._starts = np.searchsorted(days, sessions, side="left")
        self._stops = np.searchsorted(days, sessions, side="right")
        self._symbols = rows["symbol"].to_numpy(dtype=object)
        self.values: Floats = rows[list(self.names)].to_numpy("float64")

    def rows(self, at: int) -> slice:
        """Rows of a session, by its number in the span."""
        return slice(int(self._starts[at]), int(self._stops[at]))

    def columns(self, names: Sequence[str]) -> list[int]:
        """Columns of some features."""
        return [self.names.index(name) for name in names]

    def given(self, at: int, moment: Moment, names: Sequence[str]) -> Given:
        """Return what a strategy with these features is given in a session."""
        rows = self.rows(at)
        symbols = tuple(self._symbols[rows].tolist())
        values = np.ascontiguousarray(self.values[rows][:, self.columns(names)])
        return given_of(moment, symbols, names, values)


def rows_of(rows: pd.DataFrame, moments: Sequence[Moment]) -> pd.DataFrame:
    """Cut the rows of some sessions out of those of the feature log.

    Raises
    ------
    StaleDataError
        When the log does not reach that far.
    """
    first, last = (pd.Timestamp(moment.session) for moment in (moments[0], moments[-1]))
    logged = rows["session"].max() if len(rows) else None
    if logged is None or logged < last:
        reaches = logged.date() if logged is not None else "nothing"
        raise StaleDataError(
            f"the feature log reaches to {reaches}, not to {last.date()}: run `shadowbook features "
            f"--as-of {last.date()}` first"
        )
    return rows[(rows["session"] >= first) & (rows["session"] <= last)]


def aware(moment: np.datetime64) -> datetime:
    """Turn a UTC ``datetime64`` into an aware datetime."""
    naive: datetime = moment.astype("datetime64[us]").astype(datetime)
    return naive.replace(tzinfo=UTC)
