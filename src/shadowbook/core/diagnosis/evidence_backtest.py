"""Pieces of evidence in the backtest itself: luck of many trials, and knowledge of the future."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence import Expected, Piece, likelihoods
from shadowbook.core.diagnosis.evidence_states import SIDES, State
from shadowbook.core.diagnosis.findings import Mechanism
from shadowbook.core.stats.change_point import linear_trend
from shadowbook.core.stats.deflation import deflated_distance
from shadowbook.core.stats.overfitting import probability_of_backtest_overfitting
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats

_FEWEST_TRIALS = 5
"""Fewer trials cannot have been lucky enough to matter, and their ranks say little."""


def _expected(
    overfitting: tuple[float, float], look_ahead: tuple[float, float], others: tuple[float, float]
) -> Expected:
    return {
        Mechanism.OVERFITTING: overfitting,
        Mechanism.LOOK_AHEAD: look_ahead,
        Mechanism.REGIME_CHANGE: others,
        Mechanism.CROWDING: others,
    }


DEFLATED = "deflated Sharpe ratio"
"""Name of the piece that tells luck of many trials."""

_DEFLATED = _expected((0.0, 0.8), (4.0, 2.5), (3.0, 2.0))
"""Standard errors of the backtest's Sharpe ratio above the best that luck gives: the largest of
many normals has a standard deviation of about a half."""

_OVERFITTING = _expected((0.45, 0.2), (0.02, 0.1), (0.05, 0.12))
"""Probability of backtest overfitting."""

_LAGGED = _expected((0.75, 0.3), (0.05, 0.15), (0.7, 0.35))
"""Share of the information coefficient that is left when scores are a session old."""

_SHARPE_A_YEAR = _expected((1.5, 1.0), (4.0, 3.0), (2.0, 1.5))


def backtest_pieces(
    backtest: Backtest, live: LiveRecord, context: Context, state: State | None
) -> list[Piece]:
    """Take deflated Sharpe, overfitting, availability audit, lagged scores and plausibility.

    Pieces without likelihoods could not be computed, and say so. Where the backtest pays by a
    state of the market beyond doubt, luck is judged within the side that paid more: an edge that
    half the sessions lack looks small, and close to luck, over all of them.
    """
    return [
        *_luck(backtest, state),
        _audit(context),
        _lag(backtest, live, context),
        _level(backtest),
    ]


def _luck(backtest: Backtest, state: State | None) -> list[Piece]:
    n_tried = len(backtest.candidates)
    if n_tried < _FEWEST_TRIALS:
        few = f"{n_tried} recorded trials are too few to have been lucky"
        return [
            Piece(DEFLATED, math.nan, few),
            Piece("probability of backtest overfitting", math.nan, few),
        ]
    net, trials, looks, where = backtest.net, _trials(backtest), 1, ""
    if state is not None and state.tells:
        # The side was picked among several: each is one more trial of every rule.
        net, trials, looks = net[state.better], trials[state.better], SIDES
        where = f", in {state.better_name} markets, where the backtest pays"
    distance, effective = deflated_distance(net, trials, looks)
    overfitting = probability_of_backtest_overfitting(trials)
    return [
        Piece(
            DEFLATED,
            float(ndtr(distance)),
            f"deflated Sharpe ratio {ndtr(distance):.2f} after {n_tried} trials, "
            f"{effective:.1f} of them independent{where}",
            likelihoods(distance, 0.0, _DEFLATED),
        ),
        Piece(
            "probability of backtest overfitting",
            overfitting,
            f"probability of backtest overfitting {overfitting:.2f}{where}",
            likelihoods(overfitting, 0.05, _OVERFITTING),
            share=0.5,  # the same trials speak as in the deflated ratio
        ),
    ]


def _trials(backtest: Backtest) -> Floats:
    """(T, M) returns of the trials, over the rows that all of them have."""
    return np.column_stack([backtest.candidates[name] for name in sorted(backtest.candidates)])


def _audit(context: Context) -> Piece:
    name, note = "availability audit", context.availability_note
    if context.availability_audit is None:
        return Piece(name, math.nan, note or "the availability audit was not run")
    if context.availability_audit:
        sentence = note or "every feature kept to what was known at its time"
        return Piece(name, 1.0, sentence, _only_look_ahead(0.3))
    sentence = note or "a feature used what was not known at its time"
    return Piece(name, 0.0, sentence, _only_look_ahead(1e5), decisive=True)


def _only_look_ahead(times: float) -> dict[Mechanism, float]:
    return {m: times if m is Mechanism.LOOK_AHEAD else 1.0 for m in Mechanism}


def _lag(backtest: Backtest, live: LiveRecord, context: Context) -> Piece:
    """Set the coefficient of scores a session old against that of fresh ones, in the backtest."""
    ratio, error = _kept(backtest.information_coefficient, backtest.lagged_ic, backtest.horizon)
    if not math.isfinite(ratio):
        sentence = "what lagged scores are worth cannot be told from the backtest"
        return Piece("lagged by a session", math.nan, sentence)
    sentence = (
        f"scores a session old keep {ratio:.0%} (give or take {error:.0%}) of the backtest's "
        "information coefficient"
    )
    live_ratio, live_error = _kept(live.information_coefficient, live.lagged_ic, backtest.horizon)
    alike = abs(live_ratio - ratio) <= 2.0 * math.hypot(error, live_error)
    share = 1.0
    if context.availability_audit and alike and live_error < 0.5:
        # An honest short-term reversal forgets as quickly, and does so in live as well.
        share, sentence = 0.25, f"{sentence}, and so do live's: a fast signal, by itself no leak"
    return Piece("lagged by a session", ratio, sentence, likelihoods(ratio, error, _LAGGED), share)


def _kept(fresh: Floats, lagged: Floats, horizon: int) -> tuple[float, float]:
    """Mean of lagged coefficients over that of fresh ones, and its error by the delta method."""
    paired = np.isfinite(fresh) & np.isfinite(lagged)
    level = linear_trend(fresh[paired], horizon)
    if not level.level > 2.0 * level.level_error:
        return math.nan, math.nan
    ratio = float(lagged[paired].mean()) / level.level
    residual = linear_trend(lagged[paired] - ratio * fresh[paired], horizon)
    return ratio, residual.level_error / level.level


def _level(backtest: Backtest) -> Piece:
    signal = backtest.signal[np.isfinite(backtest.signal)]
    if len(signal) < 63 or not signal.std() > 1e-12:
        return Piece("backtest's Sharpe ratio", math.nan, "the backtest has no Sharpe ratio")
    annual = float(signal.mean() / signal.std(ddof=1)) * math.sqrt(252.0)
    error = math.sqrt(252.0 / len(signal))
    return Piece(
        "backtest's Sharpe ratio",
        annual,
        f"the backtest's signal has a Sharpe ratio of {annual:.1f} a year",
        likelihoods(annual, error, _SHARPE_A_YEAR),
        share=0.25,  # a high one is no more than odd: alone it must not name a leak
    )
