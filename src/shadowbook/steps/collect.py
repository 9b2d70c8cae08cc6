"""Garbage collection: what no run, no commit and no file here names is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shadowbook.adapters.models.strays import stray_manifests
from shadowbook.adapters.snapshots.collect import Swept, Wanted, leftovers, remove
from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError, IntegrityError
from shadowbook.steps.manifest import pins_of
from shadowbook.workspace import Workspace

PARTIAL, MAKING = ".*.partial", ".making-*"
"""Names of what a killed restore and a killed making of the registry leave."""


@dataclass(frozen=True)
class Collection:
    """What a garbage collection did.

    Attributes
    ----------
    dry_run : nothing was deleted; the counts say what would be.
    runs : finished runs whose data stays.
    places : the cache, then the remote if it was asked for.
    leftovers : unfinished files and folders of killed commands.
    notes : what a person should know.
    """

    dry_run: bool
    runs: int
    places: tuple[Swept, ...]
    leftovers: tuple[Path, ...]
    notes: tuple[str, ...]


def collect(workspace: Workspace, *, with_remote: bool, dry_run: bool) -> Collection:
    """Delete from the cache, and from the remote if asked, what nothing names.

    What stays: all that a manifest names as read or made, also of runs that were deleted in MLflow
    or never finished; what the workspace holds now; what a ``dvc.lock`` or ``*.dvc`` of any commit,
    stash or working tree names. The caller holds the lease.

    Raises
    ------
    IntegrityError
        A manifest or a list of files is altered or lost: nothing was deleted.
    ConfigError
        No git or DVC repository, no recorded run, a shallow clone, or a cache outside of the
        workspace.
    TransientError
        A dvc command is at work.
    """
    with workspace.progress.stage("read every manifest (MLflow)") as stage:
        runs, pins, notes = _named_by_runs(workspace)
        stage.result(f"{runs} runs, {len(pins)} pins")
    with workspace.progress.stage("read every dvc.lock (git)") as stage:
        named = workspace.code.named_by_dvc()
        stage.result(f"{len(named)} objects")
    with workspace.progress.stage("delete the rest (DVC)") as stage:
        held = (workspace.market.accepted.folder, workspace.market.incoming.folder)
        folders = (*held, *(workspace.data / "features").glob("*/"))
        wanted = Wanted(tuple(pins), folders, named)
        swept = workspace.snapshots.collect(wanted, with_remote=with_remote, dry_run=dry_run)
        left = leftovers([workspace.data, workspace.root / "restored"], [PARTIAL])
        left += leftovers([workspace.root / "mlruns"], [MAKING])
        if not dry_run:
            remove(left)
        count = sum(place.deleted for place in swept.places)
        stage.result(f"{count} objects" + (" would go" if dry_run else " deleted"))
    return Collection(dry_run, runs, swept.places, tuple(left), (*notes, *swept.notes))


def _named_by_runs(workspace: Workspace) -> tuple[int, set[Pin], tuple[str, ...]]:
    pins: set[Pin] = set()
    known = set()
    try:
        for manifest in workspace.models.manifests():
            known.add(manifest["run_id"])
            pins |= set(_pins(manifest))
    except (ConfigError, IntegrityError) as error:
        raise IntegrityError(f"nothing was deleted: {error}") from error
    strays, unreadable = stray_manifests(workspace.root / "mlruns" / "artifacts", known)
    for manifest in strays:
        pins |= set(_pins(manifest))
    if not known and not strays:
        raise ConfigError(
            f"{workspace.root / 'mlruns'} holds no run, so all pinned data would go: bring the "
            "records back, or delete the cache by hand if no run was ever made"
        )
    notes = [f"{path} cannot be read and belongs to no finished run" for path in unreadable]
    if strays:
        notes.append(
            f"{len(strays)} manifests belong to no finished run (deleted in MLflow, or cut short): "
            "what they name stays too"
        )
    return len(known), pins, tuple(notes)


def _pins(manifest: Mapping[str, Any]) -> Iterable[Pin]:
    return (*pins_of(manifest["pins"]), *pins_of(manifest.get("made", {})))
