"""The doctor's looks at what the workspace holds: code, services, data, features, runs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime

import numpy as np

from shadowbook.adapters import machine
from shadowbook.adapters.models.inspection import Attempt
from shadowbook.steps.health import Item, Patient
from shadowbook.steps.known import VERDICT

PATIENCE_SECONDS = 2.0
SHOWN = 12
"""Characters of a run's id or a commit."""


def profile(patient: Patient) -> Iterator[Item]:
    """Say which parts are where."""
    server = os.environ.get("PREFECT_API_URL")
    flows = f"Prefect at {server}" if server else "Prefect's own server for each run"
    workspace = patient.workspace
    source = workspace.settings.market_data.source if workspace else "unknown"
    yield Item(
        "profile",
        "ok",
        "embedded: SQLite (mlruns/mlflow.db, data/online), DuckDB (in process), files (data, "
        f".dvc/cache), source {source}; {flows}",
    )


def git(patient: Patient) -> Iterator[Item]:
    """Show the commit, and whether there is more than it."""
    code = patient.opened().code
    said = f"commit {code.commit()[:SHOWN]}"
    if code.is_dirty():
        yield Item(
            "git",
            "note",
            f"{said}, with changes that are not committed",
            "a run records them as a patch; commit what should last",
        )
    else:
        yield Item("git", "ok", said)


def prefect(_patient: Patient) -> Iterator[Item]:
    """Ask the server, where one is named."""
    server = os.environ.get("PREFECT_API_URL")
    if not server:
        return
    trouble = machine.answers(f"{server.rstrip('/')}/health", PATIENCE_SECONDS)
    if trouble is None:
        yield Item("prefect", "ok", f"{server} answers")
    else:
        yield Item(
            "prefect",
            "missing",
            f"{server} does not answer: {trouble}",
            "start that server, or unset PREFECT_API_URL: each run then brings its own",
        )


def remote(patient: Patient) -> Iterator[Item]:
    """Say where pinned data is kept: there, writable, on which disk."""
    workspace = patient.opened()
    name = workspace.settings.snapshots.remote
    place = workspace.snapshots.survey()
    if name is None or place.url is None:
        yield Item("remote", "note", "DVC cache alone", "set snapshots.remote in params.yaml")
    elif place.remote is None:
        trouble = place.trouble(PATIENCE_SECONDS)
        told = f"DVC remote {name} at {place.url}"
        if trouble is None:
            yield Item("remote", "ok", f"{told} answers")
        else:
            yield Item("remote", "missing", f"{told}: {trouble}", "mend the access to it")
    elif not machine.may_write(place.remote):
        yield Item("remote", "missing", f"{place.remote} is not writable", "mend its rights")
    elif machine.same_disk(place.remote, patient.root):
        yield Item(
            "remote",
            "note",
            f"DVC remote {name} lies on this disk and goes with it",
            "name one beyond it: docs/operations.md, pins on another machine",
        )
    else:
        yield Item("remote", "ok", f"DVC remote {name} at {place.remote}, another disk")


def registry(patient: Patient) -> Iterator[Item]:
    """MLflow's database: whole, and of the installed version's schema."""
    found = patient.records()
    if found is None:
        yield Item("registry", "note", "no MLflow database yet", "run shadowbook run")
    elif found.schema != found.expected:
        yield Item(
            "registry",
            "missing",
            f"schema {found.schema}, the installed MLflow has {found.expected}",
            "install the MLflow that wrote it, or back it up and run mlflow db upgrade",
        )
    else:
        yield Item("registry", "ok", f"MLflow database whole, schema {found.schema}")


def feast(patient: Patient) -> Iterator[Item]:
    """Feast's registry and online store; both come back from the log."""
    folder = patient.root / "data" / "online"
    written, online = folder / "registry.db", folder / "online.db"
    if not written.exists() or not online.exists():
        yield Item("feast", "note", "no online store yet", "run shadowbook features")
        return
    with closing(sqlite3.connect(f"{online.as_uri()}?mode=ro", uri=True)) as raw:
        try:
            problem = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            problem = str(error)
    if problem != "ok" or not _whole_message(written.read_bytes()):
        which = online if problem != "ok" else written
        yield Item("feast", "missing", f"{which} is damaged", f"delete {folder}, then features")
    else:
        yield Item("feast", "ok", "registry and online store are whole")


