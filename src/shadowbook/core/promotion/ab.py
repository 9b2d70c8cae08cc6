"""The evidence of an A/B book beside the champion's: what decides each step of the ramp.

Returns of both books are of their own equity, so a book of a twentieth of the capital is compared
as it is. What is judged is execution and harm, not skill: a step of some weeks cannot show skill.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from shadowbook.core.promotion.ab_differences import (
    ENOUGH,
    MEASURES,
    BookSessions,
    difference,
    paired,
)
from shadowbook.core.promotion.guards import GuardOutcome, GuardVerdict, reaches
from shadowbook.core.promotion.ramp_policy import GuardName, RampPolicy
from shadowbook.core.stats.growth import max_drawdown
from shadowbook.core.values import Floats, Metric
from shadowbook.errors import SchemaError

Z_SLIPPAGE = 3.0
"""Standard errors that slippage must be above the champion's, before it counts at all."""


@dataclass(frozen=True)
class ABEvidence:
    """What one step of the ramp has shown so far.

    Attributes
    ----------
    n_sessions : of the step in which both books have a net return.
    differences : A/B book less champion, a session: net, signal, execution and cost as simple
        returns, slippage_bps weighted by both books' notional; each with its standard error.
    guards : one verdict for each guard that is on, in the policy's order.
    """

    n_sessions: int
    differences: tuple[Metric, ...]
    guards: tuple[GuardVerdict, ...]

    @property
    def breached(self) -> bool:
        """True where a guard takes the capital away."""
        return any(one.outcome is GuardOutcome.BREACHED for one in self.guards)


@dataclass(frozen=True)
class _Measured:
    """A guard's value, from how many sessions, how many it needs to breach and to pass."""

    value: float
    n_obs: int
    to_breach: int
    to_pass: int
    what: str
    missing: str = ""
    certain: bool = True
    """False where a limit may be reached by chance."""


def compare(
    ab: BookSessions,
    champion: BookSessions,
    agreement: Floats,
    policy: RampPolicy,
    after: date | None = None,
    history: Floats | None = None,
) -> ABEvidence:
    """Compare the A/B book with the champion's over one step of the ramp.

    Parameters
    ----------
    ab : the challenger's book since the ramp began.
    champion : the champion's over the same sessions; one that it lacks counts as missing.
    agreement : (T,) of ``ab``, agreement of its positions with those of its own shadow book, 0 to
        1; NaN where there is nothing to compare, as before its first auction.
    policy : limits and numbers of sessions.
    after : the last session before this step (``RampState.after``); None: the whole ramp.
    history : (H,) net differences of challenger and champion before the ramp, from its shadow.
        With the ramp's earlier steps it tells how much differences vary, from 63 finite values on.

    Returns
    -------
    Differences and verdicts. Values that are not finite count as missing. A guard is MISSING
    without a number for the newest session (slippage, fill ratio: for any session), with too few
    sessions, and where a difference never varies; with no session at all each is MISSING. Zero
    fills leave slippage MISSING and the fill ratio at 0, which breaches. The drawdown is watched
    from the first session on, averages from ``first_look`` on; the shortfall from
    ``min_sessions`` on where fewer than 63 earlier differences tell its scale.

    Raises
    ------
    SchemaError
        Sessions do not ascend, or an array is not as long as they are.

    >>> days = np.arange("2020-01-01", "2020-01-13", dtype="datetime64[D]")
    >>> up, flat, full = np.full(12, 0.01), np.zeros(12), np.ones(12)
    >>> book = BookSessions(days, up, up, flat, flat, full, np.full(12, 3.0), full)
    >>> [one.outcome.value for one in compare(book, book, full, RampPolicy()).guards]
    ['PASSED', 'PASSED', 'PASSED', 'PASSED', 'PASSED']
    """
    for book in (ab, champion):
        _check(book)
    if agreement.shape != ab.net.shape:
        raise SchemaError(f"agreement has {agreement.size} sessions, its book {ab.net.size}")
    none = np.empty(0)
    pairs = paired(ab, champion)
    own = np.ones(len(ab.sessions), dtype=bool)
    if after is not None:
        own = ab.sessions > np.datetime64(after)
    step = {name: values[own] for name, values in pairs.items()}
    earlier = np.concatenate([none if history is None else history, pairs["net"][~own]])
    differences = {
        name: difference(
            name,
            step[name],
            step["weight"] if name == "slippage_bps" else None,
            earlier if name == "net" else none,
        )
        for name in MEASURES
    }
    measured: dict[GuardName, _Measured] = {
        "drawdown": _drawdown(ab.net),
        "shortfall": _shortfall(differences["net"], step["net"], earlier, policy),
        "slippage": _slippage(differences["slippage_bps"], policy),
        "fill_ratio": _average("mean fill ratio", ab.fill_ratio[own], policy, newest=False),
        "position_agreement": _average("agreement with its shadow", agreement[own], policy),
    }
    return ABEvidence(
        n_sessions=int(np.isfinite(step["net"]).sum()),
        differences=tuple(differences.values()),
        guards=tuple(_verdict(name, measured[name], at) for name, at in policy.limits.items()),
    )


