"""Challengers before the court, made from seeded returns and judged by the court itself.

Every judgment is one that `judge` gives on the sessions so far, so what is drawn is what could be.
"""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time

import numpy as np

from shadowbook.core.books.summary import BookSeries, ReplayNote, summarize
from shadowbook.core.events import Event
from shadowbook.core.promotion.budget import BudgetPolicy, alpha_of, split
from shadowbook.core.promotion.case import Case, Present, evidence_of
from shadowbook.core.promotion.court import Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.judged import Judged
from shadowbook.core.promotion.paths import lead_path
from shadowbook.core.promotion.shadow import SideBySide
from shadowbook.core.promotion.shown import CourtCase, judgment_of
from shadowbook.core.promotion.walk_forward import WalkForwardEvidence
from shadowbook.serialization import plain

POLICY = CourtPolicy()
LAST = np.datetime64("2026-09-17")
AS_OF = datetime(2026, 9, 18, 20, 15, tzinfo=UTC)
EVERY, FIRST_LOOK = 5, 21
DAILY = 0.008
"""Volatility of a book a session: about 13 % a year."""


def side_by_side(n, lead=0.0, alike=0.95, seed=0, ranked=0.9, agreed=0.8, cost=1.0, last=LAST):
    """Both books over n sessions; `lead` is the annual Sharpe ratio that the challenger truly has
    above the champion's 0.8, `alike` the correlation of both books' returns."""
    rng = np.random.default_rng([31, seed])
    common, own, its = rng.standard_normal((3, n))
    weight, rest = math.sqrt(alike), math.sqrt(1.0 - alike)
    days = np.busday_offset(last, np.arange(1 - n, 1), roll="backward")
    champion = DAILY * (0.8 / math.sqrt(252) + weight * common + rest * its)
    challenger = DAILY * ((0.8 + lead) / math.sqrt(252) + weight * common + rest * own)
    costs = -1e-4 * rng.uniform(0.5, 1.5, size=n)
    turnover = rng.uniform(0.1, 0.3, size=n)
    return SideBySide(
        sessions=days.astype("datetime64[D]"),
        challenger=challenger,
        champion=champion,
        challenger_cost=cost * costs,
        champion_cost=costs,
        challenger_turnover=cost * turnover,
        champion_turnover=turnover,
        correlation=np.clip(ranked + 0.03 * rng.standard_normal(n), -1.0, 1.0),
        agreement=np.clip(agreed + 0.05 * rng.standard_normal(n), 0.0, 1.0),
    )


def history_of(effect=0.62, error=0.3, snooping=0.03, deflated=0.81, competing=6):
    p_value = 0.5 * math.erfc(effect / error / math.sqrt(2.0))
    return WalkForwardEvidence(
        effect, error, p_value, snooping, competing, deflated, 14.2, 0.91, 2016
    )


def replacement(challenger=3, position=2, history=None, strategy="weekly", required=503.4):
    alpha = split(alpha_of(position, BudgetPolicy()), BudgetPolicy())
    return Case(
        strategy,
        1,
        challenger,
        "replacement",
        position,
        alpha.history,
        alpha.shadow,
        history_of() if history is None else history,
        required,
        n_trials=64,
        training_share=1.04,
        training_data=True,
    )


def refresh(challenger=4, champion=2, strategy="monthly", share=1.08):
    return Case(
        strategy,
        champion,
        challenger,
        "refresh",
        n_trials=48,
        refit_correlation=0.93,
        training_share=share,
        training_data=True,
    )


def present(n, **more):
    told = {"drift": False, "gate": "PASSED", "drill_age_sessions": 3, "requester": "the court"}
    return Present(age_sessions=n + 10, **(told | more))


def cut(record, n):
    return SideBySide(*(getattr(record, name)[:n] for name in SideBySide.__dataclass_fields__))


def judged_of(case, record, known, policy=POLICY, as_of=AS_OF):
    evidence = evidence_of(case, record, known, policy)
    return Judged(case.strategy, as_of, case, evidence, judge(evidence, policy))


def at_close(session):
    return datetime.combine(session, time(20, 15), tzinfo=UTC)


def opening_of(case, session):
    """The event that the opening of a case leaves in the ledger."""
    body = plain(case)
    return Event("case", f"case/{case.strategy}/{case.challenger}", at_close(session), body)


def judgment_event(judged, session):
    """The event of a judgment, as the ledger keeps it."""
    body = {
        "strategy": judged.strategy,
        "champion": judged.case.champion,
        "challenger": judged.case.challenger,
        "kind": judged.case.kind,
        "outcome": judged.decision.outcome.value,
        "criteria": plain(judged.decision.criteria),
        "evidence": plain(judged.evidence),
    }
    return Event("judgment", f"judgment/{session}", at_close(session), body)


