"""What every run's manifest says, and the record of a run that trains nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shadowbook.adapters.code.code import CodeState
from shadowbook.adapters.models.records import StepRecord
from shadowbook.core.audit import digest
from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError
from shadowbook.serialization import plain
from shadowbook.steps import layers
from shadowbook.workspace import INSTALLATION, Workspace

MANIFEST_SCHEMA = 2

SHOWN = 8
"""Characters of a run's id that a line shows; commands take them for the whole."""


@dataclass(frozen=True)
class Kept:
    """Where a step's manifest is.

    Attributes
    ----------
    run_id : its run; None when it was not kept.
    reason : why not, and what to do; empty when it was kept.
    """

    run_id: str | None
    reason: str = ""


NOT_YET = Kept(None, "the step has not ended")


class StepManifest:
    """The manifest of one run of a step, begun before the step changes anything.

    A gate may be tried on a folder that is no repository yet: then nothing is pinned or kept, and
    the report says why. A run that trains may not.

    Parameters
    ----------
    kind : which step.
    reads : name -> folder of what it reads; those that hold nothing yet are left out.
    """

    def __init__(
        self, workspace: Workspace, kind: str, as_of: datetime, reads: Mapping[str, Path]
    ) -> None:
        self._workspace = workspace
        self._kind = kind
        self._as_of = as_of
        self._unkept = _why_not(workspace)
        self._pins = () if self._unkept else _pinned(workspace, reads)

    def keep(self, outcome: str, writes: Mapping[str, Path], content: Mapping[str, Any]) -> Kept:
        """Pin what the step wrote, send the data to the remote, record the run in MLflow.

        The run is identified by its settings, code, outcome and data, so that the same step done
        again is found, also when an earlier attempt was killed after it had written.

        Parameters
        ----------
        outcome : what it came to, one word.
        content : what else the manifest says.
        """
        workspace = self._workspace
        with workspace.progress.stage(f"record of {self._kind} (MLflow)") as stage:
            if self._unkept:
                stage.result(f"not kept: {self._unkept}")
                return Kept(None, self._unkept)
            made = _pinned(workspace, writes)
            if workspace.settings.snapshots.remote is not None:
                workspace.snapshots.push({pin.md5: pin for pin in (*self._pins, *made)}.values())
            run_id = workspace.models.record_step(self._record(outcome, made, content))
            stage.result(run_id[:SHOWN])
        return Kept(run_id)

    def _record(
        self, outcome: str, made: tuple[Pin, ...], content: Mapping[str, Any]
    ) -> StepRecord:
        workspace, code = self._workspace, self._workspace.code.state()
        source = layers.source_layer()
        written = {pin.name for pin in made}
        key = digest(
            {
                "kind": self._kind,
                "as_of": self._as_of,
                "settings": layers.settings_digest(workspace.settings),
                "commit": code.commit,
                "patch": code.patch_sha256,
                "source": source,
                "outcome": outcome,
                # What it read of a store that it extends was smaller before the first attempt.
                "read": {pin.name: pin.md5 for pin in self._pins if pin.name not in written},
                "written": {pin.name: pin.md5 for pin in made},
            }
        )
        environment = layers.environment_layer(workspace.host, INSTALLATION / layers.LOCK)
        manifest = {
            **common(workspace, self._kind, self._as_of, code),
            "run_key": key,
            "outcome": outcome,
            "pins": told(self._pins),
            "made": told(made),
            "parents": parents(workspace, self._pins),
            "layers": {"environment": environment, "code": source},
            **plain(content),
        }
        return StepRecord(
            kind=self._kind,
            run_key=key,
            as_of=self._as_of,
            outcome=outcome,
            pins=self._pins,
            made=made,
            manifest_of=lambda run_id: {"run_id": run_id, **manifest},
        )


def _why_not(workspace: Workspace) -> str:
    try:
        workspace.code.commit()
        workspace.snapshots.check()
    except ConfigError as error:
        return str(error)
    return ""


def _pinned(workspace: Workspace, folders: Mapping[str, Path]) -> tuple[Pin, ...]:
    return tuple(
        workspace.snapshots.pin(name, folder)
        for name, folder in folders.items()
        if any(path.is_file() for path in folder.rglob("*"))
    )


def common(workspace: Workspace, kind: str, as_of: datetime, code: CodeState) -> dict[str, Any]:
    """Return what every kind of run says."""
    return {
        "schema": MANIFEST_SCHEMA,
        "kind": kind,
        "as_of": as_of.isoformat(),
        "created_at": workspace.clock.now().isoformat(),
        "commit": code.commit,
        "patch_sha256": code.patch_sha256,
        "settings": workspace.settings.model_dump(mode="json"),
        "settings_sha256": layers.settings_digest(workspace.settings),
    }


def told(pins: Sequence[Pin]) -> dict[str, dict[str, Any]]:
    """Return pins by name, in plain values."""
    return {
        pin.name: {
            "path": pin.path,
            "md5": pin.md5,
            "bytes": pin.size_bytes,
            "files": pin.n_files,
        }
        for pin in pins
    }


def pins_of(told: Mapping[str, Mapping[str, Any]]) -> tuple[Pin, ...]:
    """Read ``told`` back."""
    return tuple(
        Pin(name, item["path"], item["md5"], item["bytes"], item["files"])
        for name, item in told.items()
    )


def parents(workspace: Workspace, pins: Sequence[Pin]) -> list[dict[str, str]]:
    """Name the runs that wrote what was read, found by its content."""
    made = {pin.name: workspace.models.maker(pin) for pin in pins}
    return [
        {"pin": name, "kind": run.kind, "run_id": run.run_id}
        for name, run in made.items()
        if run is not None
    ]
