"""Where the gap between backtest and live came from.

The backtest's book and the live one differ in size (targets are scaled to a volatility, a book
grows into its sleeves), so the backtest B is scaled first: by k = std(L.signal) / std(B.signal),
drawn to 1 as far as it is noise (`gap_series.scale_of`).
The gap is k mean(B.net) - mean(L.net), and its parts are

    signal_decay = k mean(B.signal) - mean(clean)     the decisions themselves earn less
    data         = mean(clean) - mean(L.signal)       what wrong inputs did to them
    latency      = k mean(B.gross - B.signal) - mean(L.latency)
    spread       = k mean(B.net - B.gross) - mean(L.spread)
    missed_fills, slippage, fees = -mean(L.part)

where ``clean`` is the signal that right inputs would have given. The no-trade band and rounding are
nobody's fault and stay in ``unexplained``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.performance.accounts import Accounts
from shadowbook.core.performance.gap_series import EXECUTION_PARTS, Compared, compared
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError

PARTS = ("signal_decay", "data", "latency", "missed_fills", "spread", "slippage", "fees")
"""In the order of the waterfall; what they do not explain is shown as ``unexplained``."""

NOTHING = 1e-9
"""Less than this a year is rounding, which can be steady enough to stand out from its noise."""


class GapVerdict(StrEnum):
    """What the gap looks like."""

    NO_GAP = "no gap"
    SIGNAL_DECAY = "signal decay"
    EXECUTION = "execution masquerading as decay"
    DATA = "data"
    MIXED = "mixed"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPUTABLE = "NOT_COMPUTABLE"


@dataclass(frozen=True)
class Part:
    """One part of the gap; simple return a year, above 0 where it cost something.

    Attributes
    ----------
    standard_error : NaN where it has none.
    """

    name: str
    value: float
    standard_error: float


@dataclass(frozen=True)
class Attribution:
    """The gap between backtest and live; simple returns a year, arithmetic.

    Attributes
    ----------
    expected : what the backtest promised, at the live volatility.
    live : what was earned.
    gap : expected - live.
    parts : each computed by itself, in order of ``PARTS``.
    unexplained : gap less the sum of the parts.
    n_obs : live sessions.
    verdict, reasons : what it looks like, one sentence a reason.
    scale : what the backtest's returns were multiplied by.
    """

    expected: float
    live: float
    gap: float
    gap_standard_error: float
    parts: tuple[Part, ...]
    unexplained: float
    n_obs: int
    verdict: GapVerdict
    reasons: tuple[str, ...] = ()
    scale: float = math.nan


class AttributionPolicy(BaseModel):
    """When a part of the gap counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_sessions: int = Field(
        42,
        ge=5,
        le=2520,
        description="Sessions, live and of the backtest, before anything is told.",
    )
    significance: float = Field(
        1.96, gt=0.0, le=10.0, description="Standard errors from zero at which a part counts."
    )
    most: float = Field(
        0.5, gt=0.0, le=1.0, description="Share of the gap from which a part is most of it."
    )
    material: float = Field(
        0.25,
        gt=0.0,
        le=10.0,
        description="Share of the expected return that execution or data must cost to count where "
        "the gap itself does not stand out from its noise.",
    )


DEFAULT_POLICY = AttributionPolicy()


def attribute(
    backtest: Backtest,
    live: LiveRecord,
    accounts: Accounts,
    clean_signal: Floats | None = None,
    policy: AttributionPolicy = DEFAULT_POLICY,
) -> Attribution:
    """Split the gap between backtest and live into parts, each computed on its own.

    Standard errors are Newey and West's with the small-sample factor of `stats.hac`; the scale k is
    taken as known. What the parts do not explain is shown, never folded into one of them.

    Parameters
    ----------
    backtest : what was promised; sessions count where signal, gross and net are all known.
    live : what was earned; sessions count where net, signal and all accounts are known.
    accounts : of the same sessions, see `book_accounts`.
    clean_signal : (T,) signal of the same sessions had the inputs been right; NaN where unknown,
        where the live signal stands for it. None: ``data`` is NaN, and what wrong inputs did
        stands in ``signal_decay``.

    Raises
    ------
    SchemaError
        Accounts or clean signal are of another length than the live record.
    """
    n_live = len(live.net)
    if len(accounts.latency) != n_live or (
        clean_signal is not None and len(clean_signal) != n_live
    ):
        raise SchemaError(
            f"accounts and clean signal must have one number for each of {n_live} live sessions"
        )
    cut = compared(backtest, live, accounts, clean_signal)
    n_obs, n_tested = len(cut.earned["net"]), len(cut.promised["net"])
    if min(n_obs, n_tested) < policy.min_sessions or not math.isfinite(cut.scale):
        why = (
            f"{n_obs} live sessions and {n_tested} of the backtest are known, "
            f"{policy.min_sessions} of each are needed"
            if min(n_obs, n_tested) < policy.min_sessions
            else "the signal never moves in the backtest or live: it has no volatility to scale by"
        )
        return _not_computable(n_obs, why)
    clean = "signal" if clean_signal is None else "clean"
    parts = (
        _part(cut, "signal_decay", "signal", clean),
        Part("data", math.nan, math.nan)
        if clean_signal is None
        else _part(cut, "data", None, "off"),
        _part(cut, "latency", "waiting", "latency"),
        _part(cut, "missed_fills", None, "missed_fills"),
        _part(cut, "spread", "costs", "spread"),
        _part(cut, "slippage", None, "slippage"),
        _part(cut, "fees", None, "fees"),
    )
    gap = cut.value("net", "net")
    execution = Part("execution", sum(_values(parts, EXECUTION_PARTS)), cut.error("ways", "ways"))
    found = Attribution(
        expected=cut.value("net", None),
        live=-cut.value(None, "net"),
        gap=gap,
        gap_standard_error=cut.error("net", "net"),
        parts=parts,
        unexplained=gap - math.fsum(part.value for part in parts if not math.isnan(part.value)),
        n_obs=n_obs,
        verdict=GapVerdict.INCONCLUSIVE,
        scale=cut.scale,
    )
    return judged(found, execution, policy)


