"""What the court asks, in plain words: yes to a question speaks for the challenger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shadowbook.adapters.report.court_units import (
    Unit,
    correlation,
    count,
    p_value,
    percent,
    ratio,
    sharpe,
)


@dataclass(frozen=True)
class Asked:
    """One question of the court in plain words.

    Attributes
    ----------
    question : yes speaks for the challenger.
    unit : of value and threshold; None where they are words.
    side : how the value has to lie to the threshold.
    passed, failed : what the answer means.
    measured : what the value is, where the court's own reason does not say it in full.
    """

    question: str
    unit: Unit | None
    side: str
    passed: str
    failed: str
    measured: str = ""


ASKED: Mapping[str, Asked] = {
    "earlier_verdict": Asked(
        "Was it never rejected before?",
        None,
        "",
        "No rejection stands against it.",
        "A rejection stands, whatever came after it.",
    ),
    "effect": Asked(
        "Is its lead large enough to matter?",
        sharpe,
        "at least",
        "It is worth a change of model.",
        "Too small a lead to be worth a change, whatever the p-value.",
    ),
    "significance": Asked(
        "Is its lead more than luck?",
        p_value,
        "at most",
        "Luck alone hardly gives such a lead.",
        "Such a lead may be luck; more evidence can change that.",
    ),
    "snooping": Asked(
        "Is it more than luck among all recipes?",
        p_value,
        "at most",
        "The choice among the recipes is paid for.",
        "The best of so many recipes often looks as good by luck.",
    ),
    "deflated_sharpe": Asked(
        "Does it beat the best of all trials?",
        percent,
        "at least",
        "The luckiest of so many trials would hardly have such a lead.",
        "So many trials give a lead like this to their luckiest one.",
    ),
    "parity": Asked(
        "Does it behave as history lets expect?",
        p_value,
        "at least",
        "It does as history lets expect.",
        "It does otherwise than in history, so history does not speak for it.",
    ),
    "non_inferiority": Asked(
        "Is it shown not to be worse by the margin?",
        sharpe,
        "above",
        "It is not worse than the champion by as much as the margin, at all looks together.",
        "It may still be worse by as much as the margin; more sessions narrow the bound.",
    ),
    "signal_correlation": Asked(
        "Do both models rank names alike?",
        correlation,
        "at least",
        "The scores are close enough.",
        "The scores are too unlike for the change that it claims to be.",
    ),
    "position_agreement": Asked(
        "Do both books hold the same positions?",
        percent,
        "at least",
        "The books are close enough.",
        "The books have too little in common for the change that it claims to be.",
    ),
    "training": Asked(
        "Was it fitted on enough labels?",
        percent,
        "at least",
        "Its data is as large as the champion's, or nearly.",
        "Much of the data is missing: it is broken, and the case ends.",
    ),
    "training_data": Asked(
        "Did it learn from true data?",
        None,
        "",
        "Its features, computed again, are the same to the last bit.",
        "The features that it learned from are not what prices give.",
    ),
    "harm": Asked(
        "Is it free of proven harm?",
        sharpe,
        "at least",
        "Nothing proves that it is worse than the champion.",
        "It is worse than the champion, at all looks together: the case ends.",
        "upper bound of its shadow's lead, at the level of safety",
    ),
    "sessions": Asked(
        "Has its shadow run long enough?",
        count,
        "at least",
        "The minimum is there.",
        "Wait: the minimum is not there yet.",
        "sessions of both books side by side",
    ),
    "age": Asked(
        "Is it young enough?",
        count,
        "at most",
        "Recent enough.",
        "Too old: the case ends, and a newer version takes its place.",
    ),
    "drawdown": Asked(
        "Did it fall no deeper than allowed?",
        ratio,
        "at most",
        "Bearable.",
        "It fell much deeper than the champion.",
        "deepest fall of its shadow book over the champion's",
    ),
    "cost": Asked(
        "Are its costs bearable?",
        ratio,
        "at most",
        "Bearable.",
        "It costs much more than the champion.",
        "its costs over the champion's",
    ),
    "turnover": Asked(
        "Does it trade no more than allowed?",
        ratio,
        "at most",
        "Bearable.",
        "It trades much more than the champion.",
        "its turnover over the champion's",
    ),
    "drift": Asked(
        "Is the data as it was at its training?",
        None,
        "",
        "No drift is under way that it has not been trained on.",
        "The data has changed since its training; it waits until that is over.",
    ),
    "gate": Asked(
        "Did the newest data pass the gate?",
        None,
        "",
        "What it is judged on is sound.",
        "The newest data is not sound, so nothing is decided on it.",
    ),
    "drill": Asked(
        "Was the way back rehearsed lately?",
        count,
        "at most",
        "If it disappoints, the champion of today can come back.",
        "Rehearse it first: shadowbook drill.",
    ),
    "approval": Asked(
        "Has a second person approved it?",
        None,
        "",
        "Two people stand behind the change.",
        "Somebody else than the requester must approve it.",
    ),
}
"""Name of a criterion -> what is asked."""
