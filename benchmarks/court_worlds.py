"""Simulated books for the court: a champion, recipes that compete with it, and one's shadow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from shadowbook.core.promotion.shadow import SideBySide

YEAR, HISTORY, MONTH = 252, 2016, 21
N_RECIPES = 3
"""Recipes beside the champion's that a run tries."""
VOLATILITY = 0.01
BURN_IN = 100


@dataclass(frozen=True)
class World:
    """What returns are like.

    Attributes
    ----------
    correlation : of any two books.
    phi : first autocorrelation of every book.
    tails : normal, or Student's t with 4 degrees of freedom.
    sharpe : annual, of the champion and of every recipe that is its equal.
    lead : annual Sharpe ratio of the planted recipe, the first of a run, above it.
    """

    correlation: float
    phi: float = 0.0
    tails: str = "normal"
    sharpe: float = 0.8
    lead: float = 0.0


@dataclass(frozen=True, eq=False)
class Run:
    """A run's recipes beside the champion's, and the shadow book of the one that was best.

    Attributes
    ----------
    champion : (T,) walk forward of the champion's recipe.
    recipes : name -> (T,) likewise of the others.
    chosen : the one with the highest Sharpe ratio.
    shadow, capital : (S,) of the chosen one and of the champion after that.
    """

    champion: np.ndarray
    recipes: dict[str, np.ndarray]
    chosen: str
    shadow: np.ndarray
    capital: np.ndarray


def drawn(rng: np.random.Generator, length: int, n: int, world: World) -> np.ndarray:
    """Draw (length, n) independent series with variance 1."""
    shape = (BURN_IN + length, n)
    if world.tails == "t(4)":
        shocks = rng.standard_t(4.0, size=shape) / math.sqrt(2.0)
    else:
        shocks = rng.standard_normal(shape)
    if world.phi:
        scale = math.sqrt(1.0 - world.phi**2)
        shocks = lfilter([scale], [1.0, -world.phi], shocks, axis=0)
    return shocks[BURN_IN:]


def returns(world: World, common: np.ndarray, own: np.ndarray, sharpe: float) -> np.ndarray:
    """Join what all books share with what is a book's own."""
    share = world.correlation
    mixed = math.sqrt(share) * common + math.sqrt(1.0 - share) * own
    return VOLATILITY * (mixed + sharpe / math.sqrt(YEAR))


def year(rng: np.random.Generator, world: World, n_runs: int = 1, shadow: int = YEAR) -> list[Run]:
    """Draw one strategy's year: a run each month, with fresh recipes, on eight years of history."""
    length = HISTORY + (n_runs - 1) * MONTH + shadow
    common = drawn(rng, length, 1, world)
    champion = returns(world, common, drawn(rng, length, 1, world), world.sharpe)[:, 0]
    found = []
    for month in range(n_runs):
        first = month * MONTH
        rows = slice(first, first + HISTORY + shadow)
        own = drawn(rng, HISTORY + shadow, N_RECIPES, world)
        table = returns(world, common[rows], own, world.sharpe)
        table[:, 0] += VOLATILITY * world.lead / math.sqrt(YEAR)
        past = table[:HISTORY]
        best = int(np.argmax(past.mean(axis=0) / past.std(axis=0)))
        found.append(
            Run(
                champion=champion[rows][:HISTORY],
                recipes={f"recipe {k}": past[:, k] for k in range(N_RECIPES)},
                chosen=f"recipe {best}",
                shadow=table[HISTORY:, best],
                capital=champion[rows][HISTORY:],
            )
        )
    return found


def side_by_side(
    shadow: np.ndarray, capital: np.ndarray, score_correlation: float = 0.9
) -> SideBySide:
    """Hold two books side by side that cost the same."""
    n = len(shadow)
    ones = np.ones(n)
    return SideBySide(
        sessions=np.datetime64("2020-01-01", "D") + np.arange(n),
        challenger=shadow,
        champion=capital,
        challenger_cost=-1e-4 * ones,
        champion_cost=-1e-4 * ones,
        challenger_turnover=ones,
        champion_turnover=ones,
        correlation=score_correlation * ones,
        agreement=score_correlation * ones,
    )
