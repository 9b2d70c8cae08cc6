"""The doctor's looks at the machine: packages, clock, disk, permissions, leftovers, the lease."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shadowbook.adapters import machine
from shadowbook.adapters.host import Host
from shadowbook.steps.health import Item, Patient
from shadowbook.workspace import INSTALLATION

SLACK = timedelta(minutes=2)
"""File systems and clocks may differ by so much."""

LEAST_BYTES = 200 * 2**20
"""A first run's artifacts, logs and databases need about this much."""

ROOMY = 5
"""Less than so many runs' worth of room is worth a look."""

HOUR = 3600.0
SHOWN = 3
HALF_WRITTEN = (
    ("data", ".*.draft"),
    ("build", ".*.draft"),
    ("data", ".*.partial"),
    (".dvc/cache", ".*.tmp"),
    (".shadowbook/remote", ".*.tmp"),
    ("mlruns", ".making-*"),
)
"""What writes cut short leave; nothing reads it."""


def python(_patient: Patient) -> Iterator[Item]:
    """Tell Python and platform."""
    found = Host().describe()
    yield Item("python", "ok", f"{found['python']} on {found['platform']}")


def packages(_patient: Patient) -> Iterator[Item]:
    """Compare installed versions with the lock file."""
    host, lock = Host(), INSTALLATION / "requirements.lock"
    if not lock.exists():
        yield Item("packages", "note", f"no lock file at {lock}: versions are not checked")
        return
    lags = host.against_lock(lock)
    if lags:
        told = ", ".join(
            f"{lag.package} {lag.installed or 'missing'} (lock {lag.locked})" for lag in lags
        )
        yield Item("packages", "missing", told, "run make setup")
        return
    versions = ", ".join(f"{name} {number}" for name, number in host.versions().items())
    yield Item("packages", "ok", f"as locked: {versions}")


def clock(patient: Patient) -> Iterator[Item]:
    """Hold the system's clock against the files of the workspace; its zone matters nowhere."""
    now = datetime.now(UTC)
    newest = max(
        (
            (datetime.fromtimestamp(path.stat().st_mtime, UTC), path.name)
            for path in (*patient.root.glob("*"), patient.database, patient.lease)
            if path.exists()
        ),
        default=(now, ""),
    )
    synchronized = {True: "follows a time server", False: "follows no time server", None: ""}
    kernel = synchronized[machine.clock_synchronized()]
    said = f"{now:%Y-%m-%d %H:%M} UTC, machine's zone {machine.time_zone(now)}"
    said += f", {kernel}" if kernel else ""
    if newest[0] > now + SLACK:
        yield Item(
            "clock",
            "missing",
            f"{said}; but {newest[1]} was written at {newest[0]:%Y-%m-%d %H:%M}",
            "the clock stands in the past: set it before anything is recorded",
        )
    else:
        yield Item("clock", "ok", said)


def disk(patient: Patient) -> Iterator[Item]:
    """Compare free space with what a run needs, in the workspace and for scratch files."""
    import tempfile

    if not patient.root.is_dir():
        yield Item(
            "disk", "missing", f"no folder {patient.root}", "give --workspace an existing folder"
        )
        return
    needed = _needed(patient)
    for name, place in (("disk", patient.root), ("scratch", Path(tempfile.gettempdir()))):
        if name == "scratch" and machine.same_disk(place, patient.root):
            continue
        free = machine.free_bytes(place)
        said = f"{_size(free)} free at {place}, a run needs about {_size(needed)}"
        if free < needed:
            yield Item(name, "missing", said, "free some space: docs/operations.md, disk")
        elif free < ROOMY * needed:
            yield Item(name, "note", said, "room for a few runs only: free some space soon")
        else:
            yield Item(name, "ok", said)


def _needed(patient: Patient) -> int:
    """Estimate a run: what it reads is laid out, pinned and pushed; each run keeps its artifacts.

    The data counts three times (a draft beside it, the cache, the remote), the artifacts of the
    newest runs twice (in build and in mlruns), one for each strategy.
    """
    data = machine.size_bytes([patient.root / "data"])
    strategies = len(patient.workspace.settings.strategies) if patient.workspace else 1
    folders = sorted(
        (path for path in (patient.root / "mlruns" / "artifacts").glob("*") if path.is_dir()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    largest = max((machine.size_bytes([path]) for path in folders[:10]), default=0)
    return max(LEAST_BYTES, 3 * data + 2 * strategies * largest)


def permissions(patient: Patient) -> Iterator[Item]:
    """Try every folder that a run writes, and the files in it that it must open for writing."""
    files = [path for path in (patient.database, patient.lease) if path.exists()]
    places = [path for path in (*patient.written, *files) if path.exists() or path.parent.exists()]
    closed = [path for path in places if not machine.may_write(path)]
    foreign = {path: name for path in places if (name := machine.owner(path)) is not None}
    if closed:
        named = ", ".join(_name(path, patient) for path in closed)
        yield Item(
            "permissions",
            "missing",
            f"not writable: {named}",
            "mount it for writing or mend its rights; runs, show and reproduce work without",
        )
    elif foreign:
        path, name = next(iter(foreign.items()))
        yield Item(
            "permissions",
            "note",
            f"{len(foreign)} places belong to another user ({_name(path, patient)}: {name})",
            "let one user run everything, or chown the workspace",
        )
    else:
        yield Item("permissions", "ok", f"{len(places)} places that a run writes are writable")


def lease(patient: Patient) -> Iterator[Item]:
    """Say who works in the workspace now, if anyone."""
    pid = machine.lock_owner(patient.lease)
    if pid is None:
        yield Item("lease", "ok", "nobody is writing")
        return
    try:
        note = json.loads(patient.lease.read_text("utf-8"))
        told = f"process {note['pid']} (shadowbook {note['purpose']}, since {note['since'][:19]})"
    except (ValueError, KeyError, TypeError):
        # The owner has the lock but has not written its note yet.
        told = f"process {pid}"
    yield Item("lease", "note", f"held by {told}", "wait for it; it ends with its owner")


def leftovers(patient: Patient) -> Iterator[Item]:
    """Name what killed runs left; it harms nothing and takes room."""
    if machine.lock_owner(patient.lease) is not None:
        yield Item("leftovers", "ok", "not looked for while a process writes")
        return
    found = [path for folder, name in HALF_WRITTEN for path in (patient.root / folder).rglob(name)]
    scratch = machine.scratch_left("shadowbook-", time.time() - HOUR)
    if not found and not scratch:
        yield Item("leftovers", "ok", "nothing of killed runs")
        return
    told = []
    if found:
        first = ", ".join(_name(path, patient) for path in found[:SHOWN])
        told.append(f"{len(found)} half-written here ({first})")
    if scratch:
        told.append(f"{len(scratch)} scratch folders such as {scratch[0]}")
    folders = [path for path in (*found, *scratch) if path.is_dir()]
    files = sum(path.lstat().st_size for path in found if path.is_file())
    size = machine.size_bytes(folders) + files
    yield Item(
        "leftovers",
        "note",
        f"{' and '.join(told)}, {_size(size)}, of killed runs",
        "harmless: `shadowbook gc` deletes them once they are old; or do it while nothing runs",
    )


def _name(path: Path, patient: Patient) -> str:
    return str(path.relative_to(patient.root)) if path.is_relative_to(patient.root) else str(path)


def _size(number: int) -> str:
    gibibytes = number / 2**30
    return f"{gibibytes:.1f} GiB" if gibibytes >= 1 else f"{number / 2**20:.0f} MiB"
