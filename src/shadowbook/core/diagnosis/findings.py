"""What a diagnosis says: which layer diverges, what decay looks like, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Layer(StrEnum):
    """Stations of a trading day, from cause to effect."""

    RAW_DATA = "raw data"
    FEATURES = "features"
    PREDICTIONS = "predictions"
    TARGETS = "targets"
    ORDERS = "orders"
    FILLS = "fills"


class DiagnosisVerdict(StrEnum):
    """What is wrong."""

    TECHNICAL = "technical"
    """Live did something else than the pinned code does on the recorded data: fix it."""
    STATISTICAL = "statistical"
    """Live did what it should, and it pays less than it did."""
    BOTH = "both"
    NONE = "none"
    INCONCLUSIVE = "inconclusive"


class Mechanism(StrEnum):
    """Why a strategy pays less than its backtest."""

    OVERFITTING = "overfitting"
    LOOK_AHEAD = "look-ahead"
    REGIME_CHANGE = "regime change"
    CROWDING = "crowding"


@dataclass(frozen=True)
class LayerComparison:
    """One layer of one or more sessions: recorded against rebuilt.

    Attributes
    ----------
    cells : compared.
    diverging : of them different; one that only one side has differs.
    largest : largest absolute difference where both are numbers; 0 where none differs, NaN where
        every difference is a missing cell.
    first_session, last_session : of the first and the last difference; None where there is none.
    where : up to five of the first session's, such as
        ``AAPL momentum_21: 0.1 recorded, 0.2 rebuilt``.
    """

    layer: Layer
    cells: int
    diverging: int
    largest: float
    first_session: date | None = None
    where: tuple[str, ...] = ()
    last_session: date | None = None


@dataclass(frozen=True)
class Evidence:
    """One fact that speaks for or against a mechanism.

    Attributes
    ----------
    value : NaN where it cannot be computed.
    weight : what it adds to the mechanism's score, below 0 where it speaks against it.
    sentence : what it says, for a person.
    """

    name: str
    value: float
    weight: float
    sentence: str


@dataclass(frozen=True)
class Weighed:
    """A mechanism, its score and what that is made of."""

    mechanism: Mechanism
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Decay:
    """Whether live pays less than the backtest.

    Attributes
    ----------
    decayed : True, False, or None where it cannot be told.
    p_value : one-sided, of the null that live is as good as the backtest; NaN where not computable.
    mechanisms : most likely first, where ``decayed`` is True or None; empty where it is False or
        nothing could be compared.
    most_consistent_with : the first of them, None where the evidence does not tell them apart.
    baseless : True where ``decayed`` is None and neither the backtest, after its trials, nor live
        shows an edge.
    """

    decayed: bool | None
    p_value: float
    reasons: tuple[str, ...]
    mechanisms: tuple[Weighed, ...] = ()
    most_consistent_with: Mechanism | None = None
    baseless: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """The verdict and what it rests on.

    Attributes
    ----------
    layers : every layer, from cause to effect.
    first_layer : the first that diverges.
    retraining_blocked : True where a bug would be trained into the model.
    """

    verdict: DiagnosisVerdict
    layers: tuple[LayerComparison, ...]
    first_layer: Layer | None
    decay: Decay | None
    reasons: tuple[str, ...]
    retraining_blocked: bool
