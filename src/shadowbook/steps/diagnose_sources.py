"""Where a diagnosis reads from: the ledger, and the data, settings and code live was pinned to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shadowbook.adapters.host import sha256_file
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.adapters.models.records import MANIFEST
from shadowbook.adapters.models.shelf import ModelShelf
from shadowbook.errors import ConfigError, InsufficientDataError, IntegrityError
from shadowbook.settings import Settings
from shadowbook.steps import layers
from shadowbook.steps.manifest import SHOWN, pins_of
from shadowbook.steps.rating import Scorer, features_of, scorer_of
from shadowbook.steps.replay import replay_key
from shadowbook.steps.stored import settings_differ
from shadowbook.workspace import Workspace

NEWEST = "newest"
"""Names the replay that was written to last."""


@dataclass(frozen=True, eq=False)
class Books:
    """A ledger and the models that scored for it.

    Attributes
    ----------
    ledger : the workspace's, or a replay's.
    shelf : a replay's own models; None for the registry's.
    replay : key of the replay, shortened; None for the workspace's own ledger.
    """

    ledger: Ledger
    shelf: ModelShelf | None = None
    replay: str | None = None

    def scorer(self, workspace: Workspace, strategy: str, version: int) -> Scorer:
        """Load a version that scored, after its bytes were checked.

        Raises
        ------
        IntegrityError
            The stored file is not the one that was kept, or there is none.
        """
        kept = self.shelf.load(strategy, version) if self.shelf is not None else None
        if kept is not None:
            share = workspace.settings.learning.min_feature_share
            return Scorer(kept[0], features_of(workspace, strategy), share)
        if version not in {run.model_version for run in workspace.models.runs(strategy)}:
            raise IntegrityError(
                f"version {version} of {strategy} scored and is not in the registry any more: "
                "restore mlruns/ from a copy"
            )
        return scorer_of(workspace, strategy, version)


@contextmanager
def books_of(workspace: Workspace, replay: str | None) -> Iterator[Books]:
    """Open the ledger that is diagnosed.

    Parameters
    ----------
    replay : None for the workspace's own ledger; ``newest``, or the beginning of a replay's key.

    Raises
    ------
    ConfigError
        There is no such replay.
    InsufficientDataError
        Nothing was recorded yet.
    """
    if replay is None:
        file = workspace.ledger_file
        if file is not None and not file.exists():
            raise InsufficientDataError(
                f"nothing was traded in {workspace.root} yet: run `shadowbook trade` first, or "
                "diagnose a replay (--replay)"
            )
        try:
            yield Books(workspace.ledger)
        finally:
            workspace.ledger.close()
        return
    folder = _replay_folder(workspace, replay)
    ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}", durable=False, simulation=True)
    try:
        yield Books(ledger, ModelShelf(folder / "models"), folder.name)
    finally:
        ledger.close()


def _replay_folder(workspace: Workspace, replay: str) -> Path:
    parent = workspace.root / ".shadowbook" / "replays"
    there = [path.parent for path in parent.glob("*/ledger.db")]
    if not there:
        raise ConfigError(f"there is no replay in {parent}: run `shadowbook replay` first")
    found = [one for one in there if replay == NEWEST or one.name.startswith(replay[:12])]
    if not found:
        names = ", ".join(sorted(one.name for one in there))
        raise ConfigError(f"there is no replay {replay} in {parent}: there are {names}")
    return max(found, key=lambda folder: (folder / "ledger.db").stat().st_mtime)


@dataclass(frozen=True, eq=False)
class Pinned:
    """What the sessions of a span were traded under.

    Attributes
    ----------
    data : workspace whose prices and feature log are read.
    settings : decision moment -> settings in force.
    notes : what could not be pinned, one sentence each.
    """

    data: Workspace
    settings: Mapping[datetime, Settings]
    notes: tuple[str, ...]


@contextmanager
def pinned(workspace: Workspace, books: Books, moments: Sequence[datetime]) -> Iterator[Pinned]:
    """Restore what the trading days were pinned to, as far as there is a manifest of it.

    The data of the last manifest serve for every session: accepted rows only ever grow, and each
    says from when it was known.

    Parameters
    ----------
    moments : decision moments of the sessions, in order.

    Raises
    ------
    IntegrityError
        A manifest is not the one that the ledger vouches for.
    """
    now = dict.fromkeys(moments, workspace.settings)
    if books.replay is not None:
        yield Pinned(workspace, now, _of_replay(workspace, books))
        return
    manifests = _manifests(workspace, books.ledger, moments)
    if not manifests:
        why = "no trading day of the span kept a manifest: data, settings and code are today's"
        yield Pinned(workspace, now, (why,))
        return
    notes = _code_notes(list(manifests.values()))
    settings = {moment: _settings(workspace, manifests, moment) for moment in moments}
    newest = manifests[max(manifests)]
    with TemporaryDirectory(prefix="shadowbook-diagnose-") as scratch:
        try:
            for pin in pins_of(newest["pins"]):
                workspace.snapshots.restore(pin, Path(scratch) / pin.path)
            data = Workspace(Path(scratch), settings[moments[-1]], workspace.progress)
        except (ConfigError, IntegrityError) as error:
            notes = (*notes, f"the pinned data cannot be had, so today's are used: {error}")
            data = workspace
        yield Pinned(data, settings, notes)


def _of_replay(workspace: Workspace, books: Books) -> tuple[str, ...]:
    """Say so where settings or code are not those of the replay."""
    first = next(iter(books.ledger.events("session"))).event.at.date()
    if replay_key(workspace, first)[: len(books.replay or "")] == books.replay:
        return ()
    return (
        f"replay {books.replay} was made under other settings or other code than these: what "
        "differs may come from that",
    )


def _manifests(
    workspace: Workspace, ledger: Ledger, moments: Sequence[datetime]
) -> dict[datetime, dict[str, Any]]:
    """Read the manifests of the span's trading days, and of the first one that ends it."""
    told = {stored.event.at: stored.event.body for stored in ledger.events("manifest")}
    last = min((at for at in told if at >= moments[-1]), default=None)
    found = {}
    for at, body in sorted(told.items()):
        if at < moments[0] or (last is not None and at > last):
            continue
        run_id = body["run_id"]
        sha256 = sha256_file(workspace.models.artifact(run_id, MANIFEST))
        if sha256 != body["manifest_sha256"]:
            raise IntegrityError(
                f"the manifest of trading day {at:%Y-%m-%d} (run {run_id[:SHOWN]}) is not the one "
                "that the ledger vouches for: restore mlruns/ from a copy"
            )
        found[at] = workspace.models.manifest(run_id)
    return found


def _settings(
    workspace: Workspace, manifests: Mapping[datetime, Mapping[str, Any]], moment: datetime
) -> Settings:
    """Return the settings of the trading day that went through a session."""
    at = min((one for one in manifests if one >= moment), default=None)
    if at is None:
        return workspace.settings
    manifest = manifests[at]
    if manifest["settings_sha256"] == layers.settings_digest(workspace.settings):
        return workspace.settings
    if settings_differ(manifest):
        raise IntegrityError(
            f"the settings in the manifest of {at:%Y-%m-%d} are not those it was made under: "
            "restore mlruns/ from a copy"
        )
    return Settings.model_validate(manifest["settings"])


def _code_notes(manifests: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the commits whose sources are not the running ones."""
    running = layers.source_layer()["source_sha256"]
    others = {
        manifest["commit"]: manifest["as_of"][:10]
        for manifest in reversed(manifests)
        if manifest["layers"]["code"]["source_sha256"] != running
    }
    return tuple(
        f"from {first} on live ran other code (commit {str(commit)[:12]}) than rebuilds it here: "
        "what differs may come from that"
        for commit, first in others.items()
    )
