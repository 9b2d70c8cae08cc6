"""What an auditor without Shadowbook's records needs: files that let DVC alone fetch a run's data.

Laid over a checkout of the run's commit and patch, ``dvc.lock`` names the pinned data as the
outputs of the stages that made it, and ``params.yaml`` holds every setting with the run's moment in
``market_data.as_of``. ``dvc pull`` then brings the data, and ``dvc repro --single-item`` the
training and its evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shadowbook.adapters.params_file import text_of
from shadowbook.core.values import Pin
from shadowbook.settings import PARAMS, Settings

DVC_LOCK, AUDIT_PARAMS = "audit/dvc.lock", f"audit/{PARAMS}"

STAGES = {"market": "gate", "feature_log": "features"}
"""Pin -> the stage of dvc.yaml that makes it."""


def audit_files(settings: Settings, as_of: datetime, pins: Sequence[Pin]) -> dict[str, str]:
    """Write both files, as artifacts of the run.

    Parameters
    ----------
    as_of : the run's moment, which the settings themselves may leave open.
    pins : what the run read.
    """
    stages = {STAGES[pin.name]: _stage(STAGES[pin.name], pin) for pin in pins}
    lock = {"schema": "2.0", "stages": stages}
    content = settings.model_dump(mode="json")
    content["market_data"]["as_of"] = as_of.isoformat()
    return {DVC_LOCK: text_of(lock), AUDIT_PARAMS: text_of(content)}


def _stage(name: str, pin: Pin) -> dict[str, Any]:
    out = {"path": pin.path, "hash": "md5", "md5": pin.md5, "size": pin.size_bytes}
    return {"cmd": f".venv/bin/shadowbook {name}", "outs": [{**out, "nfiles": pin.n_files}]}
