"""What history says of a challenger, and what its case may spend of the year's alpha."""

from __future__ import annotations

import math

from shadowbook.adapters.report.court_units import correlation, count, p_value, percent, sharpe
from shadowbook.adapters.report.html import facts, paragraph, section
from shadowbook.adapters.report.words import counted
from shadowbook.core.promotion.budget import BudgetPolicy, left
from shadowbook.core.promotion.case import Case
from shadowbook.core.promotion.judged import Judged
from shadowbook.core.promotion.walk_forward import WalkForwardEvidence


def history_section(judged: Judged, ident: str) -> str:
    """Write what paired walk forward says of a recipe; of a refresh, how refits compare."""
    case = judged.case
    if case.kind == "refresh":
        return section(ident, "What history says", _of_refresh(case))
    history = case.history or WalkForwardEvidence(reason="no walk forward of both recipes was kept")
    trials = f"{case.n_trials:,} fitted, {_effective(history)} effective"
    if not math.isfinite(history.effect):
        why = history.reason.rstrip(".") or "it has no value"
        content = paragraph(f"NOT_COMPUTABLE: {why}.")
        pairs = [("sessions in common", f"{history.n_sessions:,}"), ("trials", trials)]
        return section(ident, "What history says", content + facts(pairs))
    content = paragraph(_told(case, history))
    pairs = [
        ("lead, annual Sharpe ratio", f"{sharpe(history.effect)} ± {history.standard_error:.2f}"),
        ("p-value of this pair", p_value(history.p_value)),
        ("alpha for history", p_value(case.alpha_history)),
        ("p-value among all recipes", _snooped(history)),
        ("deflated Sharpe ratio", percent(history.deflated_sharpe)),
        ("trials", trials),
        ("correlation of both returns", correlation(history.correlation)),
        ("sessions in common", f"{history.n_sessions:,}"),
    ]
    return section(ident, "What history says", content + facts(pairs))


def budget_section(judged: Judged, ident: str, policy: BudgetPolicy | None) -> str:
    """Write which case of the year it is, and what it may spend.

    Parameters
    ----------
    policy : the year's alpha and its shares; None: only what the case itself says.
    """
    case, title = judged.case, "What it may spend of the year's alpha"
    if case.kind == "refresh":
        text = (
            "A refresh claims no lead and spends nothing: it has to be shown not to be worse, at "
            "the level of safety."
        )
        return section(ident, title, paragraph(text))
    whole = case.alpha_history + case.alpha_shadow
    text = (
        f"It is replacement number {case.position} of its strategy's year and may spend "
        f"{p_value(whole)}: {p_value(case.alpha_history)} on its history and "
        f"{p_value(case.alpha_shadow)} on its shadow, either of which may decide. Each next "
        "replacement of the year gets less, so that many challengers do not make many chances."
    )
    pairs = [
        ("number in its year", f"{case.position}"),
        ("alpha for history", p_value(case.alpha_history)),
        ("alpha for its shadow", p_value(case.alpha_shadow)),
    ]
    if policy is not None:
        pairs.append(("alpha of the year", p_value(policy.alpha_a_year)))
        pairs.append(("left for later ones", p_value(left(case.position, policy))))
    return section(ident, title, paragraph(text) + facts(pairs))


def _told(case: Case, history: WalkForwardEvidence) -> str:
    ahead = "ahead of" if history.effect >= 0.0 else "behind"
    said = (
        f"Both recipes were refitted as history went on, over {history.n_sessions:,} sessions out "
        f"of sample; the challenger's would have been {sharpe(abs(history.effect))} "
        f"{ahead} the champion's in annual Sharpe ratio, ± {history.standard_error:.2f} (one "
        f"standard error). A lead like that, or a larger one, comes by luck with a chance of "
        f"{p_value(history.p_value)}"
    )
    if math.isfinite(history.snooping_p_value):
        said += (
            f"; with {counted(history.n_competing, 'recipe')} tried beside the champion's, "
            f"{p_value(history.snooping_p_value)}"
        )
    said += f". It may spend {p_value(case.alpha_history)}."
    if math.isfinite(history.deflated_sharpe):
        said += (
            f" {count(case.n_trials)} candidates were fitted for this strategy; they make "
            f"{_effective(history)} independent trials. That the lead is more than the best of as "
            f"many has by luck has a probability of {percent(history.deflated_sharpe)}."
        )
    return said


def _of_refresh(case: Case) -> str:
    said = (
        "A refresh has the champion's recipe, so its history is the champion's: there is nothing "
        "to be ahead by."
    )
    if math.isfinite(case.refit_correlation):
        said += (
            " Refits of the recipe in history, as far apart in time as these two, ranked names "
            f"with a correlation of {case.refit_correlation:.3f}; this one is held against that."
        )
    else:
        said += " How alike refits of the recipe were in history is not known."
    pairs = [
        ("rank correlation of refits", correlation(case.refit_correlation)),
        ("fitted on, of the champion's labels", percent(case.training_share)),
        ("trials", f"{case.n_trials:,} fitted"),
    ]
    return paragraph(said) + facts(pairs)


def _effective(history: WalkForwardEvidence) -> str:
    told = history.n_effective_trials
    return f"{told:.1f}" if math.isfinite(told) else "not known how many"


def _snooped(history: WalkForwardEvidence) -> str:
    if history.n_competing < 2:
        return "no other recipe was tried"
    return p_value(history.snooping_p_value)
