"""Training windows: which sessions a fit learns from, and how much each of them counts."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shadowbook.core.values import Floats

_OWN = {"rolling": "sessions", "recency_weighted": "half_life_sessions"}
"""The key that a kind of window needs; it belongs to no other kind."""


class WindowPolicy(BaseModel):
    """What a fit learns from, of the sessions that it may see.

    >>> WindowPolicy(kind="rolling", sessions=1260).first(2000)
    740
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["expanding", "rolling", "recency_weighted"] = Field(
        "expanding",
        description="expanding: all history alike; rolling: the newest sessions alone; "
        "recency_weighted: all history, a session's weight halves with its age.",
    )
    sessions: int | None = Field(
        None,
        ge=1,
        le=25_200,
        validate_default=True,
        description="Newest training sessions that a rolling window keeps; null for other kinds.",
    )
    half_life_sessions: float | None = Field(
        None,
        ge=1.0,
        le=25_200.0,
        validate_default=True,
        description="Sessions in which a recency weight halves; null for other kinds.",
    )

    @field_validator("sessions", "half_life_sessions", mode="after")
    @classmethod
    def _of_its_kind(cls, given: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind")
        if kind is None:  # the kind itself was refused: its own error says so
            return given
        if _OWN.get(kind) == info.field_name:
            if given is None:
                raise ValueError(f"must be a number of sessions: a {kind} window needs it")
        elif given is not None:
            raise ValueError(f"does not belong to a window of kind {kind}: leave it out")
        return given

    def first(self, n_sessions: int) -> int:
        """Return the first of ``n_sessions`` training sessions, in time order, that is kept."""
        return 0 if self.sessions is None else max(0, n_sessions - self.sessions)


def recency_weights(sessions: NDArray[np.int64], policy: WindowPolicy) -> Floats | None:
    """Weigh training rows by their age.

    Parameters
    ----------
    sessions : (R,) number of the session that each row belongs to, at least one.
    policy : kind and half-life.

    Returns
    -------
    (R,) weights 0.5^(age / half-life), age in sessions from the newest row's, scaled to a mean of
    1 so that penalties keep their meaning; None where all rows count alike.

    >>> recency_weights(
    ...     np.array([0, 1, 2]), WindowPolicy(kind="recency_weighted", half_life_sessions=1)
    ... ) * 7
    array([ 3.,  6., 12.])
    """
    if policy.half_life_sessions is None:
        return None
    age = sessions.max() - sessions
    weights: Floats = np.exp2(-age / policy.half_life_sessions)
    return weights * (len(weights) / np.sum(weights))
