"""A challenger's recipe beside the champion's in paired walk forward, corrected for its trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from shadowbook.core.promotion.matched import sharpe_influence_differences
from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.promotion.snooping import data_snooping_test
from shadowbook.core.promotion.trials import independent_trials
from shadowbook.core.stats.block_length import optimal_block_length
from shadowbook.core.stats.deflation import expected_maximum_sharpe
from shadowbook.core.stats.hac import bandwidth, mean_standard_error
from shadowbook.core.values import Floats


@dataclass(frozen=True, eq=False)
class WalkForwardEvidence:
    """What history says of a challenger; NaN where it cannot be computed.

    Attributes
    ----------
    effect : annual Sharpe ratio, challenger's recipe less champion's.
    standard_error : of it, with autocorrelation.
    p_value : one-sided, of the pair alone (Ledoit & Wolf 2008, HAC).
    snooping_p_value : stepwise p-value among all recipes (Romano & Wolf 2005); NaN with one.
    n_competing : recipes beside the champion's.
    deflated_sharpe : probability that the lead exceeds the best of the trials by luck.
    n_effective_trials : independent trials among the recipes, those without a series counted whole.
    correlation : of both net returns.
    n_sessions : that both were tested in.
    reason : why there is no figure; empty where there is one.
    """

    effect: float = math.nan
    standard_error: float = math.nan
    p_value: float = math.nan
    snooping_p_value: float = math.nan
    n_competing: int = 1
    deflated_sharpe: float = math.nan
    n_effective_trials: float = math.nan
    correlation: float = math.nan
    n_sessions: int = 0
    reason: str = ""


def walk_forward_evidence(
    champion: Floats,
    challenger: str,
    recipes: Mapping[str, Floats],
    rng: np.random.Generator,
    min_sessions: int = 504,
    n_resamples: int = 10_000,
    n_unknown: int = 0,
    periods_per_year: int = 252,
) -> WalkForwardEvidence:
    """Hold a recipe against the champion's where both were tested out of sample.

    Every series is what a book refitted as history went on would have earned. Tested is the
    difference of Sharpe ratios: returns enter by their influence on it, so that a recipe cannot win
    by size. The choice among recipes is paid for twice: by the stepwise p-value, whose resamples
    keep what the recipes have in common, and by the deflated Sharpe ratio of the lead, whose trials
    are all that were ever fitted.

    Parameters
    ----------
    champion : (T,) net returns a session of the champion's recipe; NaN = not tested.
    challenger : name of the recipe that is judged.
    recipes : name -> (T,) likewise of every recipe but the champion's, the challenger's among them.
    rng : of the resamples.
    min_sessions : with fewer in common nothing is computed.
    n_unknown : trials beside them whose returns nobody kept; each counts as independent.

    Raises
    ------
    KeyError
        When the challenger is not among the recipes.
    """
    own = recipes[challenger]
    known = np.isfinite(champion) & np.isfinite(own)
    n = int(known.sum())
    if n < min_sessions:
        why = f"{n:,} sessions of paired walk forward, {min_sessions:,} are needed"
        return WalkForwardEvidence(n_sessions=n, n_competing=len(recipes), reason=why)
    year = math.sqrt(periods_per_year)
    pair = sharpe_difference(own[known], champion[known], "ledoit_wolf_hac")
    if not math.isfinite(pair.p_value):
        why = "returns do not vary"
        return WalkForwardEvidence(n_sessions=n, n_competing=len(recipes), reason=why)
    # Recipes tested in half of the sessions or less say little of the common luck.
    beside = {
        name: series
        for name, series in recipes.items()
        if (np.isfinite(series) & known).sum() * 2 > n
    }
    names = list(beside)
    leads = np.column_stack(
        [sharpe_influence_differences(beside[name], champion) for name in names]
    )
    leads = leads[np.isfinite(leads).all(axis=1)]
    at = names.index(challenger)
    snooped, n_effective = math.nan, 1.0
    if len(names) > 1:
        block = _block(leads[:, at])
        found = data_snooping_test(leads, n_resamples=n_resamples, mean_block=block, rng=rng)
        snooped = float(found.p_values[at])
        n_effective = independent_trials(leads, names)
    n_effective += n_unknown + len(recipes) - len(beside)
    lead = pair.difference
    return WalkForwardEvidence(
        effect=lead * year,
        standard_error=pair.standard_error * year,
        p_value=pair.p_value / 2.0 if lead > 0.0 else 1.0 - pair.p_value / 2.0,
        snooping_p_value=snooped,
        n_competing=len(recipes),
        deflated_sharpe=_deflated(leads, at, n_effective),
        n_effective_trials=n_effective,
        correlation=float(np.corrcoef(own[known], champion[known])[0, 1]),
        n_sessions=n,
    )


def _block(lead: Floats) -> float:
    """Mean block of the stationary bootstrap, from the lead itself."""
    length = optimal_block_length(lead).stationary
    return max(length, 1.0) if math.isfinite(length) else 1.0


def _deflated(leads: Floats, at: int, n_trials: float) -> float:
    """Probability that a lead exceeds the best of its trials by luck.

    Bailey & Lopez de Prado's (2014) deflated ratio of the lead's influence, whose mean is the
    difference of Sharpe ratios; the error is the one with autocorrelation. The variance of the
    trials is at least the lead's sampling variance: a handful of trials may be alike by chance.
    """
    lead = leads[:, at]
    n = len(lead)
    error = mean_standard_error(lead, bandwidth(n))
    if not error > 0.0:
        return math.nan
    spread = float(leads.mean(axis=0).var(ddof=1)) if leads.shape[1] > 1 else 0.0
    luck = expected_maximum_sharpe(n_trials, max(spread, error * error))
    return float(ndtr((float(lead.mean()) - luck) / error))