def _whole_message(raw: bytes) -> bool:
    """Say whether bytes are whole protobuf fields, one after the other; Feast takes seconds."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        kind = key & 7
        if kind == 0:
            _, at = _varint(raw, at)
        elif kind == 2:  # the wire type of what has a length
            length, at = _varint(raw, at)
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return False
    return at == len(raw) and at > 0


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(raw):
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # the last byte of a number
            return value, at
    return 0, len(raw) + 1


def data(patient: Patient) -> Iterator[Item]:
    """Read the accepted prices, and say how fresh they are."""
    workspace = patient.opened()
    store = workspace.market.accepted
    note = store.read_note(VERDICT)
    if note is None or not store.exists():
        yield Item("data", "note", "no prices accepted yet", "run shadowbook run")
        return
    bars = store.read().bars
    newest = bars["session"].max().date()
    yield Item(
        "data",
        "ok",
        f"{len(bars):,} bars of {bars['symbol'].nunique()} symbols to {newest}, judged as of "
        f"{note['as_of']}",
    )
    now = datetime.now(UTC)
    known = bars["available_at"].max()
    if known > now:
        yield Item(
            "clock",
            "missing",
            f"an accepted price became known at {known:%Y-%m-%d %H:%M} UTC, which is to come",
            "the clock stands in the past, or the source's available_at is wrong",
        )
    behind = _sessions_after(patient, newest, now)
    moment = workspace.settings.market_data.as_of
    if moment != "now":
        said = f"history (market_data.as_of: {moment}): newest session {newest}, {behind:,} behind"
        yield Item("freshness", "ok", f"{said} today's calendar, as intended")
    elif behind > workspace.settings.gates.market.max_lag_sessions:
        yield Item(
            "freshness",
            "note",
            f"newest session {newest} is {behind} behind the calendar",
            "bring the source up to date, then shadowbook run",
        )
    else:
        yield Item("freshness", "ok", f"newest session {newest}, {behind} behind the calendar")


def features(patient: Patient) -> Iterator[Item]:
    """Read the feature log and its journal."""
    workspace = patient.opened()
    last = workspace.feature_log.last_session()
    entries = workspace.feature_journal.read()
    if last is None:
        yield Item("features", "note", "nothing logged yet", "run shadowbook run")
        return
    names = len(workspace.feature_log.columns())
    said = f"{names} features to {last}, {len(entries)} extensions"
    yield Item("features", "ok", said)


def runs(patient: Patient) -> Iterator[Item]:
    """Tell the last run, how long ago it was, and what was begun and not ended."""
    found = patient.records()
    trainings = found.trainings() if found else ()
    if found is None or not trainings:
        yield Item("last run", "note", "no finished run yet", "run shadowbook run")
    else:
        last = trainings[0]
        assert last.ended_at is not None  # noqa: S101 - it is finished
        yield Item(
            "last run",
            "ok",
            f"{last.strategy} {last.run_id[:SHOWN]} as of {_day(last)}{_age(patient, last)}, ended "
            f"{last.ended_at:%Y-%m-%d %H:%M} UTC, {last.outcome}; {len(trainings)} runs in all",
        )
    # One that was begun again under another key stays unfinished for good.
    begun = [run for run in (found.unfinished if found else ()) if run.strategy]
    if begun:
        run = begun[0]
        yield Item(
            "unfinished",
            "note",
            f"{len(begun)} begun and not ended, the newest {run.strategy} as of {_day(run)}, "
            f"begun {run.started_at:%Y-%m-%d %H:%M} UTC",
            "the same command with the same code and settings completes it",
        )


def _day(run: Attempt) -> str:
    return f"{run.as_of:%Y-%m-%d}" if run.as_of else "unknown"


def _age(patient: Patient, run: Attempt) -> str:
    """Sessions between the run's moment and the newest that is decided: accepted, or by now."""
    if patient.workspace is None or run.as_of is None:
        return ""
    market = patient.workspace.market
    now = datetime.now(UTC)
    if patient.workspace.settings.market_data.as_of != "now" and market.accepted.exists():
        note = market.accepted.read_note(VERDICT)
        now = datetime.fromisoformat(note["as_of"]) if note else now
    return f" ({_sessions_after(patient, run.as_of.date(), now)} sessions ago)"


def _sessions_after(patient: Patient, day: date, now: datetime) -> int:
    """Count the sessions after a day that are decided by now."""
    calendar = patient.opened().market.calendar
    first = np.datetime64(day, "D")
    span = calendar.schedule(day, max(day, now.date()))
    moment = np.datetime64(now.replace(tzinfo=None), "us")
    return int(((span.sessions > first) & (span.decided_at <= moment)).sum())
