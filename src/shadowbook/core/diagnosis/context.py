"""What a diagnosis knows of the world around a book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from shadowbook.core.values import Floats, Sessions


@dataclass(frozen=True, eq=False)
class Context:
    """The market over the backtest and the live span, and what the availability audit said.

    Attributes
    ----------
    sessions : (M,) trading days, ascending; a year before the backtest to the last live day.
    market_returns : (M,) simple returns of the market; NaN = missing.
    factor_returns : name -> (M,) simple returns of a plain factor, such as ``momentum``; the market
        is added from ``market_returns``.
    availability_audit : True where every feature kept to what was known, False where one did not,
        None where the audit was not run.
    availability_note : what the audit said, for a person; one sentence, or empty.
    """

    sessions: Sessions
    market_returns: Floats
    factor_returns: Mapping[str, Floats] = field(default_factory=dict)
    availability_audit: bool | None = None
    availability_note: str = ""

    @classmethod
    def unknown(cls) -> Context:
        """Know nothing: evidence that needs a market is left out."""
        return cls(np.empty(0, dtype="datetime64[D]"), np.empty(0))