def recorded(case, record, known, policy=POLICY):
    """What was recorded of a case: its opening, and each time that the court said something new."""
    days = [one.astype(date) for one in record.sessions]
    found, said = [judgment_of(opening_of(case, days[0]))], ()
    for n in range(FIRST_LOOK, len(days) + 1, EVERY):
        judged = judged_of(case, cut(record, n), known, policy)
        news = (
            judged.decision.outcome,
            *((one.name, one.passed) for one in judged.decision.against),
        )
        if news != said:
            said = news
            found.append(judgment_of(judgment_event(judged, days[n - 1])))
    return tuple(found)


def court_case(case, record, known, policy=POLICY):
    judged = judged_of(case, record, known, policy)
    return CourtCase(judged, lead_path(record, case, policy), recorded(case, record, known, policy))


def held():
    """A replacement whose lead may be luck, and whose shadow is young."""
    return court_case(replacement(), side_by_side(47, 0.3), present(47))


def promoted():
    """A replacement with a strong history, whose shadow does as history says."""
    history = history_of(0.94, 0.26, 0.0041, 0.972)
    case = replacement(7, 1, history, "daily")
    return court_case(case, side_by_side(176, 1.1, seed=4), present(176))


def rejected():
    """A refresh that is broken: its scores rank otherwise, and it loses what the champion earns."""
    record = side_by_side(150, -5.5, seed=2, ranked=0.31, agreed=0.42, cost=1.3)
    return court_case(refresh(), record, present(150, drift=True))


def not_computable():
    """A replacement without a walk forward; nothing stands against it."""
    history = WalkForwardEvidence(
        reason="310 sessions of paired walk forward, 504 are needed", n_sessions=310
    )
    case = replacement(5, 3, history, required=math.nan)
    return court_case(case, side_by_side(180, 1.1, seed=4), present(180, gate=None))


def refreshed():
    """A refresh that is as good."""
    return court_case(
        refresh(6, 1, "weekly"), side_by_side(120, 0.2, 0.999, seed=7, ranked=0.96), present(120)
    )


def just_opened():
    """A refresh with too few sessions for any bound."""
    case = refresh(8, 1, "weekly")
    one = court_case(case, side_by_side(6, seed=9), present(6, drill_age_sessions=None))
    return replace(one, judgments=one.judgments[:1])


def all_cases():
    return [held(), promoted(), rejected(), not_computable(), refreshed(), just_opened()]


def book_series(strategy, book, record, version, challenger):
    net = record.challenger if challenger else record.champion
    n = len(net)
    return BookSeries(
        strategy,
        book,
        record.sessions,
        net,
        net + 1e-4,
        np.zeros(n),
        np.full(n, -1e-4),
        np.full(n, 0.2),
        1e6 * np.cumprod(1.0 + net),
        np.full(n, 1.5),
        np.zeros(n),
        np.full(n, version),
        ("TRADED",) * n,
    )


def a_replay(n_cases=14, strategy="weekly", apart=63, ran=252, promoted=5):
    """A replay with its judgments: a retraining every `apart` sessions, each a case for `ran`.

    The `promoted`-th version becomes champion where the court says so.
    """
    n = apart * n_cases + ran
    whole = side_by_side(n, seed=99)
    series = [book_series(strategy, "champion", whole, 1, challenger=False)]
    notes, judgments, champion = [], [], 1
    for at in range(n_cases):
        version, first = at + 2, at * apart
        strong = version == promoted
        last = whole.sessions[first + ran - 1]
        # Others are a little worse; where both books are nearly alike that can be seen.
        alike = 0.999 if strong or version % 4 == 0 else 0.9
        record = side_by_side(ran, 0.4 if strong else -0.6, alike, seed=version, last=last)
        days = [one.astype(date) for one in record.sessions]
        notes.append(
            ReplayNote(days[0], "retraining", f"version {version}: ridge", strategy=strategy)
        )
        is_refresh = version % 3 != 0
        case = (
            refresh(version, champion, strategy)
            if is_refresh
            else replace(replacement(version, 1 + at % 4, strategy=strategy), champion=champion)
        )
        found = recorded(case, record, present(ran))
        won = [one for one in found if one.outcome is Outcome.PROMOTE]
        if strong and won:
            text = f"version {version} replaces {champion}: the court says PROMOTE"
            notes.append(ReplayNote(won[0].session, "promotion", text, True, strategy))
            found = [one for one in found if one.session <= won[0].session]
            champion = version
        judgments += found
        series.append(book_series(strategy, f"shadow/{version}", record, version, challenger=True))
    return summarize("params.yaml", series, notes, "0123456789abcdef" * 4, 12.3), judgments
