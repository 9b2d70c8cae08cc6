"""Whether a broker holds what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """A symbol that the two do not agree on; whole shares, 0 = not held."""

    symbol: str
    ledger: int
    broker: int


def reconcile(ledger: Mapping[str, int], broker: Mapping[str, int]) -> tuple[Difference, ...]:
    """Compare holdings, symbol by symbol.

    Parameters
    ----------
    ledger, broker : symbol -> whole shares, signed; a symbol that is not there is held 0 times.

    Returns
    -------
    What differs, in order of symbols; empty when they agree.

    >>> reconcile({"KO": 5, "GE": 0}, {"KO": 5, "IBM": -2})
    (Difference(symbol='IBM', ledger=0, broker=-2),)
    """
    return tuple(
        Difference(symbol, ledger.get(symbol, 0), broker.get(symbol, 0))
        for symbol in sorted({*ledger, *broker})
        if ledger.get(symbol, 0) != broker.get(symbol, 0)
    )