def _check(book: BookSessions) -> None:
    days = book.sessions
    if np.isnat(days).any() or not (days[1:] > days[:-1]).all():
        raise SchemaError("sessions must ascend without repeating")
    for name in (*MEASURES, "notional", "fill_ratio"):
        if getattr(book, name).shape != days.shape:
            raise SchemaError(f"{name} has not one value for each of {len(days)} sessions")


def _drawdown(net: Floats) -> _Measured:
    known = np.isfinite(net)
    deepest = -float(max_drawdown(np.where(known, net, 0.0))) if known.any() else math.nan
    return _Measured(deepest, int(known.sum()), 1, 1, "drawdown since the ramp began", _newest(net))


def _shortfall(net: Metric, differences: Floats, earlier: Floats, policy: RampPolicy) -> _Measured:
    missing = _newest(differences)
    if net.standard_error > 0.0:
        value = -net.value / net.standard_error
    elif net.standard_error == 0.0 and net.value == 0.0:
        value = 0.0  # the same to the last bit: no shortfall on any scale
    else:
        value = math.nan
        if net.standard_error == 0.0:
            missing = f"each session differs by the same {net.value:g}, which has no standard error"
    what = "shortfall against the champion in standard errors"
    known = np.isfinite(earlier).sum() >= ENOUGH
    first = policy.first_look if known else policy.min_sessions
    return _Measured(value, net.n_obs, first, policy.min_sessions, what, missing)


def _slippage(excess: Metric, policy: RampPolicy) -> _Measured:
    what = "slippage above the champion's in bps"
    limit, error, missing = policy.max_excess_slippage_bps, excess.standard_error, ""
    certain = excess.value >= Z_SLIPPAGE * error
    if limit is not None and reaches(excess.value, limit) and not certain:
        missing = f"{excess.value:.4g} bps with a standard error of {error:.3g} may be chance"
    least = policy.first_look
    return _Measured(excess.value, excess.n_obs, least, least, what, missing, certain)


def _average(what: str, values: Floats, policy: RampPolicy, newest: bool = True) -> _Measured:
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if known.size else math.nan
    missing = _newest(values) if newest else ""
    return _Measured(mean, known.size, policy.first_look, policy.first_look, what, missing)


def _newest(values: Floats) -> str:
    if values.size and not math.isfinite(values[-1]):
        return "the newest session has no value"
    return ""


def _verdict(name: GuardName, measured: _Measured, limit: float) -> GuardVerdict:
    value, n_obs = measured.value, measured.n_obs
    least = name in ("fill_ratio", "position_agreement")
    bad = not reaches(value, limit) if least else reaches(value, limit)
    if math.isfinite(value) and bad and measured.certain and n_obs >= measured.to_breach:
        bound = "least" if least else "limit"
        said = f"{measured.what} is {value:.4g} after {_sessions(n_obs)}, and the {bound} {limit:g}"
        return GuardVerdict(name, GuardOutcome.BREACHED, value, limit, said)
    missing = measured.missing
    if n_obs == 0:
        missing = "no session has a value"
    elif not missing and n_obs < measured.to_pass:
        missing = f"{_sessions(n_obs)} of {measured.to_pass}"
    elif not missing and not math.isfinite(value):
        missing = "it cannot be computed"
    if missing:
        return GuardVerdict(name, GuardOutcome.MISSING, value, limit, f"{measured.what}: {missing}")
    said = f"{measured.what} is {value:.4g} after {_sessions(n_obs)}"
    return GuardVerdict(name, GuardOutcome.PASSED, value, limit, said)


def _sessions(number: int) -> str:
    return f"{number} session{'' if number == 1 else 's'}"
