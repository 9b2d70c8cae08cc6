"""The simulated operator: the rules by which a replay answers where a policy asks a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.values import Floats


class OperatorPolicy(BaseModel):
    """What the simulated operator answers; a real workspace refuses its acts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    promote: Literal["never", "court", "newest", "better_shadow"] = Field(
        "court",
        description="Which challenger it makes champion: none; the one that the court promotes; "
        "or, without asking the court, the newest one, or the one whose shadow book is furthest "
        "ahead of the champion after costs, each over its own sessions.",
    )
    after_sessions: int = Field(
        63,
        ge=1,
        le=10_000,
        description="Sessions a shadow book has run before it is considered without the court.",
    )
    close_after_sessions: int | None = Field(
        5,
        ge=1,
        le=252,
        description="Whole sessions that an incident stays open; it is acknowledged after the next "
        "one. null: never.",
    )


class ReplayPolicy(BaseModel):
    """How history is replayed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    models: Literal["retrain", "registered"] = Field(
        "retrain",
        description="retrain: models are fitted as the replay goes; registered: the registry's, "
        "each from the session on that it was trained as of.",
    )
    retrain_sessions: int | None = Field(
        252, ge=1, le=10_000, description="Sessions from a retraining to the next; null: only one."
    )
    retrain_on_drift: bool = Field(
        True,
        description="Whether drift and decay together start a retraining between the regular ones, "
        "as drift.retrain allows.",
    )
    n_splits: int | None = Field(
        2,
        ge=1,
        le=100,
        description="Folds of a retraining in a replay; null: learning.splits.n_splits.",
    )
    operator: OperatorPolicy = OperatorPolicy()


def chosen(
    champion: Floats, shadows: Mapping[int, Floats], policy: OperatorPolicy
) -> tuple[int, str] | None:
    """Say which challenger the simulated operator makes champion, and why.

    Parameters
    ----------
    champion : (T,) net returns of the champion book up to now.
    shadows : version -> (S,) net returns of its shadow book up to now, S <= T; NaN counts as 0.

    Returns
    -------
    Version and reason; None when the champion stays. Growth is compared over the shadow book's own
    sessions. Equal growth goes to the newest.

    >>> rules = OperatorPolicy(promote="better_shadow", after_sessions=2)
    >>> chosen(np.array([0.0, 0.01, 0.0]), {2: np.array([0.02, 0.01])}, rules)
    (2, 'shadow book 2 made +3.02% in 2 sessions, the champion +1.00%')
    >>> chosen(np.array([0.0, 0.01, 0.0]), {2: np.array([0.02])}, rules) is None
    True
    """
    ripe = {v: r for v, r in shadows.items() if len(r) >= policy.after_sessions}
    if policy.promote in ("never", "court") or not ripe:
        return None
    if policy.promote == "newest":
        version = max(ripe)
        return version, f"newest challenger, {len(ripe[version])} sessions in its shadow book"
    found = []
    for version, returns in ripe.items():
        ahead = _growth(returns) - _growth(champion[len(champion) - len(returns) :])
        if ahead > 0.0:
            found.append((ahead, version))
    if not found:
        return None
    version = max(found)[1]
    own = _growth(ripe[version])
    its = _growth(champion[len(champion) - len(ripe[version]) :])
    return version, (
        f"shadow book {version} made {own:+.2%} in {len(ripe[version])} sessions, the champion "
        f"{its:+.2%}"
    )


def _growth(returns: Floats) -> float:
    # What is lost is lost: two losses of more than all must not multiply to a gain.
    return float(np.prod(np.maximum(1.0 + np.nan_to_num(returns, nan=0.0), 0.0))) - 1.0
