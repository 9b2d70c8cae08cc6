"""What is known of a challenger beside the champion, ready to be judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

Kind = Literal["replacement", "refresh"]
Basis = Literal["history", "shadow"]


@dataclass(frozen=True)
class Evidence:
    """Measurements of one challenger against the champion; NaN or None = not known.

    Sharpe ratios are annual. A ratio is the challenger's figure over the champion's.

    Attributes
    ----------
    kind : replacement: another recipe; refresh: the champion's on newer data.
    basis : what effect and p-value are of: paired walk forward, or the shadow book.
    effect : Sharpe ratio, challenger less champion.
    p_value : one-sided, of H0: not better; the pair alone.
    alpha : what the challenger may spend on that basis.
    snooping_p_value : the same, corrected for every recipe tried with it; NaN where none was.
    n_competing : recipes tried beside the champion's.
    deflated_sharpe : probability that the lead exceeds the best of so many trials by luck.
    n_trials, n_effective_trials : candidates ever fitted, and how many independent ones they make.
    n_history : sessions of paired walk forward.
    lower_bound : of the shadow's lead, at all looks together, at the shadow's share of alpha.
    n_sessions : of both books side by side.
    required_sessions : that a shadow alone would need for the minimum effect.
    not_inferior_bound : lower bound of the shadow's lead at the level of safety.
    harm_bound : upper bound of it.
    parity_p_value : two-sided, of H0: the shadow's lead is its history's.
    signal_correlation : mean rank correlation of both models' scores.
    refit_correlation : likewise of refits of the recipe in history, as far apart in time.
    position_agreement : mean share of positions held in common, in sign and size.
    drawdown_ratio, cost_ratio, turnover_ratio : over the sessions side by side.
    training_share : labels it was fitted on over the champion's.
    training_data : whether what it learned from is what prices give.
    age_sessions : since its training moment.
    drift : whether drift that began after its training is under way.
    gate : outcome of the gate on the newest data, such as PASSED.
    drill_age_sessions : since the drill of the way back passed.
    rejected_on : day of an earlier rejection, which stands; empty where there is none.
    requester, approver : who asked, and who approved; empty for nobody.
    """

    kind: Kind = "replacement"
    basis: Basis = "history"
    effect: float = math.nan
    p_value: float = math.nan
    alpha: float = math.nan
    snooping_p_value: float = math.nan
    n_competing: int = 1
    deflated_sharpe: float = math.nan
    n_trials: int = 0
    n_effective_trials: float = math.nan
    n_history: int = 0
    lower_bound: float = math.nan
    n_sessions: int | None = None
    required_sessions: float = math.nan
    not_inferior_bound: float = math.nan
    harm_bound: float = math.nan
    parity_p_value: float = math.nan
    signal_correlation: float = math.nan
    refit_correlation: float = math.nan
    position_agreement: float = math.nan
    drawdown_ratio: float = math.nan
    cost_ratio: float = math.nan
    turnover_ratio: float = math.nan
    training_share: float = math.nan
    training_data: bool | None = None
    age_sessions: int | None = None
    drift: bool | None = None
    gate: str | None = None
    drill_age_sessions: int | None = None
    rejected_on: str = ""
    requester: str = ""
    approver: str = ""

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Evidence:
        """Read evidence as JSON has it; a missing number is NaN again.

        >>> Evidence.read({"effect": None, "n_sessions": 63}).n_sessions
        63
        """
        known = {one.name: one.default for one in fields(cls)}
        found = {name: value for name, value in told.items() if name in known}
        for name, default in known.items():
            if found.get(name) is None and isinstance(default, float):
                found[name] = math.nan
        return cls(**found)
