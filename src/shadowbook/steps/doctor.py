"""Examine a workspace: what is set up, what is missing, which versions there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shadowbook.adapters.host import Host
from shadowbook.errors import ShadowbookError
from shadowbook.steps.known import VERDICT
from shadowbook.workspace import INSTALLATION, Workspace

LOW_DISK_BYTES = 5 * 2**30


@dataclass(frozen=True)
class Item:
    """One thing that was looked at; ``remedy`` says what to do where it is not ok."""

    name: str
    state: Literal["ok", "note", "missing"]
    said: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """Everything that was looked at."""

    items: tuple[Item, ...]

    @property
    def healthy(self) -> bool:
        """True when nothing is missing."""
        return all(item.state != "missing" for item in self.items)


def examine(root: Path, params: Path | None) -> Examination:
    """Look at the machine, the packages and the workspace; never raises for what it finds."""
    host = Host()
    items = [_python(host), *_packages(host), _disk(host, root)]
    try:
        workspace = Workspace.open(root, params)
    except ShadowbookError as error:
        items.append(Item("settings", "missing", str(error).splitlines()[0]))
        return Examination(tuple(items))
    items.append(Item("settings", "ok", f"{len(workspace.settings.strategies)} strategies"))
    for look in (_git, _snapshots, _data, _features, _runs):
        items.append(_guarded(look, workspace))
    return Examination(tuple(items))


def _guarded(look: object, workspace: Workspace) -> Item:
    name = look.__name__.strip("_")  # type: ignore[attr-defined]
    try:
        item: Item = look(workspace)  # type: ignore[operator]
    except ShadowbookError as error:
        return Item(name, "missing", str(error))
    return item


def _python(host: Host) -> Item:
    found = host.describe()
    return Item("python", "ok", f"{found['python']} on {found['platform']}")


def _packages(host: Host) -> list[Item]:
    lock = INSTALLATION / "requirements.lock"
    if not lock.exists():
        return [Item("packages", "note", f"no lock file at {lock}: versions are not checked")]
    lags = host.against_lock(lock)
    versions = ", ".join(f"{name} {number}" for name, number in host.versions().items())
    if not lags:
        return [Item("packages", "ok", f"as locked: {versions}")]
    told = ", ".join(
        f"{lag.package} {lag.installed or 'missing'} (lock {lag.locked})" for lag in lags
    )
    return [Item("packages", "missing", told, "run make setup")]


def _disk(host: Host, root: Path) -> Item:
    if not root.is_dir():
        return Item("disk", "missing", f"no folder {root}", "give --workspace an existing folder")
    free = host.free_bytes(root)
    low = free < LOW_DISK_BYTES
    said = f"{free / 2**30:.0f} GiB free"
    return Item("disk", "note" if low else "ok", said, "free some space" if low else "")


def _git(workspace: Workspace) -> Item:
    state = workspace.code.state()
    said = f"commit {state.commit[:12]}"
    if state.patch:
        return Item(
            "git",
            "note",
            f"{said}, with changes that are not committed",
            "a run records them as a patch; commit what should last",
        )
    return Item("git", "ok", said)


def _snapshots(workspace: Workspace) -> Item:
    remote = workspace.settings.snapshots.remote
    workspace.snapshots.check()
    if remote is None:
        return Item("snapshots", "note", "DVC cache alone", "set snapshots.remote in params.yaml")
    return Item("snapshots", "ok", f"DVC remote {remote}")


def _data(workspace: Workspace) -> Item:
    store = workspace.market.accepted
    note = store.read_note(VERDICT)
    if note is None:
        return Item("data", "note", "no prices accepted yet", "run shadowbook run")
    bars = store.read().bars
    return Item(
        "data",
        "ok",
        f"{len(bars):,} bars of {bars['symbol'].nunique()} symbols to "
        f"{bars['session'].max().date()}, judged as of {note['as_of']}",
    )


def _features(workspace: Workspace) -> Item:
    last = workspace.feature_log.last_session()
    if last is None:
        return Item("features", "note", "nothing logged yet", "run shadowbook run")
    return Item("features", "ok", f"{len(workspace.feature_log.columns())} features to {last}")


def _runs(workspace: Workspace) -> Item:
    found = workspace.models.runs()
    if not found:
        return Item("runs", "note", "no finished run yet", "run shadowbook run")
    newest = found[0]
    return Item("runs", "ok", f"{len(found)}, the newest {newest.run_id[:12]} of {newest.strategy}")