def _part(cut: Compared, name: str, promised: str | None, earned: str | None) -> Part:
    return Part(name, cut.value(promised, earned), cut.error(promised, earned))


def _values(parts: tuple[Part, ...], names: tuple[str, ...]) -> list[float]:
    return [part.value for part in parts if part.name in names]


def _not_computable(n_obs: int, why: str) -> Attribution:
    nothing = math.nan
    return Attribution(
        expected=nothing,
        live=nothing,
        gap=nothing,
        gap_standard_error=nothing,
        parts=tuple(Part(name, nothing, nothing) for name in PARTS),
        unexplained=nothing,
        n_obs=n_obs,
        verdict=GapVerdict.NOT_COMPUTABLE,
        reasons=(why,),
    )


def judged(found: Attribution, execution: Part, policy: AttributionPolicy) -> Attribution:
    """Say what a gap looks like, and why.

    The gap matters where it is significant, or where execution or data cost significantly, and at
    least ``material`` of what was expected: their own noise is far smaller than that of returns.

    Parameters
    ----------
    execution : the parts of execution together, with their common standard error.
    """
    decay, data = found.parts[0], found.parts[1]
    gap = Part("gap", found.gap, found.gap_standard_error)
    counts = {part.name: _counts(part, policy) for part in (gap, decay, data, execution)}
    large = {
        part.name
        for part in (data, execution)
        if counts[part.name] and part.value >= policy.material * abs(found.expected) * (1 - 1e-9)
    }
    causes = [part for part in (decay, data, execution) if counts[part.name]]
    most = [
        part
        for part in causes
        if found.gap > 0.0 and part.value >= policy.most * found.gap * (1 - 1e-9)
    ]
    verdicts = {
        "signal_decay": GapVerdict.SIGNAL_DECAY,
        "data": GapVerdict.DATA,
        "execution": GapVerdict.EXECUTION,
    }
    if not (counts["gap"] or large):
        verdict = GapVerdict.NO_GAP
    elif len(causes) == 1 and (most or large):
        verdict = verdicts[causes[0].name]
    elif len(causes) > 1:
        verdict = GapVerdict.MIXED
    else:
        verdict = GapVerdict.INCONCLUSIVE
    reasons = _reasons(found, execution, counts, policy)
    return replace(found, verdict=verdict, reasons=reasons)


def _counts(part: Part, policy: AttributionPolicy) -> bool:
    limit = policy.significance * part.standard_error
    return bool(part.value > NOTHING and part.value >= limit * (1.0 - 1e-9))


def _reasons(
    found: Attribution, execution: Part, counts: dict[str, bool], policy: AttributionPolicy
) -> tuple[str, ...]:
    stands = "stands out from" if counts["gap"] else "does not stand out from"
    reasons = [
        f"{found.expected:.1%} a year were expected and {found.live:.1%} earned over {found.n_obs} "
        f"sessions: the gap of {found.gap:.1%} {stands} its noise of "
        f"{policy.significance * found.gap_standard_error:.1%}"
    ]
    named = (("signal decay", found.parts[0]), ("wrong data", found.parts[1]))
    for words, part in (*named, ("execution", execution)):
        if math.isnan(part.value):
            reasons.append(
                "data was not computed, because nobody scored the right inputs: what wrong ones "
                "did stands in signal decay"
            )
            continue
        noise = policy.significance * part.standard_error
        tells = "which counts" if counts[part.name] else "which does not count"
        reasons.append(f"{words} is {part.value:.1%} a year, give or take {noise:.1%}: {tells}")
    worst = max((p for p in found.parts if p.name in EXECUTION_PARTS), key=lambda p: p.value)
    if counts["execution"]:
        reasons.append(
            f"the largest part of execution is {worst.name.replace('_', ' ')}, "
            f"{worst.value:.1%} a year"
        )
    if abs(found.unexplained) > 0.1 * abs(found.gap) and counts["gap"]:
        reasons.append(f"{found.unexplained:.1%} a year remain unexplained")
    return tuple(reasons)
