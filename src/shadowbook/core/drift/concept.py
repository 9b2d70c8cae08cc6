"""What the detectors say of a live book's errors."""

from __future__ import annotations

import numpy as np

from shadowbook.core.drift.detectors import Detection, detect
from shadowbook.core.drift.found import StreamReading
from shadowbook.core.drift.stream_settings import DetectorSetting, StreamSettings
from shadowbook.core.drift.streams import MaturedSkill, errors, matured_skill
from shadowbook.core.values import Floats, Sessions

NO_LABEL = "no label of the stream's sessions has matured yet"


def stream_readings(
    sessions: Sessions,
    information_coefficient: Floats,
    settings: StreamSettings,
    calendar: Sessions | None = None,
    anchor: np.datetime64 | None = None,
) -> tuple[StreamReading, ...]:
    """Run the detectors over the errors of a book, each at the paper's settings and calibrated.

    Every detector first sees the end of the version's backtest, where its alarms are not told (see
    `stream_settings`); positions count from the first live observation.

    Parameters
    ----------
    sessions, information_coefficient, calendar, anchor : see `matured_skill`.
    settings : of the version that scored.

    Returns
    -------
    In order of ``settings.detectors``. NOT_COMPUTABLE where the settings are, or where no label has
    matured yet; without alarms then.

    Raises
    ------
    ValueError
        As `matured_skill`.
    """
    live = matured_skill(
        sessions, information_coefficient, settings.horizon, calendar=calendar, anchor=anchor
    )
    return tuple(_read(live, one, settings) for one in settings.detectors)


def _read(live: MaturedSkill, setting: DetectorSetting, settings: StreamSettings) -> StreamReading:
    before = errors(setting.stream, np.array(settings.warm_up))
    values = errors(setting.stream, live.information_coefficient)
    status, reason = setting.status, setting.reason
    if status == "OK" and not np.isfinite(values).any():
        status, reason = "NOT_COMPUTABLE", NO_LABEL
    said = Detection((), (), int(np.isnan(values).sum()))
    if status == "OK":
        said = detect(setting.detector, np.concatenate([before, values]), setting.parameters)
    return StreamReading(
        stream=setting.stream,
        detector=setting.detector,
        setting=setting.setting,
        parameters=setting.parameters,
        matured=live.matured,
        values=values,
        alarms=_live(said.alarms, len(before)),
        warnings=_live(said.warnings, len(before)),
        skipped=said.skipped,
        run_length_wanted=setting.run_length_wanted,
        run_length=setting.run_length,
        status=status,
        reason=reason,
        run_length_is_bound=setting.run_length_is_bound,
        warmed_on=len(before),
    )


def _live(positions: tuple[int, ...], before: int) -> tuple[int, ...]:
    return tuple(position - before for position in positions if position >= before)
