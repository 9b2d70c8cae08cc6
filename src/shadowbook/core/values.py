"""Frozen records that the rooms of the core share.

Arrays are time first: (T,) or (T, N), float64, NaN = missing. Sessions are calendar dates
(``datetime64[D]``, the exchange's trading day); every instant is aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Sessions = NDArray[np.datetime64]

BAR_FIELDS: tuple[str, ...] = ("open", "high", "low", "close", "adjusted_close", "volume")
"""The price and volume columns a bar may have; ``close`` is the only one a source must give."""

BAR_KEYS: tuple[str, ...] = ("symbol", "session", "available_at")
"""What makes a bar unique: the same session may be told again later (a restatement)."""


@dataclass(frozen=True)
class Schedule:
    """The exchange's sessions over a span, and when a decision about each is taken.

    Attributes
    ----------
    sessions : (S,) datetime64[D], ascending.
    closes : (S,) datetime64[us], UTC, the session's close.
    decided_at : (S,) datetime64[us], UTC, when a run for that session reads its data.
    """

    sessions: Sessions
    closes: NDArray[np.datetime64]
    decided_at: NDArray[np.datetime64]


@dataclass(frozen=True)
class Panel:
    """Prices as they were known at one moment.

    Attributes
    ----------
    sessions : (T,) datetime64[D], ascending, without gaps against the calendar.
    symbols : N names, sorted.
    fields : name -> (T, N) float64 for each of ``BAR_FIELDS`` that the source has.
    references : name -> (T,) float64, market series beside the symbols (``index``, ``vix``).
    decided_at : (T,) datetime64[us], UTC, the decision moment of each session.
    """

    sessions: Sessions
    symbols: tuple[str, ...]
    fields: Mapping[str, Floats]
    references: Mapping[str, Floats]
    decided_at: NDArray[np.datetime64]

    @property
    def prices(self) -> Floats:
        """(T, N) prices that returns are taken from: adjusted closes where there are any."""
        return self.fields.get("adjusted_close", self.fields["close"])

    @property
    def market_returns(self) -> Floats:
        """(T,) simple returns of the index, or of the equal-weighted universe without one.

        NaN on the first row and wherever the index, or every symbol, lacks a price.
        """
        index = self.references.get("index")
        returns = np.full(len(self.sessions), np.nan)
        if index is not None:
            returns[1:] = index[1:] / index[:-1] - 1.0
            return returns
        moves = self.prices[1:] / self.prices[:-1] - 1.0
        counts = np.isfinite(moves).sum(axis=1)
        sums = np.where(np.isfinite(moves), moves, 0.0).sum(axis=1)
        np.divide(sums, counts, out=returns[1:], where=counts > 0)
        return returns


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "PASSED"
    WARNED = "WARNED"
    FAILED = "FAILED"
    NOT_COMPUTABLE = "NOT_COMPUTABLE"


Severity = Literal["critical", "warning"]
Action = Literal["halt", "quarantine", "note"]
FailMode = Literal["closed", "open"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : the check's name, unique in its suite.
    outcome : PASSED, FAILED, or NOT_COMPUTABLE when the check itself broke.
    severity, action : as bound to the check in the suite.
    observed : how many rows or what value broke it, as text.
    limit : what was allowed, as text.
    where : the first offending keys, e.g. ``("RRC 1990-03-07",)``.
    reason : one sentence for a person: what is wrong, where, what to do; empty when passed.
    """

    check: str
    outcome: Outcome
    severity: Severity
    action: Action
    observed: str = ""
    limit: str = ""
    where: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Quarantine:
    """A symbol whose facts are not used over a closed span of sessions.

    Every feature and label whose window touches the span is left out; ``last`` None means that
    the span runs on until a restatement mends the data.
    """

    symbol: str
    first: date
    last: date | None
    reason: str

    def plain(self) -> dict[str, str | None]:
        """Return what JSON has words for."""
        return {
            "symbol": self.symbol,
            "first": self.first.isoformat(),
            "last": self.last.isoformat() if self.last else None,
            "reason": self.reason,
        }

    @classmethod
    def of_plain(cls, item: Mapping[str, str]) -> Quarantine:
        """Read ``plain`` back."""
        return cls(
            symbol=item["symbol"],
            first=date.fromisoformat(item["first"]),
            last=date.fromisoformat(item["last"]) if item["last"] else None,
            reason=item["reason"],
        )


@dataclass(frozen=True)
class Verdict:
    """What a gate decided about one feed.

    ``halts`` is the only thing a flow asks: a feed that fails closed stops it on FAILED and on
    NOT_COMPUTABLE; a feed that fails open is dropped (its values count as missing) and the flow
    goes on.
    """

    feed: str
    outcome: Outcome
    fail_mode: FailMode
    findings: tuple[Finding, ...]
    quarantined: tuple[Quarantine, ...] = ()

    @property
    def passed(self) -> bool:
        """True when nothing critical was found and every check ran."""
        return self.outcome in (Outcome.PASSED, Outcome.WARNED)

    @property
    def halts(self) -> bool:
        """True when the flow must stop here."""
        return self.fail_mode == "closed" and not self.passed

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence a finding that did not pass, critical ones first."""
        bad = [f for f in self.findings if f.outcome is not Outcome.PASSED]
        bad.sort(key=lambda f: f.severity != "critical")
        return tuple(f.reason for f in bad)


@dataclass(frozen=True)
class Metric:
    """A measured value with its standard error; NaN and a reason where it cannot be computed."""

    name: str
    value: float
    standard_error: float
    n_obs: int
    status: Literal["OK", "NOT_COMPUTABLE"] = "OK"
    reason: str = ""


@dataclass(frozen=True)
class Pin:
    """Data pinned by content: a file or folder and its DVC hash.

    ``md5`` ends in ``.dir`` for a folder. ``path`` is relative to the workspace.
    """

    name: str
    path: str
    md5: str
    size_bytes: int
    n_files: int


@dataclass(frozen=True)
class FlowRecord:
    """One finished run of any flow as the registry lists it.

    Attributes
    ----------
    kind : what ran: ingest, gate, features or training.
    outcome : what it came to: ``DONE``, or what its gate said.
    run_key : SHA-256 of everything that went in.
    """

    run_id: str
    kind: str
    as_of: datetime
    outcome: str
    run_key: str
    finished_at: datetime


@dataclass(frozen=True)
class RunRecord:
    """One finished training run as the registry lists it."""

    run_id: str
    strategy: str
    as_of: datetime
    model_version: int
    candidate: str
    run_key: str
    aliases: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
