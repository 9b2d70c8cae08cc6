"""One challenger's case: what is fixed when it is opened, and the evidence of a session."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.evidence import Basis, Evidence, Kind
from shadowbook.core.promotion.shadow import ShadowEvidence, SideBySide, shadow_evidence
from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.promotion.walk_forward import WalkForwardEvidence


@dataclass(frozen=True, eq=False)
class Case:
    """A challenger against a champion; another champion is another case.

    Attributes
    ----------
    kind : by the digests of both recipes.
    position : which replacement of the year it is, from 1 on; 0 for a refresh.
    alpha_history, alpha_shadow : what it may spend on either basis; 0 for a refresh.
    history : None for a refresh, whose recipe has the champion's history.
    required_sessions : that a shadow book alone would need to show the minimum effect, foretold
        from how alike both are in history; NaN = not known.
    n_trials : candidates ever fitted for the strategy when the case was opened.
    refit_correlation : rank correlation of refits of a refresh's recipe in history; NaN = not
        known.
    training_share : labels it was fitted on over the champion's; NaN = not known.
    training_data : whether what it learned from is what prices give; None = not looked at.
    """

    strategy: str
    champion: int
    challenger: int
    kind: Kind
    position: int = 0
    alpha_history: float = 0.0
    alpha_shadow: float = 0.0
    history: WalkForwardEvidence | None = None
    required_sessions: float = math.nan
    n_trials: int = 0
    refit_correlation: float = math.nan
    training_share: float = math.nan
    training_data: bool | None = None


@dataclass(frozen=True)
class Present:
    """What is known beside the books at a session; None or empty = not known.

    Attributes
    ----------
    age_sessions : since the challenger's training moment.
    drift : whether drift that began after it is under way.
    gate : outcome of the gate on the newest data.
    drill_age_sessions : since the drill passed.
    rejected_on : day on which the court rejected it before.
    requester, approver : who asked for the promotion, and who approved it.
    """

    age_sessions: int | None = None
    drift: bool | None = None
    gate: str | None = None
    drill_age_sessions: int | None = None
    rejected_on: str = ""
    requester: str = ""
    approver: str = ""


def evidence_of(
    case: Case,
    record: SideBySide,
    present: Present,
    policy: CourtPolicy,
    periods_per_year: int = 252,
) -> Evidence:
    """Gather what is known of a challenger as of the newest session of the record.

    A replacement is judged on its history unless its shadow book alone is decisive: then the
    shadow's lead, p-value and bound stand in the evidence.
    """
    history = case.history
    claim = case.alpha_shadow if case.kind == "replacement" else math.nan
    told = (history.effect, history.standard_error) if history is not None else None
    found = shadow_evidence(record, claim, policy.safety_alpha, told, periods_per_year)
    evidence = _of_shadow(case, found, present)
    if case.kind == "refresh":
        return replace(evidence, basis="shadow", effect=found.effect)
    own = policy.replacement
    fixed = own.significance == "fixed"
    if fixed:
        found = _at_first(record, policy.min_sessions, found, periods_per_year)
    decisive = found.p_value <= case.alpha_shadow if fixed else found.lower_bound > 0.0
    if decisive and found.effect >= own.min_effect:
        basis: Basis = "shadow"
        return replace(
            evidence,
            basis=basis,
            effect=found.effect,
            p_value=found.p_value,
            alpha=case.alpha_shadow,
        )
    if history is None:
        return replace(evidence, alpha=case.alpha_history)
    return replace(
        evidence,
        effect=history.effect,
        p_value=history.p_value,
        alpha=case.alpha_history,
        snooping_p_value=history.snooping_p_value,
        n_competing=history.n_competing,
        deflated_sharpe=history.deflated_sharpe,
        n_effective_trials=history.n_effective_trials,
        n_history=history.n_sessions,
    )


def _of_shadow(case: Case, found: ShadowEvidence, present: Present) -> Evidence:
    return Evidence(
        kind=case.kind,
        n_trials=case.n_trials,
        lower_bound=found.lower_bound,
        n_sessions=found.n_sessions,
        not_inferior_bound=found.not_inferior_bound,
        harm_bound=found.harm_bound,
        parity_p_value=found.parity_p_value,
        signal_correlation=found.signal_correlation,
        refit_correlation=case.refit_correlation,
        position_agreement=found.position_agreement,
        drawdown_ratio=found.drawdown_ratio,
        cost_ratio=found.cost_ratio,
        turnover_ratio=found.turnover_ratio,
        training_share=case.training_share,
        training_data=case.training_data,
        required_sessions=case.required_sessions,
        age_sessions=present.age_sessions,
        drift=present.drift,
        gate=present.gate,
        drill_age_sessions=present.drill_age_sessions,
        rejected_on=present.rejected_on,
        requester=present.requester,
        approver=present.approver,
    )


def _at_first(
    record: SideBySide, n_sessions: int, found: ShadowEvidence, periods_per_year: int
) -> ShadowEvidence:
    """Return the lead and p-value of the one look that a fixed test has.

    By the studentized bootstrap: on a quarter of a year the HAC error is too small.
    """
    known = np.isfinite(record.challenger) & np.isfinite(record.champion)
    if known.sum() < n_sessions:
        return replace(found, effect=math.nan, p_value=math.nan)
    own, its = (one[known][:n_sessions] for one in (record.challenger, record.champion))
    pair = sharpe_difference(own, its, "studentized_bootstrap")
    p_value = pair.p_value / 2.0 if pair.difference > 0.0 else 1.0 - pair.p_value / 2.0
    return replace(found, effect=pair.difference * math.sqrt(periods_per_year), p_value=p_value)
