"""Rebuild a recorded run from its pinned data in a fresh process, and name what differs first."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shadowbook.core.audit import Mismatch, first_mismatch
from shadowbook.errors import ConfigError, IntegrityError, PermanentError
from shadowbook.steps import layers
from shadowbook.steps.manifest import pins_of
from shadowbook.steps.pinned_rows import compare_features, compare_market
from shadowbook.steps.rebuild import Request, write_request
from shadowbook.steps.stored import PATCH, altered, first, settings_differ
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


def reproduce(
    workspace: Workspace, run: str, alone: AbstractContextManager[object] | None = None
) -> Reproduction:
    """Rebuild a run and compare it with its manifest.

    Parameters
    ----------
    run : its id, the beginning of one, or ``latest``.
    alone : held while this process works; released while it waits for the fresh one, so that
        several runs are rebuilt at once.

    Raises
    ------
    ConfigError
        When there is no such run, or its commit is neither here nor in a remote.
    IntegrityError
        When its manifest is not the one that the registry recorded.
    PermanentError
        When the fresh process broke.
    """
    alone = alone or nullcontext()
    with tempfile.TemporaryDirectory(prefix="shadowbook-reproduce-") as scratch:
        folder = Path(scratch)
        with alone:
            record = workspace.models.resolve(run)
            manifest = workspace.models.manifest(record.run_id)
            restored = _restored(workspace, manifest, folder)
            if isinstance(restored, Mismatch):
                return _differs(manifest, restored)
            patch = _patch(workspace, manifest)
            if isinstance(patch, Mismatch):
                return _differs(manifest, patch)
        with workspace.progress.stage("rebuild in a fresh process") as stage:
            with _sources(workspace, manifest, patch, folder) as (sources, notes):
                rebuilt = _rebuilt(workspace, manifest, folder, sources)
            with alone:
                result = _judge(workspace, manifest, rebuilt, folder, (*restored, *notes))
            stage.result(result.outcome)
    return result


def _restored(
    workspace: Workspace, manifest: Mapping[str, Any], folder: Path
) -> tuple[str, ...] | Mismatch:
    """Bring the pinned data here and compare the workspace's with it; return what to note."""
    if differ := settings_differ(manifest):
        return differ
    with workspace.progress.stage("restore data by hash (DVC)") as stage:
        try:
            for pin in pins_of(manifest["pins"]):
                workspace.snapshots.restore(pin, folder / pin.name)
            market, log = folder / "market", folder / "feature_log"
            current = workspace.root / manifest["pins"]["feature_log"]["path"]
            notes = (
                *compare_market(
                    market, workspace.market.accepted.folder, _same_rules(workspace, manifest)
                ),
                *compare_features(log, current),
            )
        except IntegrityError as error:
            stage.result("DIFFERS")
            return Mismatch("data", str(error), None, None)
        stage.result(", ".join(manifest["pins"]))
    return notes


def _same_rules(workspace: Workspace, manifest: Mapping[str, Any]) -> bool:
    """Say whether the gate that stands here would judge as the run's did."""
    rules = []
    for settings in (manifest["settings"], workspace.settings.model_dump(mode="json")):
        source = {key: value for key, value in settings["market_data"].items() if key != "as_of"}
        rules.append((source, settings["gates"]["market"]))
    same_code = layers.source_layer() == manifest["layers"]["code"]
    return same_code and rules[0] == rules[1]


def _patch(workspace: Workspace, manifest: Mapping[str, Any]) -> str | Mismatch:
    """Read the recorded patch of what was not committed."""
    try:
        path = workspace.models.artifact(manifest["run_id"], PATCH)
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
    outcome = "REPRODUCED"
    if effect is not None and causes and _close(workspace, manifest, folder):
        outcome, effect = "REPRODUCED WITHIN 1e-9", None
    elif effect is not None and causes:
        effect = causes[0]
    # What was stored may differ though the rebuild does not: whoever reads it reads another run.
    stored = altered(workspace, manifest)
    mismatch = first(item for item in (effect, stored) if item is not None)
    if mismatch is not None:
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
