"""Features of every symbol and session, computed from what was known at the session's decision."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.learning.catalog import CATALOG, Feature
from shadowbook.core.learning.inputs import Inputs
from shadowbook.core.stats.ranks import centered_ranks
from shadowbook.core.values import BAR_FIELDS, Floats, Panel, Sessions

FEATURE_VERSION = 1
"""Raise it with any change of a definition: a feature log holds one version for good."""

_BLOCK = 65_536  # values in a block of symbols: half a megabyte an array stays in the cache


class FeaturePolicy(BaseModel):
    """Which feature definitions a strategy uses; windows belong to the version."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = Field(1, description="Version of the feature catalog.")


@dataclass(frozen=True, eq=False)
class FeatureCube:
    """Features of a panel.

    Attributes
    ----------
    sessions : (T,) datetime64[D].
    symbols : N names.
    names : K features.
    values : (T, N, K) float64; NaN = not computable then.
    """

    sessions: Sessions
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats


def available_features(fields: Collection[str]) -> tuple[Feature, ...]:
    """Features of the catalog that can be computed from these bar fields, in its order."""
    return tuple(feature for feature in CATALOG if set(feature.needs) <= set(fields))


def feature_names(fields: Collection[str]) -> tuple[str, ...]:
    """Names of the features that can be computed from these bar fields, in their order.

    >>> len(feature_names(["close"])), len(feature_names(["close", "volume"]))
    (25, 29)
    """
    return tuple(feature.name for feature in available_features(fields))


def lookback() -> int:
    """Sessions before the decision session that the longest feature reads.

    >>> lookback()
    252
    """
    return max(feature.lookback for feature in CATALOG)


def build_features(panel: Panel) -> FeatureCube:
    """Compute every feature the panel's fields allow.

    A value depends on nothing but the rows ``t - lookback .. t``, to the last bit: the same
    panel cut after ``t``, or begun at ``t - lookback()``, gives the same value. Features other
    than cross-sectional ranks depend on their own symbol and on the market alone (the market is
    the index, or without one the equal-weighted universe).

    Parameters
    ----------
    panel : prices as known at one moment.

    Returns
    -------
    FeatureCube with values (T, N, K). A value is NaN where the symbol's price, or another field
    the feature needs, is missing (or not positive; for volume, negative) in any of the sessions
    ``t - lookback .. t`` of that feature: while warming up, over a quarantine and one window
    after it. It is NaN too where it is not defined: beta, correlation, skewness and ratios over
    a window without movement. Ranks need two names.
    """
    features = available_features(panel.fields)
    shape = panel.prices.shape
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        market = panel.market_returns
        values = np.empty((*shape, len(features)))
        width = max(1, _BLOCK // max(shape[0], 1))
        for begin in range(0, shape[1], width):
            columns = slice(begin, begin + width)
            block = Inputs(
                panel.sessions,
                panel.prices[:, columns],
                {name: v[:, columns] for name, v in panel.fields.items()},
                market,
            )
            values[:, columns] = _computed(features, block).transpose(1, 2, 0)
    names = [feature.name for feature in features]
    for k, feature in enumerate(features):
        if feature.rank_of is not None:
            ranked = np.ascontiguousarray(values[:, :, names.index(feature.rank_of)])
            values[:, :, k] = centered_ranks(ranked)
    return FeatureCube(panel.sessions, panel.symbols, tuple(names), values)


def fingerprint(fields: Collection[str]) -> str:
    """SHA-256 of what the code computes, so that a log notices a changed definition.

    Parameters
    ----------
    fields : bar fields the source has.

    Returns
    -------
    Hex digest over the version, the names and the values on a fixed made-up panel, rounded to
    nine significant digits so that another machine's last bits do not change it.
    """
    cube = build_features(_specimen(fields))
    digest = hashlib.sha256(f"{FEATURE_VERSION}:{','.join(cube.names)}\n".encode())
    digest.update("\n".join(f"{value:.8e}" for value in cube.values.ravel()).encode())
    return digest.hexdigest()


def _computed(features: tuple[Feature, ...], block: Inputs) -> Floats:
    """Compute the features of a block of symbols, (K, T, n); ranks are left NaN."""
    values = np.full((len(features), *block.price.shape), np.nan)
    known = {needs: block.sessions_known(needs) for needs in {f.needs for f in features}}
    for k, feature in enumerate(features):
        if feature.compute is not None:
            computed = feature.compute(block)
            usable = (known[feature.needs] > feature.lookback) & np.isfinite(computed)
            np.copyto(values[k], computed, where=usable)
    return values


def _specimen(fields: Collection[str]) -> Panel:
    """Build a small panel from integers alone: the same on every machine and numpy.

    It has a missing price, a symbol that stands still and tied scores, so a change of how those
    are treated shows too.
    """
    rows, names = lookback() + 24, 5
    steps = np.arange(rows * names, dtype=np.int64).reshape(rows, names)
    noise = (steps * steps * 7_919 + steps * 104_729) % 2_003 / 2_003.0
    walk = 50.0 + np.cumsum(noise - 0.5, axis=0)
    walk[:, 1] = 20.0
    walk[40, 2] = np.nan
    walk[:, 4] = walk[:, 3]
    spread = 0.01 + noise[::-1] / 50.0
    made = {
        "open": walk * (1.0 + spread / 2.0),
        "high": walk * (1.0 + spread),
        "low": walk * (1.0 - spread),
        "close": walk,
        "adjusted_close": walk * 0.5,
        "volume": np.floor(1e6 * noise),
    }
    sessions = np.datetime64("2001-01-01", "D") + np.arange(rows)
    return Panel(
        sessions=sessions,
        symbols=tuple("ABCDE"),
        fields={name: made[name] for name in BAR_FIELDS if name in set(fields)},
        references={"index": 1_000.0 + np.cumsum(noise[::-1, 0] - 0.4)},
        decided_at=sessions.astype("datetime64[us]"),
    )
