"""A drift profile as one file, in numpy's own format, kept with its training run."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.calibration import CalibratedColumn, Calibration
from shadowbook.core.drift.found import FalseAlarms
from shadowbook.core.drift.grid import Grid
from shadowbook.core.drift.nulls import Null
from shadowbook.core.drift.stream_settings import StreamSettings
from shadowbook.core.drift.summaries import AttributionSummary
from shadowbook.errors import IntegrityError
from shadowbook.serialization import plain
from shadowbook.steps.drift_profile import DriftProfile
from shadowbook.workspace import Workspace

PROFILE = "drift/profile.npz"
"""Artifact of a training run."""

FORMAT = 1
"""Of the file; one of another release is none."""

_NULL = ("ks", "psi", "least", "missing")


def packed(profile: DriftProfile) -> bytes:
    """Return a profile as a file; the same profile gives the same bytes."""
    columns = profile.calibration.columns
    grids = [one.grid for one in columns if one.grid is not None]
    nulls = [
        getattr(null, name) for one in columns for null in one.nulls.values() for name in _NULL
    ]
    arrays: dict[str, Any] = {
        # Few long arrays: reading one costs as much as reading a megabyte.
        "finite": _joined([one.finite for one in columns], np.float64),
        "counts": _joined([one.counts for one in columns], np.float32),
        "edges": _joined([grid.edges for grid in grids], np.float64),
        "group": _joined([grid.group for grid in grids], np.int64),
        "nulls": _joined(nulls, np.float32),
        "about": np.frombuffer(json.dumps(_about(profile)).encode(), dtype=np.uint8),
    }
    if profile.attributions is not None:
        arrays["mean"] = profile.attributions.mean
        arrays["absolute"] = profile.attributions.absolute
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _joined(parts: Sequence[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=kind), *(part.astype(kind) for part in parts)])


def _about(profile: DriftProfile) -> dict[str, Any]:
    calibration = profile.calibration
    alarms = plain(calibration.false_alarms)
    return {
        "format": FORMAT,
        "columns": [
            {
                "name": one.name,
                "kind": one.kind,
                "block": one.block,
                "reason": one.reason,
                "finite": len(one.finite),
                "counts": len(one.counts),
                "cells": one.grid.size if one.grid is not None else 0,
                "draws": [len(null.ks) for null in one.nulls.values()],
            }
            for one in calibration.columns
        ],
        "span": [str(day) for day in calibration.span],
        "windows": calibration.windows,
        "n_bins": calibration.n_bins,
        "rate": calibration.rate,
        "least_distance": calibration.least_distance,
        "least_missing": calibration.least_missing,
        "false_alarms": alarms,
        "streams": profile.streams.plain(),
        "step": profile.attributions.step if profile.attributions is not None else None,
        "unexplained": profile.unexplained,
    }


def unpacked(data: bytes) -> DriftProfile | None:
    """Read ``packed`` back; None for a file of another release."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        if about.get("format") != FORMAT:
            return None
        parts = {name: _Parts(arrays[name]) for name in ("finite", "counts", "edges", "group")}
        nulls = _Parts(arrays["nulls"])
        columns = tuple(_column(item, about["windows"], parts, nulls) for item in about["columns"])
        summary = None
        if about["step"] is not None:
            summary = AttributionSummary(arrays["mean"], arrays["absolute"], about["step"])
    alarms = about["false_alarms"]
    numbers = {name: _number(one) for name, one in alarms.items() if name != "interval"}
    low, high = map(_number, alarms["interval"])
    first, last = (np.datetime64(day, "D") for day in about["span"])
    return DriftProfile(
        calibration=Calibration(
            columns=columns,
            span=(first, last),
            windows=tuple(about["windows"]),
            n_bins=about["n_bins"],
            rate=about["rate"],
            least_distance=about["least_distance"],
            least_missing=about["least_missing"],
            false_alarms=FalseAlarms(**numbers, interval=(low, high)),
        ),
        streams=StreamSettings.of_plain(about["streams"]),
        attributions=summary,
        unexplained=about["unexplained"],
    )


def _number(kept: float | None) -> float:
    return math.nan if kept is None else kept


class _Parts:
    """Cuts an array up again, from its start on."""

    def __init__(self, joined: NDArray[Any]) -> None:
        self._joined, self._at = joined, 0

    def next(self, length: int) -> NDArray[Any]:
        """Return the next values."""
        self._at += length
        return self._joined[self._at - length : self._at]


def _column(
    item: Mapping[str, Any], windows: Sequence[int], parts: Mapping[str, _Parts], nulls: _Parts
) -> CalibratedColumn:
    cells = item["cells"]
    return CalibratedColumn(
        name=item["name"],
        kind=item["kind"],
        finite=parts["finite"].next(item["finite"]),
        grid=Grid(parts["edges"].next(cells - 1), parts["group"].next(cells)) if cells else None,
        counts=parts["counts"].next(item["counts"]),
        block=item["block"],
        nulls={
            window: Null(*(nulls.next(draws) for _ in _NULL))
            for window, draws in zip(windows, item["draws"], strict=bool(cells))
        },
        reason=item["reason"],
    )


def registered_profile(workspace: Workspace, strategy: str, version: int) -> DriftProfile | None:
    """Read a registered version's profile; None where its run kept none that this release reads.

    Raises
    ------
    IntegrityError
        The stored file is not the one that the run recorded.
    """
    for run in workspace.models.runs(strategy):
        if run.model_version != version:
            continue
        recorded = workspace.models.manifest(run.run_id).get("artifacts", {}).get(PROFILE)
        if recorded is None:
            continue
        there = workspace.models.has_artifact(run.run_id, PROFILE)
        data = workspace.models.artifact(run.run_id, PROFILE).read_bytes() if there else b""
        if hashlib.sha256(data).hexdigest() != recorded:
            raise IntegrityError(
                f"{PROFILE} of run {run.run_id} ({strategy}/{version}) is not the file that was "
                "recorded: restore it, or retrain"
            )
        return unpacked(data)
    return None
