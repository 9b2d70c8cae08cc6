"""A suite of checks as plain data, told without the words of any vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from shadowbook.core.values import Action, FailMode, Severity

Kind = Literal["column_exists", "row_count", "unique", "not_null", "between", "in_set", "equal"]
"""What a check asks of its columns.

``column_exists``, ``row_count`` look at the table; ``unique`` at the columns together; ``equal``
at two columns row by row; the others at one column row by row. Missing values satisfy every
kind but ``not_null``: each suite states separately where they are not allowed.
"""

Tables = Mapping[str, pd.DataFrame]
"""Prepared measures by name: each row is a thing to be judged, each column what was measured."""


@dataclass(frozen=True)
class Check:
    """One expectation with the severity and the action bound to it.

    Attributes
    ----------
    name : unique in its suite.
    table, columns : what is looked at.
    minimum, maximum : closed limits of ``between`` and ``row_count``; None is no limit.
    strict_minimum : the minimum itself is refused as well.
    allowed : the values of ``in_set``.
    what : what is wrong, after the words "KO 2020-03-04: "; ``{value}`` and every column of
        ``details`` are filled in from the first offending row.
    remedy : what to do about it.
    key : the columns that name a row.
    span : the columns holding the first and last session a quarantine spans.
    details : further columns that ``what`` speaks of.
    """

    name: str
    table: str
    kind: Kind
    columns: tuple[str, ...]
    severity: Severity
    action: Action
    what: str
    remedy: str
    minimum: float | None = None
    maximum: float | None = None
    strict_minimum: bool = False
    allowed: tuple[float | str, ...] = ()
    key: tuple[str, ...] = ()
    span: tuple[str, str] | None = None
    details: tuple[str, ...] = ()

    @property
    def row_columns(self) -> tuple[str, ...]:
        """Every column that must come back with an offending row."""
        named = (*self.key, *(self.span or ()), *self.details)
        return tuple(dict.fromkeys(named))

    @property
    def limit(self) -> str:
        """What is allowed, as text."""
        if self.kind in ("between", "row_count"):
            return _interval(self.minimum, self.maximum, self.strict_minimum)
        if self.kind == "in_set":
            return "one of " + ", ".join(
                f"{value:g}" if isinstance(value, float) else value for value in self.allowed
            )
        words = {
            "column_exists": "present",
            "unique": "each once",
            "not_null": "no missing value",
            "equal": "the two the same",
        }
        return words[self.kind]


def _interval(minimum: float | None, maximum: float | None, strict: bool) -> str:
    low = "" if minimum is None else f"{'above' if strict else 'at least'} {minimum:,.6g}"
    high = "" if maximum is None else f"at most {maximum:,.6g}"
    return " and ".join(part for part in (low, high) if part)


@dataclass(frozen=True)
class QuarantineLimits:
    """When so much is quarantined that the feed itself is the defect.

    Attributes
    ----------
    universe : the symbols with a bar in the newest session.
    newest : the newest session; None when there is none.
    min_symbols : fewest symbols that must be left in the newest session.
    max_share : largest share of the universe that one check may quarantine in one session.
    n_bars : bars that were judged; 0 where that is not limited.
    max_bars_share : largest share of them that one check may quarantine.
    """

    universe: tuple[str, ...]
    newest: date | None
    min_symbols: int
    max_share: float
    n_bars: int = 0
    max_bars_share: float = 1.0


@dataclass(frozen=True)
class Suite:
    """All checks of one feed.

    ``fail_mode`` "closed": the flow stops when the feed fails; "open": the feed is dropped.
    """

    feed: str
    fail_mode: FailMode
    checks: tuple[Check, ...]
    limits: QuarantineLimits | None = None


@dataclass(frozen=True)
class Gate:
    """A suite and the tables it judges, made from the same data and policy."""

    suite: Suite
    tables: Tables


@dataclass(frozen=True)
class Offender:
    """One row that broke a check: its value and its naming columns (sessions as dates)."""

    value: object
    row: Mapping[str, object]


@dataclass(frozen=True)
class CheckResult:
    """How one check ended in the engine that ran it.

    Attributes
    ----------
    errored : the check itself broke; ``message`` says how, and ``success`` means nothing.
    n_rows : rows looked at, 0 when the check looks at the table as a whole and there is none.
    n_unexpected : rows that broke it (1 for a check of the table as a whole).
    observed : what a check of the table as a whole saw, as text.
    """

    check: str
    success: bool
    errored: bool
    n_rows: int
    n_unexpected: int
    offenders: tuple[Offender, ...] = ()
    observed: str = ""
    message: str = ""
