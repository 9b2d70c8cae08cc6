"""What the monitor tells of one book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shadowbook.core.performance.alerts import Alert
from shadowbook.core.performance.attribution import Attribution
from shadowbook.core.performance.execution import ExecutionQuality
from shadowbook.core.performance.tiers import Tier
from shadowbook.core.values import Floats, Sessions


@dataclass(frozen=True)
class Reading:
    """A metric over its trailing window at the newest session that has it.

    Attributes
    ----------
    value, standard_error : per session, not annualized (cost and turnover: mean a session);
        NaN with a reason where it cannot be computed.
    n_obs : sessions it is taken over.
    """

    metric: str
    window: int
    value: float
    standard_error: float
    n_obs: int
    status: Literal["OK", "NOT_COMPUTABLE"] = "OK"
    reason: str = ""


@dataclass(frozen=True)
class Limit:
    """A rule's limit as a number, for one version.

    Attributes
    ----------
    value : not to be reached; NaN where it cannot be computed.
    clear : what must be regained before the alert is cleared.
    """

    rule: str
    metric: str
    window: int
    tier: Tier
    value: float
    clear: float
    status: Literal["OK", "NOT_COMPUTABLE"] = "OK"
    reason: str = ""


@dataclass(frozen=True, eq=False)
class RatioPath:
    """The realization ratio over time; arrays (K,), NaN where it cannot be computed.

    Attributes
    ----------
    sessions : last session of each live window.
    values, low, high : ratio and its 95 % interval.
    window : live sessions in each.
    """

    sessions: Sessions
    values: Floats
    low: Floats
    high: Floats
    window: int


@dataclass(frozen=True)
class Fatigue:
    """How often alerts came, and how often they meant something.

    Attributes
    ----------
    years : watched.
    raised : tier -> alerts raised; pages: of all of them, those that paged.
    followed : tier -> raised alerts that were followed by decay.
    judged : tier -> raised alerts after which there are enough sessions to tell.
    base_rate : share of all sessions that were followed by decay; NaN where too few can be told.
    """

    years: float
    raised: Mapping[str, int]
    pages: int
    followed: Mapping[str, int]
    judged: Mapping[str, int]
    base_rate: float


@dataclass(frozen=True, eq=False)
class Monitored:
    """One book under watch; series (T,), NaN while warming up.

    Attributes
    ----------
    model_version : that scores now.
    information_coefficient : (T,) by the session of the scores; NaN where labels have not matured.
    series : (metric, window) -> (T,), units as in `Reading`.
    alerts : every transition, in order.
    ratios : ``sharpe`` and ``information_coefficient`` -> path.
    capacity : share of the book's size that its alerts leave; 0 = halted.
    notes : what could not be computed and why, one sentence each.
    """

    strategy: str
    book: str
    model_version: int
    sessions: Sessions
    information_coefficient: Floats
    series: Mapping[tuple[str, int], Floats]
    readings: tuple[Reading, ...]
    limits: tuple[Limit, ...]
    alerts: tuple[Alert, ...]
    ratios: Mapping[str, RatioPath]
    execution: ExecutionQuality | None
    attribution: Attribution | None
    fatigue: Fatigue
    capacity: float = 1.0
    notes: tuple[str, ...] = ()
