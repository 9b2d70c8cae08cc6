"""Which of four mechanisms the shortfall of live is most consistent with.

Every piece of evidence is a number with a standard error, and each mechanism says beforehand what
it should be. What a piece adds to a mechanism is the logarithm of how much likelier the number is
under it than under the average of the four (each equally likely before), so an uncertain number
adds little to any, and one that all predict alike adds nothing. No piece alone adds or takes more
than three, except a failed availability audit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence import Piece, live_pieces
from shadowbook.core.diagnosis.evidence_backtest import backtest_pieces
from shadowbook.core.diagnosis.evidence_market import market_pieces
from shadowbook.core.diagnosis.evidence_states import state_piece, strongest_state
from shadowbook.core.diagnosis.findings import Evidence, Mechanism, Weighed
from shadowbook.core.track import Backtest, LiveRecord

_MOST = 3.0
_TELLING = 0.05
"""A smaller weight says nothing, and the piece is not listed."""


def weigh(backtest: Backtest, live: LiveRecord, context: Context) -> tuple[Weighed, ...]:
    """Weigh the four mechanisms against each other.

    Parameters
    ----------
    backtest, live : the launch baseline and the book since.
    context : the market around both; what it does not know adds nothing.

    Returns
    -------
    All four, most likely first; a score is the sum of its evidence's weights (log likelihood).
    Scores tell the mechanisms apart, not whether anything decayed.
    """
    state = strongest_state(backtest, live, context)
    pieces = [
        *live_pieces(backtest, live),
        *backtest_pieces(backtest, live, context, state),
        state_piece(backtest, live, state),
        *market_pieces(backtest, live, context),
    ]
    weighed = [_weighed(mechanism, pieces) for mechanism in Mechanism]
    return tuple(sorted(weighed, key=lambda w: -w.score))


def most_consistent_with(weighed: Sequence[Weighed], margin: float) -> Mechanism | None:
    """Name the first mechanism where it leads the second by a margin.

    Parameters
    ----------
    weighed : as `weigh` returns them.
    margin : lead in log likelihood that is enough.

    Returns
    -------
    Mechanism; None where the evidence does not tell them apart.
    """
    if len(weighed) < 2:
        return None
    first, second = weighed[:2]
    lead = first.score - second.score
    return first.mechanism if lead > 0.0 and lead >= margin * (1.0 - 1e-9) else None


def _weighed(mechanism: Mechanism, pieces: Sequence[Piece]) -> Weighed:
    evidence = [
        Evidence(piece.name, piece.value, _weight(piece, mechanism), piece.sentence)
        for piece in pieces
    ]
    told = [e for e in evidence if abs(e.weight) >= _TELLING]
    told.sort(key=lambda e: -e.weight)
    return Weighed(mechanism, math.fsum(e.weight for e in evidence), tuple(told))


def _weight(piece: Piece, mechanism: Mechanism) -> float:
    if not piece.likelihoods:
        return 0.0
    average = math.fsum(piece.likelihoods.values()) / len(piece.likelihoods)
    if piece.decisive:
        return math.log(piece.likelihoods[mechanism] / average)
    weight = piece.share * math.log(piece.likelihoods[mechanism] / average)
    return min(max(weight, -_MOST), _MOST)
