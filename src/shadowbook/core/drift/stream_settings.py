"""What the detectors of a version's books are set to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np

from shadowbook.core.drift.detectors import PAPER, Detector
from shadowbook.core.drift.found import Status
from shadowbook.core.drift.policy import StreamPolicy
from shadowbook.core.drift.run_lengths import WARM_UP, calibrated
from shadowbook.core.drift.streams import StreamName, errors
from shadowbook.core.values import Floats

DETECTORS: Mapping[StreamName, Detector] = MappingProxyType(
    {"direction_error": "DDM", "scaled_error": "ADWIN"}
)
SESSIONS_A_YEAR = 252


@dataclass(frozen=True)
class DetectorSetting:
    """A detector as it watches one stream.

    Attributes
    ----------
    setting : ``paper`` or ``calibrated``; the calibrated one decides.
    parameters : of the detector; empty where not computable.
    run_length_wanted : observations; NaN for the paper's settings.
    run_length, run_length_is_bound : see `RunLength`; NaN where not computable.
    """

    stream: StreamName
    detector: Detector
    setting: Literal["paper", "calibrated"]
    parameters: Mapping[str, float]
    run_length_wanted: float
    run_length: float
    run_length_is_bound: bool
    status: Status = "OK"
    reason: str = ""


@dataclass(frozen=True)
class StreamSettings:
    """What the detectors of a version's books are set to, made once a version.

    Attributes
    ----------
    horizon : sessions a score speaks about, and from one observation to the next.
    n_reference : known observations of the backtest.
    warm_up : the last of its information coefficients, oldest first, at most `WARM_UP`.
    detectors : for each stream the paper's setting and the calibrated one.
    """

    horizon: int
    n_reference: int
    warm_up: tuple[float, ...]
    detectors: tuple[DetectorSetting, ...]

    def plain(self) -> dict[str, Any]:
        """Return what JSON can keep; NaN as null."""
        rows = [
            {name: _plain(value) for name, value in vars(one).items()} for one in self.detectors
        ]
        return {**vars(self), "warm_up": list(self.warm_up), "detectors": rows}

    @classmethod
    def of_plain(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `plain` returned."""
        return cls(
            horizon=int(kept["horizon"]),
            n_reference=int(kept["n_reference"]),
            warm_up=tuple(kept["warm_up"]),
            detectors=tuple(
                DetectorSetting(
                    **{
                        **one,
                        "run_length_wanted": _number(one["run_length_wanted"]),
                        "run_length": _number(one["run_length"]),
                    }
                )
                for one in kept["detectors"]
            ),
        )


def stream_settings(
    reference_information_coefficient: Floats,
    horizon: int,
    policy: StreamPolicy,
    rng: np.random.Generator,
) -> StreamSettings:
    """Calibrate the detectors of a version on its out-of-sample backtest.

    Parameters
    ----------
    reference_information_coefficient : (S,) by tested session (`Backtest`); NaN = not computable.
        Every ``horizon``-th row from the first counts: rows that are left out between folds only
        move labels further apart.
    horizon : sessions a score speaks about.
    policy : years between false alarms and how many histories measure them.
    rng : source of randomness.

    Raises
    ------
    ValueError
        When a coefficient is infinite or beyond 1, or the horizon is below 1.
    """
    if horizon < 1:
        raise ValueError(f"horizon is {horizon}: it must be at least 1 session")
    thinned = np.asarray(reference_information_coefficient, dtype=np.float64)[::horizon]
    wanted = policy.years_between_false_alarms * SESSIONS_A_YEAR / horizon
    found: list[DetectorSetting] = []
    for stream, detector in DETECTORS.items():
        made = calibrated(errors(stream, thinned), detector, wanted, policy.n_histories, rng)
        found += [
            DetectorSetting(
                stream, detector, "paper", PAPER[detector], math.nan, *made.paper_run_length
            ),
            DetectorSetting(
                stream,
                detector,
                "calibrated",
                made.parameters,
                wanted,
                *made.run_length,
                made.status,
                made.reason,
            ),
        ]
    known = thinned[np.isfinite(thinned)]
    return StreamSettings(horizon, len(known), tuple(known[-WARM_UP:].tolist()), tuple(found))


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(kept: float | None) -> float:
    return math.nan if kept is None else kept
