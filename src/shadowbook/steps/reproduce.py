"""Rebuild a recorded run from its pinned data in a fresh process, and name what differs first."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shadowbook.core.audit import Mismatch, first_mismatch
from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError, IntegrityError, PermanentError
from shadowbook.steps.pinned_rows import compare_features, compare_market
from shadowbook.steps.rebuild import Request, write_request
from shadowbook.workspace import Workspace

TOLERANCE = 1e-9
"""Elsewhere than on the recorded platform, predictions may differ by this much."""


SHOWN = 16
"""Characters of a digest that a note shows; the manifest has all of them."""


@dataclass(frozen=True)
class Reproduction:
    """How a rebuild compares with the record.

    Attributes
    ----------
    outcome : ``REPRODUCED``, ``REPRODUCED WITHIN 1e-9``, or ``DIFFERS at LAYER``.
    mismatch : the first difference, where there is one.
    notes : what else is different without changing the outcome.
    prediction_digest : what the rebuild gave; None when it did not get that far.
    """

    run_id: str
    strategy: str
    outcome: str
    mismatch: Mismatch | None
    notes: tuple[str, ...]
    prediction_digest: str | None

    @property
    def reproduced(self) -> bool:
        """True unless something differs."""
        return self.outcome.startswith("REPRODUCED")


def reproduce(workspace: Workspace, run: str) -> Reproduction:
    """Rebuild a run and compare it with its manifest.

    Raises
    ------
    ConfigError
        When there is no such run.
    PermanentError
        When the fresh process broke.
    """
    record = workspace.models.resolve(run)
    manifest = workspace.models.manifest(record.run_id)
    with tempfile.TemporaryDirectory(prefix="shadowbook-reproduce-") as scratch:
        folder = Path(scratch)
        try:
            with workspace.progress.stage("restore data by hash (DVC)") as stage:
                _restore(workspace, manifest, folder)
                compare_market(folder / "market", workspace.market.accepted.folder)
                compare_features(
                    folder / "feature_log", workspace.root / manifest["pins"]["feature_log"]["path"]
                )
                stage.result(", ".join(manifest["pins"]))
        except IntegrityError as error:
            return _differs(manifest, Mismatch("data", str(error), None, None))
        patch = _patch(workspace, manifest)
        if isinstance(patch, Mismatch):
            return _differs(manifest, patch)
        with workspace.progress.stage("rebuild in a fresh process") as stage:
            with _sources(workspace, manifest, patch, folder) as (sources, notes):
                rebuilt = _rebuilt(workspace, manifest, folder, sources)
            result = _judge(workspace, manifest, rebuilt, folder, notes)
            stage.result(result.outcome)
    return result


def _restore(workspace: Workspace, manifest: Mapping[str, Any], folder: Path) -> None:
    for name, item in manifest["pins"].items():
        pin = Pin(name, item["path"], item["md5"], item["bytes"], item["files"])
        workspace.snapshots.restore(pin, folder / name)


def _patch(workspace: Workspace, manifest: Mapping[str, Any]) -> str | Mismatch:
    """Read the recorded patch of what was not committed."""
    try:
        path = workspace.models.artifact(manifest["run_id"], "code/uncommitted.patch")
    except ConfigError:
        return Mismatch("code", "uncommitted.patch", manifest["patch_sha256"], None)
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != manifest["patch_sha256"]:
        return Mismatch("code", "uncommitted.patch", manifest["patch_sha256"], found)
    return raw.decode("utf-8")


@contextmanager
def _sources(
    workspace: Workspace, manifest: Mapping[str, Any], patch: str, folder: Path
) -> Iterator[tuple[Path | None, tuple[str, ...]]]:
    """Check the run's code out; None where the workspace's repository does not carry it."""
    with workspace.code.worktree(manifest["commit"], patch, folder / "code") as tree:
        if (tree / "src" / "shadowbook").is_dir():
            yield tree, ()
        else:
            yield None, ("the workspace's repository holds no code: the installed one was used",)


def _rebuilt(
    workspace: Workspace, manifest: Mapping[str, Any], folder: Path, sources: Path | None
) -> dict[str, Any]:
    request = folder / "request.json"
    write_request(
        request,
        Request(
            manifest=dict(manifest),
            market=folder / "market",
            feature_log=folder / "feature_log",
            predictions=folder / "rebuilt.parquet",
        ),
    )
    environment = dict(os.environ)
    if sources is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(sources / "src"), str(sources)])
    done = subprocess.run(
        [workspace.host.interpreter(), "-m", "shadowbook", "rebuild", str(request)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise PermanentError(f"the rebuild ended with code {done.returncode}: {last[0]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _judge(
    workspace: Workspace,
    manifest: Mapping[str, Any],
    rebuilt: dict[str, Any],
    folder: Path,
    notes: tuple[str, ...],
) -> Reproduction:
    recorded = dict(manifest["layers"])
    # The restore has checked every byte of the data against its hash.
    rebuilt["data"] = recorded["data"]
    causes = _split_off(recorded, rebuilt, ("environment", "code"))
    effect = first_mismatch(recorded, rebuilt)
    told = tuple(
        f"{c.layer} differs: {c.what} was {str(c.recorded)[:SHOWN]}, is {str(c.rebuilt)[:SHOWN]}"
        for c in causes
    )
    outcome, mismatch = "REPRODUCED", None
    if effect is not None and causes and _close(workspace, manifest, folder):
        outcome = "REPRODUCED WITHIN 1e-9"
    elif effect is not None:
        mismatch = causes[0] if causes else effect
        outcome = f"DIFFERS at {mismatch.layer}"
    return Reproduction(
        run_id=manifest["run_id"],
        strategy=manifest["strategy"],
        outcome=outcome,
        mismatch=mismatch,
        notes=(*notes, *told),
        prediction_digest=rebuilt["predictions"]["prediction_digest"],
    )


def _split_off(
    recorded: dict[str, Any], rebuilt: dict[str, Any], names: tuple[str, ...]
) -> list[Mismatch]:
    """Take layers out of both records that may differ without any effect, and compare them."""
    found = [
        first_mismatch({name: recorded.pop(name)}, {name: rebuilt.pop(name)}) for name in names
    ]
    return [mismatch for mismatch in found if mismatch is not None]


def _close(workspace: Workspace, manifest: Mapping[str, Any], folder: Path) -> bool:
    """Say whether the rebuilt predictions are the recorded ones up to rounding."""
    path = workspace.models.artifact(manifest["run_id"], "predictions/out_of_sample.parquet")
    keys, name = ["session", "symbol", "fold"], manifest["candidate"]
    then, now = pd.read_parquet(path)[[*keys, name]], pd.read_parquet(folder / "rebuilt.parquet")
    if not then[keys].equals(now[keys]):
        return False
    return bool(
        np.allclose(
            then[name].to_numpy(), now[name].to_numpy(), rtol=0, atol=TOLERANCE, equal_nan=True
        )
    )


def _differs(manifest: Mapping[str, Any], mismatch: Mismatch) -> Reproduction:
    return Reproduction(
        manifest["run_id"],
        manifest["strategy"],
        f"DIFFERS at {mismatch.layer}",
        mismatch,
        (),
        None,
    )
