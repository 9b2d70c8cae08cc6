"""What a version is held against to see drift: made with it, kept with its training run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.audit import digest
from shadowbook.core.drift.calibration import Calibration, Sample, calibrate
from shadowbook.core.drift.explanations import attribute
from shadowbook.core.drift.false_alarms import measure_false_alarms
from shadowbook.core.drift.stream_settings import StreamSettings, stream_settings
from shadowbook.core.drift.summaries import (
    AttributionSummary,
    chosen_sessions,
    common_step,
    summary_of,
)
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.fit import predict_scores, usable_rows
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats
from shadowbook.settings import Settings
from shadowbook.steps.drift_samples import outcomes_of, samples_of


@dataclass(frozen=True, eq=False)
class DriftProfile:
    """A version's reference.

    Attributes
    ----------
    calibration : columns with what their distances come to when nothing changed.
    streams : detectors of concept drift, set on the backtest.
    attributions : of the reference's sessions; None where they were not made.
    unexplained : why not, in one sentence.
    """

    calibration: Calibration
    streams: StreamSettings
    attributions: AttributionSummary | None
    unexplained: str = ""


def profile_of(
    dataset: Dataset, estimator: object, backtest: Backtest, settings: Settings, strategy: str
) -> DriftProfile:
    """Make the profile of a model that was fitted on a dataset.

    Predictions are the final model's on the reference's rows: how they are distributed follows
    from features alone, whatever the model has seen of their labels.

    Raises
    ------
    ValueError
        See `calibration.calibrate`.
    """
    policy = settings.drift
    samples = _samples(dataset, estimator, settings, strategy)
    draws, alarms, streams = _generators(settings.seed, strategy, dataset)
    calibration = calibrate(samples, _reference(dataset.sessions, settings), policy, draws)
    measured = measure_false_alarms(samples, policy, alarms)
    features = _reference(dataset.features, settings)
    step = common_step(policy.windows[-1], features.shape[1], policy.attributions.rows)
    attributions, reason = attributed(features, dataset.names, estimator, settings, step)
    return DriftProfile(
        calibration=replace(calibration, false_alarms=measured),
        streams=stream_settings(
            backtest.information_coefficient,
            settings.strategy(strategy).horizon,
            policy.streams,
            streams,
        ),
        attributions=attributions,
        unexplained=reason,
    )


def calibration_of(
    dataset: Dataset, estimator: object, settings: Settings, strategy: str
) -> Calibration:
    """Make the part of a profile that scans are judged by, its false alarms not measured."""
    samples = _samples(dataset, estimator, settings, strategy)
    draws = _generators(settings.seed, strategy, dataset)[0]
    return calibrate(samples, _reference(dataset.sessions, settings), settings.drift, draws)


def _samples(
    dataset: Dataset, estimator: object, settings: Settings, strategy: str
) -> tuple[Sample, ...]:
    features = _reference(dataset.features, settings)
    scores = predict_scores(estimator, features, settings.learning.min_feature_share)
    horizon = settings.strategy(strategy).horizon
    outcomes = outcomes_of(_reference(dataset.prices, settings), horizon)
    return samples_of(dataset.names, features, scores, outcomes, horizon)


def _reference(rows: NDArray[Any], settings: Settings) -> NDArray[Any]:
    """Cut the reference's sessions out of all that a model was fitted on."""
    return rows[-settings.drift.reference_sessions :]


def attributed(
    features: Floats, names: tuple[str, ...], estimator: object, settings: Settings, step: int
) -> tuple[AttributionSummary | None, str]:
    """Attribute a model's predictions on every ``step``-th session of a panel (T, N, K)."""
    chosen = features[chosen_sessions(len(features), step)]
    usable = usable_rows(chosen, settings.learning.min_feature_share)
    if not usable.any():
        return None, "no row has enough features to be explained"
    found = attribute(estimator, chosen[usable], names)
    if found.status != "OK":
        return None, found.reason
    return summary_of(found.values, np.nonzero(usable)[0], step), ""


def _generators(seed: int, strategy: str, dataset: Dataset) -> list[np.random.Generator]:
    """Return children of one source that is the same for the same training moment."""
    last = str(dataset.sessions[-1])
    root = digest({"strategy": strategy, "last": last, "seed": seed, "use": "drift"})
    return np.random.default_rng(int(root[:16], 16)).spawn(3)
